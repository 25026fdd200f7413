"""What became of a token reaches the other workers, also late, and the better news win."""

from __future__ import annotations

import asyncio
import time

import pytest
from emulated import PASSWORD
from outages import slowed
from redis.asyncio import Redis
from workers import SESSION_ID, Exchange, WorkOS, refresh, worker

from authkit_asgi import redis_connection
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.redis_connection import RedisConnection

pytestmark = pytest.mark.anyio

R0, R1 = refresh_key("r0"), refresh_key("r1")


async def begun(coordinator: RedisRefreshCoordinator, workos: WorkOS) -> asyncio.Task:
    """Return a refresh whose exchange is under way."""
    workos.may_end.clear()
    task = asyncio.create_task(refresh(coordinator, workos))
    await workos.begun.wait()
    return task


async def published(server) -> None:
    """Wait until an outcome is stored."""
    deadline = time.monotonic() + 20
    while server.lifetimes("outcome") == []:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_outcome_is_told_though_another_call_has_just_failed(
    own_server, impatient, monkeypatch
):
    monkeypatch.setattr(redis_connection, "_DOWN_SECONDS", 600)
    coordinator, workos = worker(own_server), WorkOS()
    task = await begun(coordinator, workos)
    own_server.stop()
    for number in range(2):  # after the second it is left alone
        await coordinator.end(f"session_{number}")
    own_server.go_on()
    workos.may_end.set()
    await task
    assert (await refresh(worker(own_server), workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]


async def test_outcome_is_told_as_soon_as_redis_is_back_and_nobody_sends_the_token_before(
    own_server, impatient
):
    coordinator, workos = worker(own_server), WorkOS()
    await coordinator.open()
    task = await begun(coordinator, workos)
    own_server.admin.config_set("min-replicas-to-write", 1)  # who has the lock keeps it
    workos.may_end.set()
    assert (await task).outcome.sealed == "seal of r1"
    assert own_server.lifetimes("lock") == [12]
    assert own_server.lifetimes("outcome") == []
    own_server.admin.config_set("min-replicas-to-write", 0)
    another = await refresh(worker(own_server, timeout=60), workos)
    assert another.outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]
    assert own_server.lifetimes("lock") == []
    await coordinator.aclose()


async def test_outcomes_of_an_outage_are_told_after_it(own_server, impatient):
    own_server.stop()
    coordinator, workos = worker(own_server), WorkOS()
    for token in ("r0", "r5", "r7"):
        await refresh(coordinator, workos, token)
    own_server.go_on()
    await published(own_server)
    await coordinator.aclose()
    for token in ("r0", "r5", "r7"):
        await refresh(worker(own_server), workos, token)
    assert workos.calls == ["r0", "r5", "r7"]


async def test_token_that_is_not_spent_is_not_told_after_an_outage(own_server, impatient):
    own_server.stop()
    tasks = asyncio.all_tasks()
    await refresh(worker(own_server), WorkOS(0))
    assert asyncio.all_tasks() == tasks
    own_server.go_on()


async def test_refusal_that_is_forgotten_meanwhile_is_not_told(own_server, impatient):
    own_server.stop()
    coordinator = worker(own_server)
    refused = await refresh(coordinator, WorkOS("sso_required"))
    await refresh(coordinator, WorkOS(), "r5")
    await coordinator.forget(R0, refused.outcome)
    own_server.go_on()
    await published(own_server)
    await coordinator.aclose()
    assert own_server.lifetimes("outcome") == [3600]
    assert (await refresh(worker(own_server), WorkOS())).outcome.sealed == "seal of r1"


async def test_outcome_that_is_over_when_redis_is_back_is_not_told(own_server, impatient, clock):
    own_server.stop()
    coordinator = worker(own_server, clock=clock)
    for token in ("r0", "r5"):
        clock.now += 3601
        exchange = Exchange(WorkOS(), token, SESSION_ID, at=clock())
        await coordinator.run(refresh_key(token), exchange)
    own_server.go_on()
    await published(own_server)
    await coordinator.aclose()
    assert own_server.lifetimes("outcome") == [3600]


async def test_of_too_many_outcomes_the_first_are_not_told(own_server, impatient, monkeypatch):
    monkeypatch.setattr("authkit_asgi.waiting._MAX_WAITING", 3)
    own_server.stop()
    coordinator, workos = worker(own_server), WorkOS()
    for number in range(0, 10, 2):
        await refresh(coordinator, workos, f"r{number}")
    own_server.go_on()
    await published(own_server)
    await coordinator.aclose()
    assert len(own_server.lifetimes("outcome")) == 3
    await refresh(worker(own_server), workos, "r8")
    assert workos.calls == ["r0", "r2", "r4", "r6", "r8"]


