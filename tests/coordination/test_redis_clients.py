"""Whose connections they are: the coordinator's, in each event loop, or the application's own."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest
import redis as sync_redis
from emulated import PASSWORD, shown
from outages import warnings
from redis.asyncio import ConnectionPool, Redis
from workers import SESSION_ID, WorkOS, refresh, refreshes, seals, worker

from authkit_asgi import ConfigurationError, redis_connection
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.redis_connection import RedisConnection, RedisDownError

pytestmark = pytest.mark.anyio

R0 = refresh_key("r0")


def with_client(client: Redis) -> RedisRefreshCoordinator:
    return RedisRefreshCoordinator(client, cookie_password=PASSWORD)


async def test_connections_are_kept_between_open_and_aclose(server):
    coordinator = worker(server)
    await refresh(coordinator, WorkOS())
    server.check_all_have_left()
    for token in ("r5", "r7"):
        await coordinator.open()
        await refresh(coordinator, WorkOS(), token)
        assert server.connections() >= 1
        await coordinator.aclose()
        server.check_all_have_left()
    coordinator.see(R0)
    await coordinator.aclose()
    server.check_all_have_left()


def test_each_event_loop_has_connections_of_its_own(server):
    coordinator = worker(server)
    kept, may_end = threading.Event(), threading.Event()

    async def keep() -> None:
        await coordinator.open()
        await refresh(coordinator, WorkOS())
        kept.set()
        await asyncio.to_thread(may_end.wait)
        await coordinator.aclose()

    thread = threading.Thread(target=asyncio.run, args=(keep(),))
    thread.start()
    assert kept.wait(20)
    one = server.connections()
    asyncio.run(refresh(coordinator, WorkOS(), "r5"))
    assert server.connections() == one >= 1
    may_end.set()
    thread.join()
    server.check_all_have_left()
    gc.collect()  # whatever was left open warns now


def test_requests_in_loop_after_loop_leave_nothing_open(server):
    coordinator, workos = worker(server), WorkOS()

    async def request() -> None:
        await refreshes(coordinator, workos, times=3)
        coordinator.see(refresh_key("r1"))  # told in a task that the loop's end cancels

    for _ in range(5):
        asyncio.run(request())
    assert workos.calls == ["r0"]
    server.check_all_have_left()
    gc.collect()


def test_event_loop_that_ends_while_a_connection_closes_leaves_none_open(server, monkeypatch):
    closing = asyncio.Event()
    disconnect = ConnectionPool.disconnect

    async def disconnect_slowly(pool: ConnectionPool) -> None:
        if not closing.is_set():
            closing.set()
            await asyncio.Event().wait()  # until the loop's end cancels it
        await disconnect(pool)

    async def request() -> None:
        task = asyncio.create_task(worker(server).end(SESSION_ID))
        await closing.wait()
        assert not task.done()

    monkeypatch.setattr(ConnectionPool, "disconnect", disconnect_slowly)
    asyncio.run(request())
    server.check_all_have_left()
    gc.collect()


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"max_connections": 1}])
async def test_client_of_the_applications_is_used_as_it_is(server, caplog, options):
    async with Redis.from_url(server.url, **options) as client:
        coordinator, workos = with_client(client), WorkOS(1, "invalid_grant")
        await coordinator.open()
        for token in ("r0", "r1"):
            await refresh(coordinator, workos, token)
        assert await with_client(client).newest(R0, SESSION_ID) == "seal of r1"
        coordinator.see(refresh_key("r1"))
        await coordinator.aclose()
        await coordinator.end(SESSION_ID, is_superseded=True)
        another = with_client(client)
        assert (await refresh(another, workos)).outcome.sealed == "seal of r1"
        await another.newest(R0, SESSION_ID)
        assert another.is_ended(SESSION_ID, or_superseded=True)
        assert not another.is_ended(SESSION_ID)
        await coordinator.end(SESSION_ID)
        assert (await refresh(with_client(client), workos)).outcome.refusal == "signed_out"
        await asyncio.gather(*(refresh(another, WorkOS(), f"r{n}") for n in range(50, 80)))
        await coordinator.aclose()
        assert await client.ping()
    assert min(server.lifetimes("outcome")) == 30
    assert caplog.records == []


def test_client_of_another_event_loop_is_an_outage(server, impatient, caplog):
    loop = asyncio.new_event_loop()
    client = Redis.from_url(server.url, retry=None)
    loop.run_until_complete(client.ping())
    workos = WorkOS()
    assert seals(asyncio.run(refreshes(with_client(client), workos))) == {"seal of r1"}
    assert workos.calls == ["r0"]
    assert warnings(caplog) == ["Degraded"]
    loop.run_until_complete(client.aclose())
    loop.close()
    gc.collect()


@pytest.mark.parametrize("kind", [sync_redis.Redis, lambda: None, lambda: 7, object])
def test_what_is_neither_url_nor_client_is_a_configuration_error(kind):
    with pytest.raises(ConfigurationError, match=r"neither a URL nor a client of redis\.asyncio"):
        RedisRefreshCoordinator(kind(), cookie_password=PASSWORD)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "S3CRET",
        "http://ada:S3CRET@localhost",
        "redis://:S3CRET@localhost:port",
        "redis://:S3CRET@localhost:99999",
        "redis://[::S3CRET",
        "redis://localhost?colour=S3CRET",
        "redis://localhost?socket_timeout=S3CRET",
        "redis://localhost?protocol=S3CRET",
        "redis://localhost?max_connections=-1",
        "rediss://localhost?ssl_cert_reqs=S3CRET",
    ],
)
def test_url_that_cannot_work_is_a_configuration_error_without_any_of_it(url):
    with pytest.raises(ConfigurationError, match="redis_url is not an address") as caught:
        RedisRefreshCoordinator(url, cookie_password=PASSWORD)
    assert "S3CRET" not in shown(caught.value)


async def test_late_answers_are_nobody_elses(own_server, impatient):
    connection = RedisConnection(own_server.url, probe="probe")
    connection.keep()
    assert await connection.call("ECHO", "one") == b"one"
    own_server.stop()
    with pytest.raises(RedisDownError):
        await connection.call("ECHO", "two")
    own_server.go_on()
    await asyncio.sleep(0.05)  # nobody tries within _DOWN_SECONDS
    for number in range(30):
        assert await connection.call("ECHO", str(number)) == str(number).encode()
    await connection.release()


async def test_call_after_one_that_failed_tries_at_once(own_server, impatient, monkeypatch):
    monkeypatch.setattr(redis_connection, "_DOWN_SECONDS", 600)
    connection = RedisConnection(own_server.url, probe="probe")
    own_server.stop()
    with pytest.raises(RedisDownError):
        await connection.call("ECHO", "one")
    own_server.go_on()
    assert await connection.call("ECHO", "two") == b"two"


async def test_busy_event_loop_is_no_outage(own_server, impatient, caplog):
    connection = RedisConnection(own_server.url, probe="probe")
    connection.keep()
    for _ in range(5):
        call = asyncio.create_task(connection.call("ECHO", "one"))
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251  # longer than a call may take
        assert await call == b"one"
    await connection.release()
    assert caplog.records == []


async def test_calls_that_wait_for_their_turn_do_not_wait_for_a_dead_redis(own_server, monkeypatch):
    monkeypatch.setattr(redis_connection, "CALL_SECONDS", 0.5)
    connection = RedisConnection(own_server.url, probe="probe")
    own_server.stop()
    calls = asyncio.gather(*(connection.call("PING") for _ in range(200)), return_exceptions=True)
    async with asyncio.timeout(4):  # one after the other, they would take 5 s
        ends = await calls
    assert {type(end) for end in ends} == {RedisDownError}
    own_server.go_on()
