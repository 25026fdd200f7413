"""The age of keys: when they are renewed, and how long an outage goes unnoticed."""

from __future__ import annotations

import asyncio

import pytest
from key_server import (
    MAX_AGE,
    MAX_STALE,
    START,
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


async def test_cache_young_keys_are_served_without_a_task_or_a_fetch():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    clock.now += MAX_AGE - 0.1
    before = asyncio.all_tasks()
    assert cache.get("key_1") is not None
    assert asyncio.all_tasks() == before
    assert server.fetches == 0


async def test_cache_old_keys_are_served_while_they_are_renewed_and_a_removed_one_is_gone():
    server, clock = KeyServer("key_1", "key_2"), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_2")
    server.hang()
    clock.now += MAX_AGE
    for _ in range(100):
        assert cache.get("key_1") is not None
        await let_others_run()
    assert server.fetches == 1
    server.opened.set()
    await let_others_run()
    assert cache.get("key_1") is None
    assert cache.get("key_2") is not None
    assert await lookup(cache, "key_1") is None
    assert server.fetches == 2


async def test_cache_counts_the_age_of_keys_from_the_start_of_their_fetch():
    server, clock = KeyServer(), Clock()
    cache = make_cache(server, clock)
    server.hang()
    waiting = asyncio.create_task(lookup(cache))
    await let_others_run()
    clock.now += 4
    server.opened.set()
    assert await waiting is not None
    clock.now = START + MAX_AGE
    assert cache.get("key_1") is not None
    await let_others_run()
    assert server.fetches == 2


async def test_cache_keys_older_than_twice_the_age_are_renewed_before_they_are_used():
    server, clock = KeyServer("key_1", "key_2"), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_2")
    clock.now += 2 * MAX_AGE
    assert await lookup_all(cache, ["key_1", "key_2"]) == [None, cache.get("key_2")]
    assert cache.get("key_2") is not None


async def test_cache_just_below_twice_the_age_nobody_waits():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    clock.now += 2 * MAX_AGE - 1
    assert cache.get("key_1") is not None
    await let_others_run()
    assert server.fetches == 1


async def test_cache_in_an_outage_after_a_pause_one_waits_and_then_nobody():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.break_down()
    clock.now += 3 * MAX_AGE
    assert cache.get("key_1") is None
    assert await cache.find("key_1") is not None
    server.hang()
    for _ in range(10):
        clock.now += 1
        assert cache.get("key_1") is not None
        await let_others_run()
    assert server.fetches == 2
    await cache.aclose()


async def test_cache_after_a_pause_within_an_outage_keys_are_renewed_before_they_are_used():
    server, clock = KeyServer("key_1", "key_2"), Clock()
    cache = await warm_cache(server, clock)
    server.break_down()
    clock.now += 2 * MAX_AGE
    assert await lookup(cache) is not None
    server.publish("key_2")
    clock.now += MAX_AGE
    assert await lookup(cache) is None


async def test_cache_in_an_outage_serves_up_to_the_limit_and_then_is_unavailable():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.break_down()
    while clock.now < START + MAX_STALE - 100:
        clock.now += 100
        assert await lookup(cache) is not None
        await let_others_run()
    clock.now = START + MAX_STALE
    with pytest.raises(KeysUnavailableError) as caught:
        await lookup(cache)
    assert caught.value.retry_after >= 1
    server.publish("key_1")
    clock.now += caught.value.retry_after
    assert await lookup(cache) is not None


async def test_cache_when_the_clock_is_set_back_keys_do_not_live_on_for_it():
    server, clock = KeyServer("key_1", "key_2"), Clock()
    cache = await warm_cache(server, clock)
    server.publish("key_2")
    clock.now -= 100_000
    assert await lookup(cache) is None
    assert await lookup(cache, "key_2") is not None


async def test_cache_when_the_clock_is_set_back_the_retry_is_not_put_off():
    server, clock = KeyServer(), Clock()
    server.break_down()
    cache = make_cache(server, clock)
    with pytest.raises(KeysUnavailableError):
        await lookup(cache)
    server.publish("key_1")
    clock.now -= 100_000
    assert await lookup(cache) is not None
