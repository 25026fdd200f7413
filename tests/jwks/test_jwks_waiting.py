"""Who waits for a fetch, and who goes away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from key_server import MAX_AGE, Clock, KeyServer, let_others_run, lookup, make_cache, warm_cache

from authkit_asgi import jwks
from authkit_asgi.errors import KeysUnavailableError

pytestmark = pytest.mark.anyio


async def test_fetch_goes_on_when_the_one_who_waits_is_cancelled():
    server = KeyServer()
    server.hang()
    cache = make_cache(server)
    leaving, staying = asyncio.create_task(lookup(cache)), asyncio.create_task(lookup(cache))
    await let_others_run()
    leaving.cancel()
    await asyncio.wait({leaving})
    assert leaving.cancelled()
    server.opened.set()
    assert await staying is not None
    assert server.fetches == 1


async def test_fetch_that_is_cancelled_is_unavailable_to_those_who_wait_and_no_failure():
    server = KeyServer()
    server.hang()
    cache = make_cache(server)
    waiting = asyncio.create_task(lookup(cache))
    await let_others_run()
    await cache.aclose()
    with pytest.raises(KeysUnavailableError) as caught:
        await waiting
    assert caught.value.retry_after == 1
    server.opened.set()
    assert await lookup(cache) is not None
    assert server.fetches == 2


async def test_close_leaves_no_task_behind():
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.hang()
    clock.now += MAX_AGE
    before = asyncio.all_tasks()
    assert cache.get("key_1") is not None
    await let_others_run()
    assert len(asyncio.all_tasks()) == len(before) + 1
    await cache.aclose()
    assert asyncio.all_tasks() == before
    await cache.aclose()


async def test_find_waits_no_longer_than_one_fetch(monkeypatch):
    monkeypatch.setattr(jwks, "_FETCH_SECONDS", 0.2)

    @contextlib.asynccontextmanager
    async def lend() -> AsyncIterator[httpx.AsyncClient]:
        yield server.client()
        # A client that takes its time to be given back, whatever the deadline.
        with anyio.CancelScope(shield=True):
            await slow.wait()

    server, slow = KeyServer(), asyncio.Event()
    cache = make_cache(server, http_client=lend)
    with pytest.raises(KeysUnavailableError):
        await asyncio.wait_for(cache.find("key_1"), 5)
    slow.set()
    await let_others_run()
