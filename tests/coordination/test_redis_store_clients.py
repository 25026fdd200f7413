"""Connections of the session store: in each event loop its own, none left open, one call a read."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
import redis as sync_redis
from emulated import shown
from outages import warnings
from redis.asyncio import Redis
from stored_site import ADA, seen, signed_in
from stores_of_workers import OWNER, new_key, put, store_of

from authkit_asgi import ConfigurationError
from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.redis import RedisSessionStore

pytestmark = pytest.mark.anyio


def calls(server) -> dict[str, int]:
    """Return how often each command has been called that changes or reads keys."""
    found = server.admin.info("commandstats")
    return {
        name.removeprefix("cmdstat_"): stats["calls"]
        for name, stats in found.items()
        if name.removeprefix("cmdstat_") in {"get", "eval", "mget", "set", "zrange", "ping"}
    }


async def test_request_of_somebody_signed_in_is_one_call(server, emulator):
    store = store_of(server)
    await store.open()
    browser = await signed_in(emulator, store)
    server.admin.config_resetstat()
    for _ in range(3):
        assert await seen(browser) == ADA
    assert calls(server) == {"get": 3}
    await store.aclose()
    server.check_all_have_left()


async def test_reads_and_writes_share_a_connection(server):
    store = store_of(server)
    await store.open()
    await put(store, key := new_key())
    await store.get(key)
    await store.keys(OWNER)
    await store.end(key, seconds=10)
    assert server.connections() == 1
    await store.aclose()
    server.check_all_have_left()


def test_requests_in_loop_after_loop_leave_nothing_open(server):
    store, key = store_of(server), new_key()

    async def request(number: int) -> None:
        assert await put(store, key, str(number), str(number - 1) if number else None)
        values = await asyncio.gather(*(store.get(key) for _ in range(30)))
        assert {*values} == {str(number)}

    for number in range(5):
        asyncio.run(request(number))
    server.check_all_have_left()
    gc.collect()  # whatever was left open warns now


def test_each_event_loop_has_connections_of_its_own(server):
    store, key = store_of(server), new_key()
    kept, may_end = threading.Event(), threading.Event()

    async def keep() -> None:
        await store.open()
        await put(store, key)
        kept.set()
        await asyncio.to_thread(may_end.wait)
        assert await store.get(key) == "two"
        await store.aclose()

    thread = threading.Thread(target=asyncio.run, args=(keep(),))
    thread.start()
    assert kept.wait(20)
    assert asyncio.run(put(store, key, "two", "one"))
    assert server.connections() == 1
    may_end.set()
    thread.join()
    server.check_all_have_left()
    gc.collect()


async def test_request_that_is_cancelled_leaves_nothing_open(own_server):
    store = store_of(own_server)
    own_server.stop()
    asked = asyncio.create_task(store.get(new_key()))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    own_server.go_on()
    own_server.check_all_have_left()
    assert await store.get(new_key()) is None


async def test_client_of_the_applications_is_not_closed(server):
    async with Redis.from_url(server.url) as client:
        store = RedisSessionStore(client)
        await store.open()
        await put(store, new_key())
        await store.aclose()
        assert server.connections() == 1
        assert await client.ping()


def test_client_of_another_event_loop_is_an_outage(server, impatient, caplog):
    loop = asyncio.new_event_loop()
    client = Redis.from_url(server.url, retry=None)
    loop.run_until_complete(client.ping())
    with pytest.raises(StoreUnavailableError):
        asyncio.run(RedisSessionStore(client).get(new_key()))
    assert warnings(caplog) == ["Degraded"]
    loop.run_until_complete(client.aclose())
    loop.close()
    gc.collect()


@pytest.mark.parametrize("kind", [sync_redis.Redis, lambda: None, lambda: 7, object])
def test_what_is_neither_url_nor_client_is_a_configuration_error(kind):
    with pytest.raises(ConfigurationError, match=r"neither a URL nor a client of redis\.asyncio"):
        RedisSessionStore(kind())


@pytest.mark.parametrize(
    "url",
    ["", "S3CRET", "http://ada:S3CRET@localhost", "redis://localhost?colour=S3CRET"],
)
def test_url_that_cannot_work_is_a_configuration_error_without_any_of_it(url):
    with pytest.raises(ConfigurationError, match="is not an address such as redis:") as caught:
        RedisSessionStore(url)
    assert "S3CRET" not in shown(caught.value)


async def test_outage_shows_nothing_of_the_address(impatient, caplog):
    caplog.set_level("DEBUG")
    store = RedisSessionStore("redis://ada:S3CRET@127.0.0.1:1/7")
    with pytest.raises(StoreUnavailableError) as caught:
        await store.get(new_key())
    told = shown(caught.value) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("authkit_asgi")
    )
    assert not any(part in told for part in ("S3CRET", "127.0.0.1", "redis://", "ada"))


async def test_client_of_one_connection_serves_reads_and_writes_at_once(server, impatient, caplog):
    async with Redis.from_url(server.url, max_connections=1) as client:
        store, keys = RedisSessionStore(client), [new_key() for _ in range(20)]
        await asyncio.gather(*(put(store, key) for key in keys), *(store.get(key) for key in keys))
        assert sorted(await store.keys(OWNER)) == sorted(keys)
    assert caplog.records == []
