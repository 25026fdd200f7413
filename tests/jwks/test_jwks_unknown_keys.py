"""Keys that the cache does not know: new ones are found, made-up ones cause no flood."""

from __future__ import annotations

import asyncio

import pytest
from key_server import (
    MAX_AGE,
    Clock,
    KeyServer,
    let_others_run,
    lookup,
    lookup_all,
    make_cache,
    warm_cache,
)

from authkit_asgi.errors import KeysUnavailableError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("warm", [True, False])
async def test_cache_flood_of_unknown_kids_causes_two_fetches_at_most(warm):
    server, clock = KeyServer(), Clock()
    cache = make_cache(server, clock)
    if warm:
        await lookup(cache)
    for number in range(500):
        assert await lookup(cache, f"made_up_{number}") is None
    assert await lookup_all(cache, map(str, range(500))) == [None] * 500
    assert server.fetches == 1 + warm


async def test_cache_flood_of_unknown_kids_at_once_causes_two_fetches_at_most():
    server = KeyServer()
    cache = make_cache(server)
    kids = ["key_1", *map(str, range(1000))]
    assert [key is not None for key in await lookup_all(cache, kids)] == [True] + [False] * 1000
    assert server.fetches == 2


async def test_cache_keeps_nothing_of_unknown_kids():
    server = KeyServer()
    cache = make_cache(server)
    await lookup(cache, "made_up")
    before = {name: repr(value) for name, value in vars(cache).items()}
    await lookup_all(cache, map(str, range(100)))
    assert {name: repr(value) for name, value in vars(cache).items()} == before


async def test_cache_known_key_does_not_wait_while_an_unknown_one_hangs():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.hang()
    waiting = [asyncio.create_task(lookup(cache, str(number))) for number in range(100)]
    await let_others_run()
    assert cache.get("key_1") is not None
    assert server.fetches == 1
    assert not any(task.done() for task in waiting)
    server.opened.set()
    assert await asyncio.gather(*waiting) == [None] * 100
    assert server.fetches == 1


async def test_cache_new_key_is_found_after_one_fetch():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_1", "key_2")
    assert await lookup(cache, "key_2") is not None
    assert cache.get("key_2") is not None
    assert server.fetches == 1


async def test_cache_new_key_published_during_a_fetch_is_found():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    clock.now += MAX_AGE
    server.hang()
    assert cache.get("key_1") is not None
    await let_others_run()
    server.publish("key_1", "key_2")
    waiting = asyncio.create_task(lookup(cache, "key_2"))
    await let_others_run()
    server.opened.set()
    assert await waiting is not None
    assert server.fetches == 2


async def test_cache_joins_a_fetch_under_way_that_brings_the_key():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_1", "key_2")
    server.hang()
    waiting = [asyncio.create_task(lookup(cache, "key_2")) for _ in range(10)]
    await let_others_run()
    server.opened.set()
    assert all(await asyncio.gather(*waiting))
    assert server.fetches == 1


async def test_cache_asks_again_for_unknown_kids_after_the_cool_down():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    assert await lookup(cache, "key_2") is None
    server.publish("key_1", "key_2")
    clock.now += 29
    assert await lookup(cache, "key_2") is None
    assert server.fetches == 1
    clock.now += 1
    assert await lookup(cache, "key_2") is not None
    assert server.fetches == 2


async def test_cache_unknown_kid_during_an_outage_is_unavailable_and_heals():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.break_down()
    for _ in range(100):
        with pytest.raises(KeysUnavailableError):
            await lookup(cache, "key_2")
        assert cache.get("key_1") is not None
        clock.now += 0.1
    assert server.fetches == 5
    server.publish("key_1", "key_2")
    clock.now += 2
    assert await lookup(cache, "key_2") is not None


async def test_cache_fetch_that_brings_the_key_starts_no_cool_down():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_1", "key_2")
    assert await lookup(cache, "key_2") is not None
    server.publish("key_1", "key_2", "key_3")
    assert await lookup(cache, "key_3") is not None


async def test_cache_unknown_kid_in_the_cool_down_is_unknown_whatever_the_server_does():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    assert await lookup(cache, "made_up") is None
    server.break_down()
    assert await lookup(cache, "made_up_too") is None
    assert server.fetches == 1


async def test_cache_made_up_kids_of_strangers_do_not_delay_the_look_for_a_vouched_one():
    server, clock = KeyServer(), Clock()
    cache = make_cache(server, clock)
    assert await cache.find("made_up") is None
    server.publish("key_1", "key_2")
    assert await cache.find("key_2") is None
    assert await cache.find("key_2", is_vouched=True) is not None
    for number in range(100):
        assert await cache.find(f"made_up_{number}", is_vouched=True) is None
    assert server.fetches == 3
