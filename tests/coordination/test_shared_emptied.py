"""A Redis that loses what the workers have told it: emptied, restarted, or too small."""

from __future__ import annotations

import asyncio
import time

import pytest
from workers import SESSION_ID, WorkOS, refresh, worker

from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio

R0, R1 = refresh_key("r0"), refresh_key("r1")


async def told_again(coordinator: RedisRefreshCoordinator) -> None:
    """Answer a request, and wait until what it found lost has been told the others."""
    await coordinator.newest(R1, SESSION_ID)
    await coordinator._tasks.aclose(30)


async def test_outcome_that_redis_has_lost_is_told_again_by_who_answers_with_it(server):
    workos = WorkOS()
    first = worker(server)
    await refresh(first, workos)
    server.admin.flushall()
    await told_again(first)
    assert server.lifetimes("outcome") == [3600]
    assert server.lifetimes("before") == [3600]
    assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]


async def test_outcome_that_redis_has_lost_is_not_taken_for_seen(server, clock):
    clock.now = time.time()
    coordinator = worker(server, clock=clock)
    await refresh(coordinator, WorkOS())
    server.admin.flushall()
    await told_again(coordinator)
    assert coordinator.is_awaited(R1)
    clock.now += 100
    assert [known.sealed for known in coordinator.recall(R0)] == ["seal of r1"]


async def test_cookie_that_another_worker_has_seen_is_awaited_no_more(server, clock):
    clock.now = time.time()
    coordinator, another = worker(server, clock=clock), worker(server)
    await refresh(coordinator, WorkOS())
    another.see(R1)
    await another.aclose()
    server.admin.delete(server.name("outcome"))  # as it expires 30 s later
    await told_again(coordinator)
    assert not coordinator.is_awaited(R1)
    assert server.lifetimes("outcome") == []
    clock.now += 31
    assert list(coordinator.recall(R0)) == []


async def test_outcome_that_is_over_is_not_told_again(server, clock):
    clock.now = time.time()
    coordinator = worker(server, clock=clock)
    await refresh(coordinator, WorkOS())
    server.admin.flushall()
    clock.now += 3700
    await told_again(coordinator)
    assert server.contents() == {}
    assert len(coordinator._unpublished) == 0


async def test_what_another_worker_has_told_meanwhile_stays(server):
    workos = WorkOS()
    first, second = worker(server), worker(server)
    for each in (first, second):
        await refresh(each, workos)
    server.admin.flushall()
    await asyncio.gather(told_again(first), told_again(second))
    assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]
    assert server.lifetimes("lock") == []