async def test_shutdown_during_an_outage_leaves_no_task(own_server, impatient):
    own_server.stop()
    coordinator = worker(own_server)
    tasks = asyncio.all_tasks()
    await coordinator.open()
    await refresh(coordinator, WorkOS())
    assert len(asyncio.all_tasks()) > len(tasks)
    await coordinator.aclose()
    assert asyncio.all_tasks() == tasks
    own_server.go_on()


def test_outcome_survives_the_event_loop_that_ends_while_it_is_told(own_server):
    coordinator, workos = worker(own_server), WorkOS()

    async def leave() -> None:
        await coordinator.open()
        task = await begun(coordinator, workos)
        own_server.stop()
        workos.may_end.set()
        while not [*coordinator.recall(R0)]:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(10):  # a refresh that has ended would have come through by now
            await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(leave())
    own_server.go_on()
    workos.may_end = asyncio.Event()
    workos.may_end.set()
    assert asyncio.run(refresh(coordinator, workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]


async def test_refusal_of_a_spent_token_gives_way_to_the_successor_in_redis(own_server, impatient):
    await refresh(worker(own_server), WorkOS())
    own_server.admin.config_set("maxclients", 1)
    late = worker(own_server)
    assert (await refresh(late, WorkOS("invalid_grant"))).outcome.refusal == "invalid_grant"
    own_server.admin.config_set("maxclients", 1000)
    deadline = time.monotonic() + 20
    while (await refresh(late, WorkOS())).outcome.sealed != "seal of r1":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await late.aclose()


async def test_refusal_does_not_take_a_successors_place_whoever_holds_the_lock(server):
    slow, quick = WorkOS(7), WorkOS("invalid_grant")
    task = await begun(worker(server), slow)
    server.admin.delete(server.name("lock"))  # as it expires
    other = await begun(worker(server), quick)
    slow.may_end.set()
    assert (await task).outcome.sealed == "seal of r7"
    quick.may_end.set()
    landing = await other
    assert (landing.outcome.sealed, landing.outcome.refusal) == ("seal of r7", None)
    assert landing.successor is not None
    assert landing.successor.sealed == "seal of r7"
    assert (await refresh(worker(server), WorkOS())).outcome.sealed == "seal of r7"
    assert server.lifetimes("lock") == []


async def test_successor_takes_a_refusals_place_also_where_that_was_heard(server):
    slow, quick = WorkOS(7), WorkOS("invalid_grant")
    task = await begun(worker(server), slow)
    server.admin.delete(server.name("lock"))
    refused = worker(server)
    assert (await refresh(refused, quick)).outcome.refusal == "invalid_grant"
    slow.may_end.set()
    assert (await task).outcome.sealed == "seal of r7"
    for each in (refused, worker(server)):
        assert (await refresh(each, WorkOS())).outcome.sealed == "seal of r7"


async def test_response_waits_a_second_for_a_slow_redis_whatever_there_is_to_read(
    server, monkeypatch
):
    workos = WorkOS()
    for number in range(8):
        await refresh(worker(server), workos, f"r{number}")
    with slowed(server.port, 0.2) as url:
        slow = RedisRefreshCoordinator(url, cookie_password=PASSWORD)
        await slow.open()
        assert await slow.newest(refresh_key("r99"), SESSION_ID) is None  # connected from now on
        monkeypatch.setattr("authkit_asgi.redis.CALL_SECONDS", 1)
        known = await slow.newest(R0, SESSION_ID)
        assert known in {f"seal of r{number}" for number in range(1, 8)}  # r8 comes after 1.8 s
        await slow.aclose()


@pytest.mark.parametrize("connections", [21, None])
async def test_urgent_calls_do_not_wait_for_their_turn(server, connections):
    async with Redis.from_url(server.url, max_connections=connections) as client:
        connection = RedisConnection(client, probe="probe")
        slow = [asyncio.create_task(connection.call("BLPOP", "list", 60)) for _ in range(30)]
        while server.admin.info("clients")["blocked_clients"] < 17:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await connection.call_at_once("PING")
        assert not any(task.done() for task in slow)
        server.admin.rpush("list", *range(30))
        await asyncio.gather(*slow)
