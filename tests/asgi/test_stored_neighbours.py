"""Stored sessions beside the package's other settings and kinds of connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_driver import drive, websocket_scope
from asgi_site import SESSION, sealed_session
from emulated import ORIGIN, service
from starlette.routing import WebSocketRoute
from stored_site import (
    ADA,
    GLOBEX,
    OVER,
    ROTATED,
    SIGNED_OUT,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
    writes,
)

from authkit_asgi.errors import SessionReadOnlyError
from authkit_asgi.refresh import InProcessRefreshCoordinator

pytestmark = pytest.mark.anyio


async def test_read_only_reads_ids_and_writes_nothing(emulator, store, clock):
    browser = await signed_in(emulator, store)
    full = with_session(shop(emulator, store), emulator)
    rotated = cookie_of(await signed_in(emulator, store))
    store.calls.clear()
    for changes in ({"store": store}, {"previous_store": store}, {"store": store, **ROTATED}):
        app = shop(emulator, refresh="never", **changes)
        for value in (cookie_of(browser), cookie_of(full), rotated):
            answer = await with_cookie(app, value).get("/who")
            assert (answer.json, answer.set_cookies) == (ADA, {})
    assert writes(store) == []
    clock.now += 400
    answer = await with_cookie(shop(emulator, store, refresh="never"), rotated).get("/who")
    assert answer.json == OVER
    assert writes(store) == []
    authkit = service(emulator, store=store, refresh="never")
    with pytest.raises(SessionReadOnlyError):
        await authkit.accept_sign_in(emulator.sign_in("user_ada"))


async def test_session_refreshed_elsewhere_is_seen_by_who_only_reads(emulator, store, clock):
    browser = await signed_in(emulator, store)
    reader = with_cookie(shop(emulator, store, refresh="never"), cookie_of(browser))
    clock.now += 400
    assert await seen(browser) == ADA
    assert await seen(reader) == ADA


async def test_dead_session_is_not_dropped_by_who_only_reads(emulator, store, clock):
    coordinator = InProcessRefreshCoordinator(timeout=5, clock=clock)
    browser = await signed_in(emulator, store, coordinator=coordinator)
    (session,) = emulator._state.sessions.active_of("user_ada")
    emulator.end_session(session.id)
    clock.now += 400
    assert (await seen(browser))["reason"] == "refresh_denied"
    store.calls.clear()
    app = shop(emulator, store, coordinator=coordinator, refresh="never")
    assert (await seen(with_cookie(app, cookie_of(browser))))["user"] is None
    assert writes(store) == []


async def test_transform_and_fields_are_kept_in_the_store(emulator, store, clock):
    def transform(session: dict[str, Any]) -> dict[str, Any]:
        return {**session, "user": {**session["user"], "lastName": "Transformed"}}

    authkit = service(emulator, store=store, session_user_fields=("id", "last_name"))
    authkit._contents._transform = transform
    answer = emulator.sign_in("user_ada")
    _, cookie = await authkit.keep(await authkit.accept_sign_in(answer))
    for _ in range(2):
        loaded = await authkit.load([cookie])
        assert (loaded.auth.user.last_name, loaded.auth.user.first_name) == ("Transformed", None)
        clock.now += 400
    full = with_session(shop(emulator, store, session_user_fields=("id",)), emulator)
    assert await seen(full) == ADA
    loaded = await service(emulator, store=store).load([cookie_of(full)])
    assert loaded.auth.user.first_name is None


async def test_unused_session_is_over_and_dropped(emulator, store, clock):
    browser = await signed_in(emulator, store, inactivity_timeout=1000)
    clock.now += 900
    assert await seen(browser) == ADA
    clock.now += 900
    assert await seen(browser) == ADA
    copy = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 1100
    assert await seen(browser) == OVER
    assert browser.named(SESSION) == []
    assert await seen(copy) == SIGNED_OUT


async def test_eager_auth_hands_out_the_token_of_a_stored_session(emulator, store):
    browser = await signed_in(emulator, store, eager_auth=True)
    authkit = browser.app.user_middleware[0].kwargs["authkit"]
    loaded = await authkit.load([cookie_of(browser)])
    await browser.get("/who")
    assert browser.named("workos-access-token") == [loaded.auth.access_token]
    await browser.post("/logout")
    assert browser.names() == []


async def test_web_socket_moves_a_session_and_refreshes_it(emulator, store, clock):
    async def echo(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()

    app = shop(emulator, store)
    app.router.routes.append(WebSocketRoute("/socket", echo))
    value = sealed_session(emulator.sign_in("user_ada", lifetime=-100))
    headers = [("origin", ORIGIN), ("cookie", f"{SESSION}={value}")]
    answer = await drive(app, websocket_scope("/socket", headers))
    (line,) = answer.all("set-cookie")
    moved = with_cookie(app, line.partition("=")[2].partition(";")[0])
    assert (await seen(moved), holds_id(moved)) == (ADA, True)


def test_event_loop_for_each_request(emulator, store, clock):
    browser = asyncio.run(signed_in(emulator, store))
    for _ in range(3):
        clock.now += 400
        assert asyncio.run(seen(browser)) == ADA
    assert asyncio.run(browser.post("/switch")).json == GLOBEX
    asyncio.run(browser.post("/logout"))
    assert browser.names() == []


async def test_sessions_are_listed_and_ended_one_by_one(emulator, store, clock):
    first = await signed_in(emulator, store)
    clock.now += 10
    second = await signed_in(emulator, store)
    authkit = service(emulator, store=store)
    listed = await authkit.stored_sessions("user_ada")
    assert [each.refreshed_at for each in listed] == [clock.now, clock.now - 10]
    assert listed[0].organization_id == "org_acme"
    assert await authkit.revoke_sessions("user_ada", session_id=listed[1].session_id) == 1
    assert [await seen(first), await seen(second)] == [SIGNED_OUT, ADA]
    assert await authkit.revoke_sessions("user_ada") == 1
    assert await authkit.stored_sessions("user_ada") == []
    alone = service(emulator)
    assert await alone.stored_sessions("user_ada") == []
    assert await alone.revoke_sessions("user_ada") == 0


async def test_lifespan_opens_and_closes_the_stores(emulator, clock):
    class Opened(Store):
        async def open(self) -> None:
            self.calls.append("open")
            await super().open()

        async def aclose(self) -> None:
            self.calls.append("close")
            await super().aclose()

    stores = [Opened(clock), Opened(clock)]
    authkit = service(emulator, store=stores[0], previous_store=stores[1])
    await authkit.open()
    await authkit.aclose()
    assert [store.calls for store in stores] == [["open", "close"]] * 2
