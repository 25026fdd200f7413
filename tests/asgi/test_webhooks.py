"""WorkOS's webhooks: who is signed out by them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from asgi_driver import Browser
from asgi_site import site
from emulated import PASSWORD
from stored_site import Store
from webhook_site import (
    ADA,
    SECRET,
    SIGNED_OUT,
    browser_of,
    deliver,
    every_kind,
    good,
    kinds,
    seen,
    signed,
)

from authkit_asgi import webhook_route
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio


@every_kind
async def test_event_signs_out_whom_it_is_about_and_nobody_else(emulator, kind):
    app = site(emulator, [webhook_route(secret=SECRET)])
    bob, _ = browser_of(app, emulator, "user_bob")
    elsewhere, _ = browser_of(app, emulator, organization="org_globex")
    ada, session_id = browser_of(app, emulator)
    assert await seen(ada) == ADA
    answer = await deliver(app, signed(*kinds(session_id)[kind]))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.set_cookies == {}
    assert await seen(ada) == SIGNED_OUT
    assert (await seen(bob))["user"] == "user_bob"
    is_everywhere = kind == "user.deleted"
    assert (await seen(elsewhere))["user"] == (None if is_everywhere else "user_ada")


@every_kind
async def test_event_ends_sessions_whose_token_has_expired_without_an_exchange(
    emulator, clock, kind
):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, session_id = browser_of(app, emulator)
    await deliver(app, signed(*kinds(session_id)[kind]))
    clock.now += 400
    assert await seen(ada) == SIGNED_OUT
    assert emulator.count("authenticate", grant_type="refresh_token") == 0


@every_kind
async def test_sign_in_afterwards_counts_also_when_the_event_comes_again(emulator, clock, kind):
    app = site(emulator, [webhook_route(secret=SECRET)])
    _, session_id = browser_of(app, emulator)
    webhook = signed(*kinds(session_id)[kind])
    await deliver(app, webhook)
    clock.now += 2
    again, _ = browser_of(app, emulator)
    assert await seen(again) == ADA
    assert (await deliver(app, webhook)).status == 200
    assert await seen(again) == ADA


@pytest.mark.parametrize("created_at", [None, 7, "yesterday", "2027-01-15T08:00:00.5", "9" * 400])
async def test_event_without_a_time_has_taken_place_by_now(emulator, clock, created_at):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    event = {"event": "user.deleted", "data": {"id": "user_ada"}, "created_at": created_at}
    assert (await deliver(app, signed(event))).status == 200
    assert await seen(ada) == SIGNED_OUT
    clock.now += 2
    again, _ = browser_of(app, emulator)
    assert await seen(again) == ADA


@pytest.mark.parametrize("kind", ["user.deleted", "organization_membership.deleted"])
async def test_exchange_under_way_brings_no_session_back(emulator, clock, kind):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, session_id = browser_of(app, emulator)
    clock.now += 400
    emulator.fail("authenticate", delay=0.3, status=None, headers={"x-late": "1"})
    answers: list[Any] = []
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            answers.append(await seen(ada))

        tasks.start_soon(ask)
        while not emulator.count("authenticate"):  # noqa: ASYNC110
            await anyio.sleep(0.01)
        before = clock.now - 350  # the new token is younger than that
        await deliver(app, signed(*kinds(session_id)[kind], created_at=before))
    assert answers == [SIGNED_OUT]
    assert await seen(ada) == SIGNED_OUT


@every_kind
async def test_event_ends_what_stands_in_the_store(emulator, clock, kind):
    store = Store(clock)
    app = site(emulator, [webhook_route(secret=SECRET)], store=store)
    ada, session_id = browser_of(app, emulator)
    assert await seen(ada) == ADA  # from its cookie into the store
    assert (await deliver(app, signed(*kinds(session_id)[kind]))).status == 200
    other_worker = Browser(site(emulator, store=store))
    other_worker.cookies = dict(ada.cookies)
    assert await seen(other_worker) == SIGNED_OUT


async def test_event_is_asked_for_again_where_the_store_or_redis_cannot_be_told(
    emulator, clock, monkeypatch
):
    store = Store(clock)
    app = site(emulator, [webhook_route(secret=SECRET)], store=store)
    ada, session_id = browser_of(app, emulator)
    assert await seen(ada) == ADA
    store.is_down = True
    answer = await deliver(app, signed(*kinds(session_id)["session.revoked"]))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.setattr("authkit_asgi.redis.CALL_SECONDS", 0.1)
    coordinator = RedisRefreshCoordinator(
        "redis://127.0.0.1:1/0", cookie_password=PASSWORD, clock=clock
    )
    called: list[Any] = []
    route = webhook_route(secret=SECRET, on_event=called.append)
    app = site(emulator, [route], coordinator=coordinator)
    ada, session_id = browser_of(app, emulator)
    for kind in kinds():
        answer = await deliver(app, signed(*kinds(session_id)[kind]))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5"), kind
        assert await seen(ada) == SIGNED_OUT  # here it counts all the same
    assert called == []
    await coordinator.aclose()


@pytest.mark.parametrize("is_async", [False, True])
async def test_hook_is_told_of_every_signed_event_and_may_refuse_it(emulator, is_async):
    told: list[Any] = []

    def tell(event: Any) -> None:
        told.append(event["event"])
        if event["event"] == "user.created":
            raise RuntimeError("the database is down")

    async def tell_async(event: Any) -> None:
        tell(event)

    route = webhook_route(secret=SECRET, on_event=tell_async if is_async else tell)
    app = site(emulator, [route])
    assert (await deliver(app, good())).status == 200
    assert (await deliver(app, signed({"event": "user.updated"}))).status == 200
    assert (await deliver(app, signed({"event": "x"}, secret="whsec_other"))).status == 400
    with pytest.raises(RuntimeError):
        await deliver(app, signed({"event": "user.created"}))
    assert told == ["user.deleted", "user.updated", "user.created"]
