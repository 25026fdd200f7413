"""One exchange for all workers; each coordinator stands for a worker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from workers import WorkOS, refresh, refreshes, seals, worker

from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio


async def test_fifty_requests_of_each_worker_cause_one_exchange(server, caplog):
    workos = WorkOS()
    workos.seconds = 0.1
    workers = [worker(server) for _ in range(4)]
    for landings in await asyncio.gather(*(refreshes(each, workos) for each in workers)):
        assert seals(landings) == {"seal of r1"}
        assert all(landing.successor is not None for landing in landings)
    assert workos.calls == ["r0"]
    assert caplog.records == []


@pytest.mark.parametrize("is_shared", [False, True], ids=["a worker each", "one worker for all"])
def test_threads_with_event_loops_of_their_own_cause_one_exchange(server, is_shared):
    workos = WorkOS()
    workos.seconds = 0.1
    common = worker(server)

    def serve(_: int) -> set[str | None]:
        return seals(asyncio.run(refreshes(common if is_shared else worker(server), workos)))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(serve, range(4))) == [{"seal of r1"}] * 4
    assert workos.calls == ["r0"]


async def test_many_tokens_at_once_are_each_exchanged_once(server, caplog):
    workos = WorkOS()
    tokens = [f"r{number}" for number in range(0, 300, 2)]
    workers = [worker(server, timeout=60) for _ in range(2)]
    await asyncio.gather(*(refresh(each, workos, token) for each in workers for token in tokens))
    assert sorted(workos.calls) == sorted(tokens)
    assert caplog.records == []


async def test_outcome_of_another_worker_is_used_without_an_exchange(server):
    workos = WorkOS()
    first = await refresh(worker(server), workos)
    later = await refresh(worker(server), workos)
    assert later.outcome == first.outcome
    assert later.successor is not None
    assert later.successor.sealed == "seal of r1"
    assert workos.calls == ["r0"]


async def test_refusal_is_every_workers(server):
    workos = WorkOS("invalid_grant")
    workos.seconds = 0.05
    workers = [worker(server) for _ in range(3)]
    at_once = await asyncio.gather(*(refresh(each, workos) for each in workers))
    for landing in [*at_once, await refresh(worker(server), workos)]:
        assert (landing.outcome.refusal, landing.successor) == ("invalid_grant", None)
    assert workos.calls == ["r0"]


async def test_next_worker_tries_when_the_exchange_fails(server):
    workos = WorkOS(WorkOSUnavailableError("down"))
    workos.may_end.clear()
    failing = asyncio.create_task(refresh(worker(server), workos))
    await workos.begun.wait()
    waiting = asyncio.create_task(refresh(worker(server), workos))
    workos.may_end.set()
    with pytest.raises(WorkOSUnavailableError, match="down"):
        await failing
    assert (await waiting).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0", "r0"]


async def test_waiter_goes_on_soon_after_the_exchange(server):
    workos = WorkOS()
    workos.may_end.clear()
    first = asyncio.create_task(refresh(worker(server), workos))
    await workos.begun.wait()
    waiting = asyncio.create_task(refresh(worker(server, timeout=600), workos))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert done == set()
    workos.may_end.set()
    await first
    begin = time.monotonic()
    assert (await waiting).outcome.sealed == "seal of r1"
    assert time.monotonic() - begin < 1  # it looks again after 0.06 s


async def test_token_that_is_not_spent_is_not_remembered(server):
    workos = WorkOS(0, 0)
    for _ in range(2):
        assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r0"
    assert workos.calls == ["r0", "r0"]
    assert server.contents() == {}


async def test_request_that_leaves_does_not_stop_the_exchange_for_the_others(server):
    workos = WorkOS()
    workos.may_end.clear()
    leaving = worker(server)
    request = asyncio.create_task(refresh(leaving, workos))
    await workos.begun.wait()
    assert leaving.is_under_way(refresh_key("r0"))
    waiting = asyncio.create_task(refresh(worker(server), workos))
    request.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await request
    workos.may_end.set()
    assert (await waiting).outcome.sealed == "seal of r1"
    await leaving.aclose()
    assert [known.sealed for known in leaving.recall(refresh_key("r0"))] == ["seal of r1"]
    assert workos.calls == ["r0"]


async def test_applications_with_prefixes_of_their_own_do_not_meet(server):
    workos = WorkOS()
    for prefix in ("one", "two"):
        coordinator = RedisRefreshCoordinator(server.url, cookie_password="p" * 32, prefix=prefix)
        await refresh(coordinator, workos)
    assert workos.calls == ["r0", "r0"]
    assert {name.partition(":")[0] for name in server.contents()} == {"one", "two"}
