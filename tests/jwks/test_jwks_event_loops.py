"""One key cache on several event loops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator

import httpx
from key_server import (
    MAX_AGE,
    START,
    Clock,
    KeyServer,
    let_others_run,
    lookup,
    make_cache,
    warm_cache,
)

from authkit_asgi import jwks
from authkit_asgi.jwks import KeySetCache


def test_cache_is_shared_by_loops_that_come_and_go():
    server = asyncio.run(make_server())
    cache = make_cache(server)
    for _ in range(5):
        assert asyncio.run(lookup(cache)) is not None
    assert server.fetches == 1


async def make_server() -> KeyServer:
    return KeyServer()


def test_cache_fetch_that_a_loop_left_behind_holds_up_nobody():
    clock = Clock()

    async def leave_behind() -> KeySetCache:
        server = KeyServer()
        cache = await warm_cache(server, clock, http_client=server.client())
        server.hang()
        clock.now += MAX_AGE
        assert cache.get("key_1") is not None
        await let_others_run()
        assert server.fetches == 1
        return cache

    async def carry_on(cache: KeySetCache) -> None:
        server = KeyServer("key_1", "key_2")
        cache._lend = jwks._lender(server.client())
        assert cache.get("key_1") is not None
        await let_others_run()
        assert cache.get("key_2") is not None
        assert server.fetches == 1

    cache = asyncio.run(leave_behind())
    asyncio.run(carry_on(cache))
    gc.collect()


def test_cache_fetch_under_way_in_another_loop_holds_up_nobody():
    clock, other = Clock(), asyncio.new_event_loop()
    server = asyncio.run(make_server())
    hanging = True

    @contextlib.asynccontextmanager
    async def lend() -> AsyncIterator[httpx.AsyncClient]:
        if hanging:
            await asyncio.sleep(3600)
        yield server.client()

    cache = make_cache(server, clock, http_client=lend)
    waiting = other.create_task(lookup(cache))
    other.run_until_complete(let_others_run())
    hanging = False
    assert asyncio.run(asyncio.wait_for(lookup(cache), 3)) is not None
    other.run_until_complete(cache.aclose())
    assert other.run_until_complete(waiting) is not None
    other.close()


def test_cache_forgets_loops_that_are_closed():
    clock = Clock()
    server = asyncio.run(make_server())
    cache = make_cache(server, clock)
    for _ in range(10):
        asyncio.run(lookup(cache))
        clock.now += 2 * MAX_AGE
    assert server.fetches == 10
    assert len(cache._flights) == 1


def test_cache_fetch_that_its_loop_cuts_off_is_no_failure(caplog):
    clock = Clock()
    server = asyncio.run(make_server())
    cut_off = 0

    @contextlib.asynccontextmanager
    async def lend() -> AsyncIterator[httpx.AsyncClient]:
        nonlocal cut_off
        if START < clock.now < START + 2 * MAX_AGE:
            cut_off += 1
            await asyncio.sleep(3600)
        yield server.client()

    async def notice(turns: int) -> None:
        assert cache.get("key_1") is not None
        for _ in range(turns):
            await asyncio.sleep(0)

    cache = make_cache(server, clock, http_client=lend)
    asyncio.run(lookup(cache))
    clock.now += MAX_AGE
    for turns in (0, 1, 2, 50):
        asyncio.run(notice(turns))
    assert cut_off >= 2
    clock.now += MAX_AGE
    assert asyncio.run(lookup(cache)) is not None
    assert server.fetches == 2
    assert caplog.records == []


def test_cache_serves_loops_in_several_threads():
    clock = Clock()
    server = asyncio.run(make_server())
    cache = make_cache(server, clock)
    faults: list[BaseException] = []

    async def work() -> None:
        for number in range(50):
            assert await lookup(cache) is not None
            await lookup(cache, f"made_up_{number}")
            clock.now += MAX_AGE / 10

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
