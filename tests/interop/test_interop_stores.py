"""Cookies of the kits move into Redis, where no kit can follow, and come back for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from example_site import PASSWORD, WorkOSAddress, run_site
from kit_bridge import KITS, NODE_8, NODE_10, Bridge
from redis_server import RedisServer, running

from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

ADA_ID = "user_01DEMOADA00000000000000000"
every_kit = pytest.mark.parametrize("folder", [NODE_8, NODE_10])
every_token = pytest.mark.parametrize("lifetime", [300, -3600], ids=["good token", "expired token"])


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def emulator() -> WorkOSEmulator:
    return WorkOSEmulator.demo()


@pytest.fixture
def workos(emulator: WorkOSEmulator) -> Iterator[WorkOSAddress]:
    with emulator.serve() as url:
        yield WorkOSAddress(url=url, client_id=emulator.client_id, api_key=emulator.api_key)


def sealed_by_the_kit(bridge: Bridge, answer: dict[str, Any], folder: str) -> str:
    (made,) = bridge("answers", answers=[answer], password=PASSWORD, folder=folder)
    return str(made["sealed"])


@every_kit
@every_token
def test_cookie_of_a_kit_moves_into_redis_and_comes_back_for_the_kits(
    *,
    bridge: Bridge,
    emulator: WorkOSEmulator,
    workos: WorkOSAddress,
    redis: RedisServer,
    folder: str,
    lifetime: int,
):
    config = workos.kit_config
    cookie = sealed_by_the_kit(bridge, emulator.sign_in(ADA_ID, lifetime=lifetime), folder)
    store = RedisSessionStore(redis.url)
    with run_site(workos, store=store) as site:
        site.session = cookie
        assert site.me()["id"] == ADA_ID
        named = str(site.session)
        assert len(named) < 400
        assert site.me()["metadata"] == {"team": "engines"}
        assert site.session == named
    for kit in KITS:
        assert not bridge.opens(kit, named, PASSWORD)
    assert bridge("withAuth", config=config, sealed=named)["auth"]["user"] is None
    with run_site(workos, previous_store=store) as site:
        site.session = named
        assert site.me()["id"] == ADA_ID
        back = str(site.session)
        assert site.me()["id"] == ADA_ID
        assert site.session == back
    for kit in KITS:
        assert bridge.opens(kit, back, PASSWORD)
    assert bridge("withAuth", config=config, sealed=back)["auth"]["user"]["id"] == ADA_ID
    auth = bridge("authenticate", config=config, sealed=back, folder=folder)
    assert (auth["authenticated"], auth["user"]["id"]) == (True, ADA_ID)
    is_same = (
        unseal_session(back, PASSWORD).refresh_token
        == unseal_session(cookie, PASSWORD).refresh_token
    )
    assert is_same is (lifetime > 0)
    assert emulator.count("authenticate", grant_type="refresh_token") == (not is_same)


@every_kit
def test_session_that_came_back_and_was_refreshed_by_a_kit_moves_into_redis_again(
    bridge: Bridge,
    emulator: WorkOSEmulator,
    workos: WorkOSAddress,
    redis: RedisServer,
    folder: str,
):
    store = RedisSessionStore(redis.url)
    with run_site(workos, store=store) as site:
        site.session = sealed_by_the_kit(bridge, emulator.sign_in(ADA_ID), folder)
        site.me()
        named = str(site.session)
    with run_site(workos, previous_store=store) as site:
        site.session = named
        site.me()
        back = str(site.session)
    refreshed = bridge("refresh", config=workos.kit_config, sealed=back, folder=folder)
    assert refreshed["authenticated"] is True
    newest = unseal_session(refreshed["sealedSession"], PASSWORD).refresh_token
    with run_site(workos, store=store) as site:
        site.session = refreshed["sealedSession"]
        assert site.me()["id"] == ADA_ID
        again = str(site.session)
    with run_site(workos, previous_store=store) as site:
        site.session = again
        assert site.me()["id"] == ADA_ID
        assert unseal_session(str(site.session), PASSWORD).refresh_token == newest
