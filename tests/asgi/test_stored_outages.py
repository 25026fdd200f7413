"""Stores that fail: nobody is signed in or out by that, and what they missed comes later."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from asgi_site import SESSION, begin, query_of, sign_in
from emulated import PASSWORD, service
from jar_browser import JarBrowser
from stored_site import (
    ADA,
    SIGNED_OUT,
    UNAVAILABLE,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    until_seen,
    with_cookie,
    with_session,
)

from authkit_asgi import store_calls
from authkit_asgi.errors import GrantRejectedError, StoreUnavailableError

pytestmark = pytest.mark.anyio


class OddStore(Store):
    """A store of an application's own, which does not what it should."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.odd: Any = None

    async def get(self, key: str) -> Any:
        return await self.odd() if self.odd else await super().get(key)

    async def put(self, key: str, value: str, **how: Any) -> Any:
        return await self.odd() if self.odd else await super().put(key, value, **how)

    async def end(self, key: str, *, seconds: int) -> None:
        await (self.odd() if self.odd else super().end(key, seconds=seconds))

    async def keys(self, owner: str) -> Any:
        return await self.odd() if self.odd else await super().keys(owner)


async def raising() -> None:
    raise RuntimeError("secret of " + PASSWORD)


async def raising_another_of_ours() -> None:
    raise GrantRejectedError("invalid_grant")


async def cancelled() -> None:
    raise asyncio.CancelledError


async def hanging() -> None:
    await anyio.sleep_forever()


async def number() -> int:
    return 7


async def octets() -> bytes:
    return b""


FAULTS = [raising, raising_another_of_ours, cancelled, hanging, number, octets]


@pytest.mark.parametrize("fault", FAULTS)
async def test_store_that_misbehaves_is_unavailable(emulator, clock, monkeypatch, caplog, fault):
    monkeypatch.setattr(store_calls, "_CALL_SECONDS", 0.02)
    store = OddStore(clock)
    browser = await signed_in(emulator, store)
    store.odd = fault
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (UNAVAILABLE, {})
    assert PASSWORD not in caplog.text
    store.odd = None
    assert await seen(browser) == ADA


@pytest.mark.parametrize("fault", FAULTS[:4])
async def test_sign_out_with_a_store_that_misbehaves_is_made_up_for(
    emulator, clock, monkeypatch, fault
):
    monkeypatch.setattr(store_calls, "_CALL_SECONDS", 0.02)
    store = OddStore(clock)
    browser = await signed_in(emulator, store)
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    store.odd = fault
    answer = await browser.post("/logout")
    assert (answer.status, browser.named(SESSION)) == (303, [])
    store.odd = None
    await until_seen(thief, SIGNED_OUT)


@pytest.mark.parametrize("fault", [*FAULTS[:4], number])
async def test_list_of_a_store_that_misbehaves_is_unavailable(emulator, clock, monkeypatch, fault):
    monkeypatch.setattr(store_calls, "_CALL_SECONDS", 0.02)
    store = OddStore(clock)
    authkit = service(emulator, store=store)
    store.odd = fault
    for call in (authkit.stored_sessions, authkit.revoke_sessions):
        with pytest.raises(StoreUnavailableError):
            await call("user_ada")


async def test_request_that_is_cancelled_is_no_outage(emulator, clock, caplog):
    store = OddStore(clock)
    browser = await signed_in(emulator, store)
    store.odd = hanging
    with anyio.move_on_after(0.05) as scope:
        await browser.get("/who")
    assert scope.cancelled_caught
    assert "store failed" not in caplog.text


async def test_sign_in_while_the_store_is_down_says_so_and_changes_nothing(emulator, store):
    browser = await signed_in(emulator, store)
    before = cookie_of(browser)
    target = await begin(browser, emulator, user="bob")
    store.is_read_only = True
    answer = await browser.get(target)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert cookie_of(browser) == before
    assert await seen(browser) == ADA


async def test_session_in_a_cookie_stays_there_while_the_store_takes_no_writes(
    emulator, store, clock
):
    browser = with_session(shop(emulator, store), emulator, lifetime=100)
    store.is_read_only = True
    assert await seen(browser) == ADA
    assert not holds_id(browser)
    clock.now += 400
    assert await seen(browser) == ADA
    assert not holds_id(browser)
    store.is_read_only = False
    assert await seen(browser) == ADA
    assert holds_id(browser)


async def test_sign_out_of_a_session_in_a_cookie_with_the_store_down_ends_it(emulator, store):
    app = shop(emulator, store)
    browser = with_session(app, emulator)
    full = cookie_of(browser)
    store.is_down = True
    answer = await browser.post("/logout")
    assert "session_id" in query_of(answer.location)
    assert browser.names() == []
    store.is_down = False
    assert await seen(with_cookie(app, full)) == SIGNED_OUT
    await until_seen(with_cookie(shop(emulator, store), full), SIGNED_OUT)


async def test_sign_out_does_not_wait_for_a_store_that_is_no_more(emulator, store, clock):
    gone = Store(clock)
    browser = await signed_in(emulator, store, previous_store=gone)
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    gone.is_down = True
    assert await seen(browser) == ADA
    await browser.post("/logout")
    assert await seen(thief) == SIGNED_OUT


async def test_sign_out_does_not_wait_for_the_store_where_the_session_is_not(
    emulator, store, clock
):
    browser = await signed_in(emulator, store)
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    new = Store(clock)
    new.is_read_only = True
    browser.app = shop(emulator, new, previous_store=store)
    assert await seen(browser) == ADA
    await browser.post("/logout")
    assert await seen(thief) == SIGNED_OUT


async def test_sign_out_with_the_store_down_counts_in_its_process_at_once(emulator, store):
    browser = await signed_in(emulator, store)
    thief = with_cookie(browser.app, cookie_of(browser))
    store.is_down = True
    assert (await browser.post("/logout")).status == 303
    store.is_down, store.is_read_only = False, True
    assert await seen(thief) == SIGNED_OUT


async def test_store_that_fails_when_the_answer_starts_does_not_keep_it(emulator, store, clock):
    browser = await signed_in(emulator, store)
    clock.now += 400

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        store.is_down = True
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    browser.app.mount("/failing", failing)
    assert list((await browser.get("/failing/")).set_cookies) == [SESSION]
    store.is_down = False
    assert await seen(browser) == ADA


async def test_store_in_which_changes_never_end_is_unavailable(emulator, clock):
    class Contrary(Store):
        async def put(self, *_: Any, **__: Any) -> bool:
            return False

    browser = JarBrowser(shop(emulator, Contrary(clock)))
    answer = await sign_in(browser, emulator)
    assert answer.status == 503
    assert browser.named(SESSION) == []
