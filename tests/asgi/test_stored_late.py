"""What a store could not be told at once it is told later, and no later change is undone by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from emulated import service
from stored_site import (
    ADA,
    GLOBEX,
    SIGNED_OUT,
    UNAVAILABLE,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    until,
    until_seen,
    with_cookie,
)

from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.refresh import InProcessRefreshCoordinator

pytestmark = pytest.mark.anyio


class Overtaken:
    """A store in which somebody else replaces a session between a look and the next put."""

    def __init__(self, store: Store, overtake: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._overtake = overtake
        self._is_overtaken = False

    async def put(self, key: str, value: str, **how: Any) -> bool:
        if not self._is_overtaken:
            self._is_overtaken = True
            await self._overtake()
        return await self._store.put(key, value, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def until_told(app: Any, ends: int = 0) -> None:
    """Wait until an application has told its stores all changes, but for some ends."""
    calls = app.user_middleware[0].kwargs["authkit"]._stored._calls

    async def is_told() -> bool:
        return not calls._unsaved and len(calls._unended) <= ends

    await until(is_told)


async def test_nothing_is_exchanged_while_the_store_takes_no_writes(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    store.is_read_only = True
    assert await seen(browser) == ADA
    asked = emulator.count("authenticate")
    for _ in range(3):
        clock.now += 400
        for each in (browser, other):
            answer = await each.get("/who")
            assert (answer.json, answer.set_cookies) == (UNAVAILABLE, {})
            with pytest.raises(StoreUnavailableError):
                await each.post("/refresh")
    assert emulator.count("authenticate") == asked
    store.is_read_only = False
    assert [await seen(browser), await seen(other)] == [ADA, ADA]
    assert emulator.count("authenticate") == asked + 1


async def test_worker_that_comes_too_late_to_refresh_takes_what_it_finds(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    clock.now += 400
    app = shop(emulator, store)

    async def refresh() -> None:
        assert await seen(browser) == ADA

    overtaken = with_cookie(shop(emulator, Overtaken(store, refresh)), cookie_of(browser))
    assert await seen(overtaken) == ADA
    assert emulator.count("authenticate", status=200) == emulator.count("authenticate") == 2
    assert await seen(with_cookie(app, cookie_of(browser))) == ADA


async def test_nothing_is_exchanged_for_what_nobody_can_read(emulator, store, clock):
    browser = await signed_in(emulator, store)
    clock.now += 400
    asked = emulator.count("authenticate")

    async def spoil() -> None:
        (key,) = store._values
        await store.end(key, seconds=60)
        await store.put(key, "spoilt", expected="", owner="", seconds=60)

    overtaken = with_cookie(shop(emulator, Overtaken(store, spoil)), cookie_of(browser))
    assert await seen(overtaken) == UNAVAILABLE
    assert emulator.count("authenticate") == asked


async def test_refresh_that_the_store_could_not_take_is_stored_later(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    store.puts_left = 1
    assert await seen(browser) == ADA
    assert holds_id(browser)
    for _ in range(12):  # four times longer than anybody remembers an exchange
        clock.now += 1000
        assert await seen(browser) == UNAVAILABLE
    store.puts_left = None
    asked = emulator.count("authenticate")
    await until_seen(browser, ADA)
    await until_seen(other, ADA)
    assert emulator.count("authenticate", status=200) == emulator.count("authenticate")
    assert emulator.count("authenticate") <= asked + 2


async def test_successor_of_a_worker_that_cannot_write_keeps_its_place(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    coordinator = InProcessRefreshCoordinator(timeout=5, clock=clock)  # as Redis: for both
    cut_off = Store(clock)
    browser = await signed_in(emulator, store)
    cut_off._values, cut_off.puts_left = store._values, 1
    browser.app = shop(emulator, cut_off, coordinator=coordinator)
    clock.now += 400
    assert await seen(browser) == ADA
    clock.now += 400
    browser.app = shop(emulator, store, coordinator=coordinator)
    assert await seen(browser) == ADA
    assert len(store) == 1
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)


async def test_switch_while_the_store_takes_no_writes_is_seen_by_the_next_request(emulator, store):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    store.puts_left = 1
    assert (await browser.post("/switch")).json == GLOBEX
    assert await seen(browser) == GLOBEX
    store.puts_left = None
    await until_seen(other, GLOBEX)


async def test_what_is_stored_late_brings_no_ended_session_back(emulator, store, clock):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    store.puts_left = 1
    assert await seen(browser) == ADA
    store.puts_left = None
    await other.post("/logout")
    await until_seen(browser, SIGNED_OUT)
    await anyio.sleep(0.2)
    assert await seen(browser) == SIGNED_OUT


async def test_what_is_stored_an_hour_late_does_not_outlive_the_mark_of_a_sign_out(
    emulator, store, clock
):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    store.puts_left = 1
    assert await seen(browser) == ADA
    authkit = browser.app.user_middleware[0].kwargs["authkit"]
    await authkit.aclose()  # the loop that was to do it
    store.puts_left = None
    await other.post("/logout")
    clock.now += 3700
    store._values.clear()
    for _ in range(20):
        assert (await seen(browser))["user"] is None
        await anyio.sleep(0.01)
    assert len(store) == 0


async def test_store_that_lost_its_data_gets_what_it_missed(emulator, store, clock):
    browser = await signed_in(emulator, store)
    clock.now += 400
    store.puts_left = 1
    assert await seen(browser) == ADA
    store._values.clear()
    store.puts_left = None
    await until_seen(browser, ADA)


async def test_late_changes_of_one_store_do_not_wait_for_another(emulator, store, clock):
    gone = Store(clock)
    gone.is_read_only = True
    app = shop(emulator, store, previous_store=gone)
    leaving, staying = await signed_in(emulator, store), await signed_in(emulator, store)
    leaving.app = staying.app = app
    await leaving.post("/logout")
    clock.now += 400
    store.puts_left = 1
    assert await seen(staying) == ADA
    store.puts_left = None
    other = with_cookie(shop(emulator, store), cookie_of(staying))
    await until_told(app, ends=2)
    asked = emulator.count("authenticate")
    assert await seen(other) == ADA
    assert emulator.count("authenticate") == asked


def test_event_loop_that_ends_leaves_its_late_changes_to_the_next(emulator, store, clock):
    app = shop(emulator, store)
    browser = asyncio.run(signed_in(emulator, store))
    other = asyncio.run(signed_in(emulator, store))
    browser.app = other.app = app
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    store.is_down = True
    asyncio.run(browser.post("/logout"))
    store.is_down = False

    async def next_loop() -> None:
        assert await seen(other) == ADA
        await until_seen(thief, SIGNED_OUT)

    asyncio.run(next_loop())


async def test_sign_out_that_fails_while_others_are_told_is_told_too(emulator, clock, store):
    app = shop(emulator, store)
    first, second = await signed_in(emulator, store), await signed_in(emulator, store)
    thieves = [with_cookie(shop(emulator, store), cookie_of(each)) for each in (first, second)]
    first.app = second.app = app
    store.is_read_only = True
    for browser in (first, second):
        await browser.post("/logout")
        await anyio.sleep(0.06)  # into the first attempts to tell it
    store.is_read_only = False
    for thief in thieves:
        await until_seen(thief, SIGNED_OUT)


async def test_revocation_that_cannot_be_written_says_so_and_is_made_up_for(emulator, store):
    browser = await signed_in(emulator, store)
    authkit = service(emulator, store=store)
    store.is_read_only = True
    with pytest.raises(StoreUnavailableError):
        await authkit.revoke_sessions("user_ada")
    store.is_read_only = False
    await until_seen(browser, SIGNED_OUT)


async def test_dead_session_keeps_its_cookie_while_the_store_takes_no_writes(
    emulator, store, clock
):
    browser = await signed_in(emulator, store)
    loser = with_cookie(shop(emulator, store), cookie_of(browser))
    # A line of its own: what it tells late is not to be told in the loser's place.
    cut_off = Store(clock)
    cut_off._values, cut_off.puts_left = store._values, 1
    browser.app = shop(emulator, cut_off)
    clock.now += 400
    assert await seen(browser) == ADA
    store.puts_left = 1
    assert (await seen(loser))["reason"] == "refresh_denied"
    clock.now += 61
    answer = await loser.get("/who")
    assert answer.set_cookies == {}
    cut_off.puts_left = store.puts_left = None
    await until_told(browser.app)
    assert await seen(loser) == ADA
