"""What every session store has to do: the one in memory, and Redis behind one and two workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from stores_of_workers import OTHER_OWNER, OWNER, SECONDS, new_key, put, store_of

from authkit_asgi import InMemorySessionStore, SessionStore
from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.stores import ENDED

pytestmark = pytest.mark.anyio

KINDS = ["memory", "redis", "redis, clients"]


@pytest.fixture(params=KINDS)
async def pair(request: Any, server: Any, clock: Any) -> AsyncIterator[tuple[SessionStore, ...]]:
    """A store to write to and one to read from: the same, or another worker's."""
    async with contextlib.AsyncExitStack() as stack:
        if request.param == "memory":
            stores: list[SessionStore] = [InMemorySessionStore(clock=clock)] * 2
        elif request.param == "redis":
            stores = [store_of(server), store_of(server)]
        else:
            options = ({"decode_responses": True, "max_connections": 1}, {"protocol": 3})
            clients = [Redis.from_url(server.url, **each) for each in options]
            for client in clients:
                stack.push_async_callback(client.aclose)
            stores = [RedisSessionStore(client) for client in clients]
        for store in stores:
            await store.open()
            stack.push_async_callback(store.aclose)
        yield tuple(stores)


async def test_nothing_is_under_a_key_that_nobody_has_used(pair):
    assert await pair[1].get(new_key()) is None
    assert list(await pair[1].keys(OWNER)) == []


async def test_value_is_found_by_its_key_and_listed_for_its_owner(pair):
    writer, reader = pair
    key, value = new_key(), "Fe26.2*~!" * 4000
    assert await put(writer, key, value)
    assert await reader.get(key) == value
    assert list(await reader.keys(OWNER)) == [key]
    assert list(await reader.keys(OTHER_OWNER)) == []
    assert await reader.get(new_key()) is None


async def test_value_is_replaced_where_it_is_what_was_expected(pair):
    writer, reader = pair
    key = new_key()
    assert await put(writer, key, "one")
    assert await put(reader, key, "two", "one")
    assert await writer.get(key) == "two"
    assert list(await writer.keys(OWNER)) == [key]


@pytest.mark.parametrize("expected", [None, ENDED, "on", "ones", "two"])
async def test_nothing_changes_where_something_else_is_there(pair, expected):
    writer, reader = pair
    key = new_key()
    await put(writer, key, "one")
    assert not await put(reader, key, "two", expected, owner=OTHER_OWNER)
    assert await writer.get(key) == "one"
    assert list(await writer.keys(OTHER_OWNER)) == []


@pytest.mark.parametrize("expected", ["one", ENDED])
async def test_nothing_is_put_where_something_was_expected_and_nothing_is(pair, expected):
    writer, reader = pair
    key = new_key()
    assert not await put(writer, key, "two", expected)
    assert await reader.get(key) is None
    assert list(await reader.keys(OWNER)) == []


async def test_ended_session_is_ended_for_all_and_stays_so(pair):
    writer, reader = pair
    key = new_key()
    await put(writer, key, "one")
    await reader.end(key, seconds=SECONDS)
    assert await writer.get(key) == ENDED
    for expected in ("one", None):
        assert not await put(writer, key, "two", expected)
    assert await reader.get(key) == ENDED


async def test_key_under_which_nothing_is_can_be_ended(pair):
    writer, reader = pair
    key = new_key()
    await writer.end(key, seconds=SECONDS)
    assert await reader.get(key) == ENDED
    assert not await put(reader, key)


async def test_value_is_ended_where_it_is_what_was_expected(pair):
    writer, reader = pair
    key = new_key()
    await put(writer, key, "one")
    assert not await put(reader, key, ENDED, "two", owner="")
    assert await put(reader, key, ENDED, "one", owner="")
    assert await writer.get(key) == ENDED


async def test_of_many_who_replace_one_value_at_once_one_does(pair):
    key = new_key()
    await put(pair[0], key, "one")
    done = await asyncio.gather(
        *(put(pair[number % 2], key, f"by {number}", "one") for number in range(50))
    )
    assert done.count(True) == 1
    assert await pair[0].get(key) == f"by {done.index(True)}"


async def test_of_many_who_put_a_first_value_at_once_one_does(pair):
    key = new_key()
    done = await asyncio.gather(
        *(put(pair[number % 2], key, f"by {number}") for number in range(50))
    )
    assert done.count(True) == 1
    assert await pair[1].get(key) == f"by {done.index(True)}"


async def test_owner_has_all_of_his_keys_and_no_others(pair):
    writer, reader = pair
    of_one, of_other = ([new_key() for _ in range(130)] for _ in range(2))
    for key in of_one:
        await put(writer, key)
    for key in of_other:
        await put(reader, key, owner=OTHER_OWNER)
    assert sorted(await reader.keys(OWNER)) == sorted(of_one)
    assert sorted(await writer.keys(OTHER_OWNER)) == sorted(of_other)
