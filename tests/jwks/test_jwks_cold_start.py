"""The key cache before it has any key."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from key_server import Clock, KeyServer, let_others_run, lookup, lookup_all, make_cache

from authkit_asgi.errors import KeysUnavailableError

pytestmark = pytest.mark.anyio


async def test_cache_cold_start_of_a_hundred_requests_fetches_once():
    server = KeyServer()
    found = await lookup_all(make_cache(server), ["key_1"] * 100)
    assert server.fetches == 1
    assert all(found)


async def test_cache_cold_start_during_an_outage_is_unavailable_to_all_at_once():
    server = KeyServer()
    server.break_down()
    cache = make_cache(server)
    results = await asyncio.gather(*(lookup(cache) for _ in range(100)), return_exceptions=True)
    assert {type(result) for result in results} == {KeysUnavailableError}
    assert server.fetches == 1


async def test_cache_without_keys_recovers_within_five_seconds():
    server, clock = KeyServer(), Clock()
    server.break_down()
    cache = make_cache(server, clock)
    retry_after = 0
    for _ in range(20):
        with pytest.raises(KeysUnavailableError) as caught:
            await lookup(cache)
        retry_after = caught.value.retry_after
        assert 1 <= retry_after <= 2
        clock.now += 0.5
    assert server.fetches == 5
    server.publish("key_1")
    recovered_at = clock.now
    with contextlib.suppress(KeysUnavailableError):
        await lookup(cache)
    clock.now += retry_after
    assert await lookup(cache) is not None
    assert clock.now - recovered_at < 5


async def test_cache_counts_the_retry_interval_from_the_start_of_a_fetch():
    server, clock = KeyServer(), Clock()
    server.hang()
    server.break_down()
    cache = make_cache(server, clock)
    waiting = asyncio.create_task(lookup(cache))
    await let_others_run()
    clock.now += 5
    server.opened.set()
    with pytest.raises(KeysUnavailableError) as caught:
        await waiting
    assert caught.value.retry_after == 1
    server.publish("key_1")
    assert await lookup(cache) is not None
