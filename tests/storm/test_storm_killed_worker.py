"""A worker that is killed with the lock in its hand, and the requests that wait at the others."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from storm_client import Ask, storm
from storm_processes import Emulator, workers

REFRESH_TIMEOUT = "2"


@pytest.mark.anyio
async def test_killed_worker_keeps_waiting_requests_no_longer_than_their_deadline(
    workos: Emulator, shared_redis
):
    (member,) = workos.members(1)
    ask = Ask("/who", member.cookie, member.user_id)
    redis_url = shared_redis.url
    with workers(workos, 3, redis_url=redis_url, STORM_REFRESH_TIMEOUT=REFRESH_TIMEOUT) as started:
        victim, *others = started
        ports = [worker.port for worker in others]
        workos.control("DELETE", "faults")
        workos.control("POST", "faults", endpoint="authenticate", hang=True)
        lost = asyncio.create_task(storm([victim.port], [ask]))
        deadline = time.monotonic() + 30
        while not workos.exchanges():
            assert time.monotonic() < deadline, "the victim asks nobody"
            await asyncio.sleep(0.01)
        victim.process.kill()
        victim.process.wait()
        with contextlib.suppress(ExceptionGroup):
            await lost
        workos.delay()
        # Their deadline is before the end of the lease, unless the machine stands still for long;
        # none is told that it is signed out.
        early = await storm(ports, [ask] * 100)
        waited = [each for each in early if each.status != 200]
        assert {(each.status, each.body.get("reason")) for each in waited} <= {
            (503, "temporarily_unavailable")
        }
        assert [each for each in waited if each.cookies] == []
        late = early
        while {each.status for each in late} != {200}:
            assert {each.status for each in late} <= {200, 503}
            assert time.monotonic() < deadline + 30
            late = await storm(ports, [ask] * 100)
    assert {each.body["user"] for each in late} == {member.user_id}
    assert workos.exchanges() == [None, 200]
    assert workos.sessions([member]) == 1
