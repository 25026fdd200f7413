"""What a store could not be told at once it is told later, and no later change is undone by it."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from emulated import PASSWORD, service
from stored_site import (
    ADA,
    GLOBEX,
    SIGNED_OUT,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    until,
    until_seen,
    with_cookie,
    with_session,
)

from authkit_asgi import store_calls
from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.refresh import InProcessRefreshCoordinator
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import StoredAs

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(clock):
    return Store(clock)


async def until_told(app: Any, ends: int = 0) -> None:
    """Wait until an application has told its stores all changes, but for some ends."""
    calls = app.user_middleware[0].kwargs["authkit"]._stored._calls

    async def is_told() -> bool:
        return not calls._unsaved and len(calls._unended) <= ends

    await until(is_told)


async def test_refresh_while_the_store_takes_no_writes_is_stored_later(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    store.is_read_only = True
    for _ in range(12):  # four times longer than anybody remembers an exchange
        assert await seen(browser) == ADA
        assert holds_id(browser)
        clock.now += 1000
    store.is_read_only = False
    asked = emulator.count("authenticate")
    assert await seen(browser) == ADA
    await until_seen(other, ADA)
    assert emulator.count("authenticate", status=200) == emulator.count("authenticate")
    assert emulator.count("authenticate") <= asked + 2


async def test_successor_of_a_worker_that_cannot_write_keeps_its_place(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    coordinator = InProcessRefreshCoordinator(timeout=5, clock=clock)  # as Redis: for both
    cut_off = Store(clock)
    browser = await signed_in(emulator, store)
    cut_off._values, cut_off.is_read_only = store._values, True
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
    store.is_read_only = True
    assert (await browser.post("/switch")).json == GLOBEX
    assert await seen(browser) == GLOBEX
    store.is_read_only = False
    await until_seen(other, GLOBEX)


async def test_what_is_stored_late_brings_no_ended_session_back(emulator, store, clock):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    store.is_read_only = True
    assert await seen(browser) == ADA
    store.is_read_only = False
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
    store.is_read_only = True
    assert await seen(browser) == ADA
    authkit = browser.app.user_middleware[0].kwargs["authkit"]
    await authkit.aclose()  # the loop that was to do it
    store.is_read_only = False
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
    store.is_read_only = True
    assert await seen(browser) == ADA
    store._values.clear()
    store.is_read_only = False
    await until_seen(browser, ADA)


async def test_late_changes_of_one_store_do_not_wait_for_another(emulator, store, clock):
    gone = Store(clock)
    gone.is_read_only = True
    app = shop(emulator, store, previous_store=gone)
    leaving, staying = await signed_in(emulator, store), await signed_in(emulator, store)
    leaving.app = staying.app = app
    await leaving.post("/logout")
    clock.now += 400
    store.is_read_only = True
    assert await seen(staying) == ADA
    store.is_read_only = False
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
    clock.now += 400
    store.is_read_only = True
    assert await seen(browser) == ADA
    assert (await seen(loser))["reason"] == "refresh_denied"
    clock.now += 61
    answer = await loser.get("/who")
    assert answer.set_cookies == {}
    store.is_read_only = False
    await until_told(browser.app)
    assert await seen(loser) == ADA


async def test_what_waits_for_a_store_is_bounded(emulator, store, clock, monkeypatch):
    monkeypatch.setattr(store_calls, "_MAX_LATE", 3)
    calls = store_calls.StoreCalls(SessionRecords(PASSWORD), seconds=60, clock=clock)
    store.is_down = True
    browser = with_session(shop(emulator), emulator)
    authkit = service(emulator)
    session = (await authkit.load([cookie_of(browser)])).session
    for number in range(10):
        at = StoredAs(store=store, key=f"{number:064}", since=clock.now, version=1)
        calls.put_later(at, session)
        assert not await calls.end([store], [f"{number:064}"])
        with pytest.raises(store_calls.EndedError):
            await calls.put(at, session)
    assert [*calls._unsaved] == [f"{number:064}" for number in (7, 8, 9)]
    assert [key for _, key in calls._unended] == [f"{number:064}" for number in (7, 8, 9)]
    await anyio.sleep(0.02)  # into the first attempt to tell it
    store.is_down = False
    await calls.aclose()
    assert (calls._unsaved, calls._unended) == ({}, {})
    assert await store.get(f"{9:064}") == ""  # the end comes first, and stays


async def test_earlier_change_does_not_take_the_place_of_a_later_one_that_waits(
    emulator, store, clock
):
    calls = store_calls.StoreCalls(SessionRecords(PASSWORD), seconds=60, clock=clock)
    store.is_down = True
    authkit = service(emulator)
    older, newer = [
        (await authkit.load([cookie_of(with_session(shop(emulator), emulator))])).session
        for _ in range(2)
    ]
    at = StoredAs(store=store, key=f"{1:064}", since=clock.now, version=1)
    calls.put_later(at.next(), newer)
    calls.put_later(at, older)
    store.is_down = False
    await calls.aclose()
    place, session = SessionRecords(PASSWORD).open(store, at.key, await store.get(at.key) or "")
    assert (place.version, session.access_token) == (2, newer.access_token)


async def test_change_that_comes_while_an_earlier_one_is_told_is_told_too(emulator, clock):
    calls = store_calls.StoreCalls(SessionRecords(PASSWORD), seconds=60, clock=clock)
    authkit = service(emulator)
    sessions = [
        (await authkit.load([cookie_of(with_session(shop(emulator), emulator))])).session
        for _ in range(2)
    ]

    class Busy(Store):
        async def put(self, key: str, value: str, **how: Any) -> bool:
            if sessions:
                calls.put_later(at.next(), sessions.pop())
            return await super().put(key, value, **how)

    store = Busy(clock)
    at = StoredAs(store=store, key=f"{1:064}", since=clock.now, version=1)
    last = sessions[-1]
    calls.put_later(at, sessions.pop(0))
    await calls.aclose()
    _, session = SessionRecords(PASSWORD).open(store, at.key, await store.get(at.key) or "")
    assert session.access_token == last.access_token
