"""The store of one process: what is put is there until its time is over, and not too much of it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from emulated import Clock

from authkit_asgi import InMemorySessionStore
from authkit_asgi.background import BackgroundTasks
from authkit_asgi.stores import ENDED

pytestmark = pytest.mark.anyio

ADA, BOB = "a" * 64, "b" * 64


@pytest.fixture
def store(clock: Clock) -> InMemorySessionStore:
    return InMemorySessionStore(clock=clock)


async def put(store: InMemorySessionStore, key: str, value: str, **changes: object) -> bool:
    how = {"expected": None, "owner": ADA, "seconds": 60, **changes}
    return await store.put(key, value, **how)  # type: ignore[arg-type]


async def test_put_needs_what_is_expected(store):
    assert await put(store, "k", "1")
    assert not await put(store, "k", "2")
    assert not await put(store, "k", "2", expected="0")
    assert await store.get("k") == "1"
    assert await put(store, "k", "2", expected="1")
    assert await store.get("k") == "2"
    assert not await put(store, "other", "2", expected="1")


async def test_value_is_gone_when_its_time_is_over(store, clock):
    await put(store, "k", "1")
    clock.now += 59
    assert await store.get("k") == "1"
    clock.now += 1
    assert await store.get("k") is None
    assert (len(store), await store.keys(ADA)) == (0, [])
    assert await put(store, "k", "2")


async def test_end_stays_whatever_was_there_and_for_its_own_time(store, clock):
    await put(store, "k", "1")
    for key in ("k", "never there"):
        await store.end(key, seconds=100)
        assert await store.get(key) == ENDED
        assert not await put(store, key, "2", expected="1")
        assert not await put(store, key, "2")
    clock.now += 100
    assert await store.get("k") is None


async def test_keys_are_their_owners(store):
    for key, owner in (("1", ADA), ("2", BOB), ("3", ADA), ("4", "")):
        await put(store, key, "v", owner=owner)
    assert [await store.keys(owner) for owner in (ADA, BOB, "")] == [["1", "3"], ["2"], []]
    await store.end("1", seconds=9)
    await put(store, "3", "w", owner=BOB, expected="v")
    assert [await store.keys(owner) for owner in (ADA, BOB)] == [[], ["2", "3"]]


async def test_beyond_its_bound_the_oldest_go_with_one_warning(clock, caplog):
    caplog.set_level(logging.WARNING)
    store = InMemorySessionStore(max_sessions=3, clock=clock)
    for number in range(100):
        await put(store, str(number), "v", owner=str(number % 7))
    assert (len(store), len(store._owned)) == (3, 3)
    assert [await store.get(key) for key in ("96", "97", "98", "99")] == [None, "v", "v", "v"]
    assert [record.message for record in caplog.records] == [
        "Full: the in-memory session store drops its oldest; max_sessions is 3"
    ]


async def test_replaced_session_counts_as_new(clock):
    store = InMemorySessionStore(max_sessions=2, clock=clock)
    await put(store, "1", "v")
    await put(store, "2", "v")
    await put(store, "1", "w", expected="v")
    await put(store, "3", "v")
    assert [await store.get(key) for key in "123"] == ["w", None, "v"]


async def test_opening_and_closing_loses_nothing(store):
    await put(store, "k", "1")
    await store.open()
    await store.aclose()
    assert await store.get("k") == "1"


async def test_work_that_has_just_ended_can_be_started_again():
    tasks, runs = BackgroundTasks(), []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            # Runs after this step of the task, before the callbacks of its end.
            asyncio.get_running_loop().call_soon(tasks.start_once, work)

    tasks.start_once(work)
    tasks.start_once(work)
    await tasks.aclose(5)
    await tasks.aclose(5)
    assert runs == [0, 1]
