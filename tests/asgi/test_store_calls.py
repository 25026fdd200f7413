"""What a process has to tell a store is bounded, and told in its order."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from emulated import PASSWORD, service
from stored_site import (
    Store,
    cookie_of,
    shop,
    with_session,
)

from authkit_asgi import store_calls
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import StoredAs

pytestmark = pytest.mark.anyio


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
