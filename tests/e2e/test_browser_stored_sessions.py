"""Sessions in Redis, seen from a real jar: an id of one size, whatever the session holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_steps import SESSION, expect_user, sign_in, sign_out
from playwright.sync_api import Page, expect
from processes import TOKEN_LIFETIME_SECONDS, Emulator, run_application
from redis_server import RedisServer, running
from screenshots_folder import Screenshot

_ADA = "user_01DEMOADA00000000000000000"
_ACME = "org_01DEMOACME0000000000000000"
_GLOBEX = "org_01DEMOGLOBEX00000000000000"
_IN_CHUNKS = [f"{SESSION}.0", f"{SESSION}.1"]


@pytest.fixture(scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("sessions")) as server:
        yield server


@pytest.fixture
def redis(_redis: RedisServer) -> RedisServer:
    _redis.admin.flushall()
    return _redis


@pytest.fixture(scope="module")
def stored_url(_emulator: Emulator, _redis: RedisServer) -> Iterator[str]:
    with run_application(_emulator, STORE=_redis.url) as address:
        yield address


def _grant(emulator: Emulator, permissions: int) -> None:
    """Give Ada so many permissions in Acme, and forty feature flags."""
    emulator.control(
        "POST",
        "memberships",
        user_id=_ADA,
        organization_id=_ACME,
        role="admin",
        permissions=[f"area-{number}:manage" for number in range(permissions)],
        feature_flags=[f"beta-feature-{number}" for number in range(40)],
    )


def _jar(page: Page) -> dict[str, str]:
    found = ((str(one.get("name")), str(one.get("value"))) for one in page.context.cookies())
    return {name: value for name, value in found if name.startswith("wos-")}


def _stored(server: RedisServer) -> list[Any]:
    return [server.admin.get(name) for name in server.admin.scan_iter("authkit:session:*")]


def _outlive_token() -> None:
    time.sleep(TOKEN_LIFETIME_SECONDS + 0.5)


def test_session_of_12_kb_lives_behind_one_small_cookie(
    new_page: Callable[..., Page],
    stored_url: str,
    redis: RedisServer,
    emulator: Emulator,
    screenshot: Screenshot,
) -> None:
    _grant(emulator, 400)
    page = new_page(base_url=stored_url)
    sign_in(page)
    (value,) = _stored(redis)
    assert len(value) > 12 * 1024
    assert list(_jar(page)) == [SESSION]
    assert len(_jar(page)[SESSION]) < 400
    page.reload()
    expect(page.locator("table")).to_contain_text("area-399:manage")
    screenshot(page, "stored-session")

    _grant(emulator, 401)
    _outlive_token()
    page.reload()
    expect(page.locator("table")).to_contain_text("area-400:manage")
    assert list(_jar(page)) == [SESSION]
    assert len(_stored(redis)) == 1

    page.get_by_role("button", name="Switch to Globex").click()
    expect(page.locator("table")).to_contain_text(_GLOBEX)
    other = page.context.new_page()
    other.goto("/dashboard")
    expect(other.locator("table")).to_contain_text(_GLOBEX)
    other.get_by_role("button", name="Switch to Acme").click()
    expect(other.locator("table")).to_contain_text("area-400:manage")
    page.reload()
    expect(page.locator("table")).to_contain_text("area-400:manage")

    sign_out(page)
    assert page.context.cookies() == []
    assert {*_stored(redis)} == {b""}
    other.reload()
    expect(other.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


@pytest.mark.usefixtures("long_tokens")
def test_copy_of_the_cookie_is_worth_nothing_after_the_sign_out(
    new_page: Callable[..., Page],
    stored_url: str,
    redis: RedisServer,
    emulator: Emulator,
    screenshot: Screenshot,
) -> None:
    page = new_page(base_url=stored_url)
    sign_in(page)
    with run_application(emulator, STORE=redis.url) as another:
        thief = new_page(base_url=another)
        thief.context.add_cookies([{"name": SESSION, "value": _jar(page)[SESSION], "url": another}])
        thief.goto("/dashboard")
        expect_user(thief)
        sign_out(page)
        thief.goto("/")
        expect(thief.get_by_text("Not signed in", exact=True)).to_be_visible()
        screenshot(thief, "stored-session-ended")


@pytest.mark.usefixtures("long_tokens")
def test_while_redis_hangs_the_page_says_so_and_the_session_is_there_afterwards(
    new_page: Callable[..., Page], stored_url: str, redis: RedisServer, screenshot: Screenshot
) -> None:
    page = new_page(base_url=stored_url)
    sign_in(page)
    before = _jar(page)
    redis.stop()
    try:
        answer = page.goto("/dashboard")
        assert answer is not None
        assert answer.status == 503
        screenshot(page, "store-unavailable")
        assert _jar(page) == before
    finally:
        redis.go_on()
    deadline = time.monotonic() + 20
    while (answer := page.goto("/dashboard")) is None or answer.status != 200:
        assert time.monotonic() < deadline
    expect_user(page)
    assert _jar(page) == before


@pytest.mark.parametrize("expires", [False, True], ids=["a good token", "an expired token"])
def test_session_in_chunks_moves_into_redis_and_back_and_leaves_nothing_behind(
    new_page: Callable[..., Page],
    app_url: str,
    redis: RedisServer,
    emulator: Emulator,
    expires: bool,  # noqa: FBT001  # a case
) -> None:
    if not expires:
        emulator.control("POST", "settings", access_token_lifetime=300)
    pause = _outlive_token if expires else lambda: None
    _grant(emulator, 80)
    page = new_page(base_url=app_url)
    sign_in(page)
    assert sorted(_jar(page)) == _IN_CHUNKS
    pause()
    with run_application(emulator, STORE=redis.url) as address:
        page.goto(f"{address}/dashboard")
        expect_user(page)
        expect(page.locator("table")).to_contain_text("area-79:manage")
        assert list(_jar(page)) == [SESSION]
        assert len(_stored(redis)) == 1
        pause()
        page.reload()
        expect_user(page)
        assert list(_jar(page)) == [SESSION]
    pause()
    with run_application(emulator, PREVIOUS_STORE=redis.url) as address:
        page.goto(f"{address}/dashboard")
        expect_user(page)
        assert sorted(_jar(page)) == _IN_CHUNKS
    page.goto("/dashboard")  # an application without any store
    expect_user(page)
    expect(page.locator("table")).to_contain_text("area-79:manage")
    assert sorted(_jar(page)) == _IN_CHUNKS
    sign_out(page)
    assert page.context.cookies() == []
    emulator.control("POST", "settings", access_token_lifetime=TOKEN_LIFETIME_SECONDS)
