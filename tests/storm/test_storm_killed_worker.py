"""A worker that is killed with the lock in its hand, and the requests that wait at the others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from held_line import HeldLine, held_line
from redis_server import RedisServer
from storm_client import Answer, Ask, storm
from storm_processes import Emulator, Member, Worker, workers

HASTY = {"STORM_REFRESH_TIMEOUT": "2"}


def ask(member: Member) -> Ask:
    return Ask("/who", member.cookie, member.user_id)


async def answers_of(worker: Worker, member: Member) -> list[Answer]:
    return await storm([worker.port], [ask(member)] * 100)


def outcomes(answers: Sequence[Answer]) -> set[tuple[int, str]]:
    """Return each status with the user who is signed in, or the reason why nobody is."""
    return {(each.status, each.body.get("user", each.body.get("reason"))) for each in answers}


@contextlib.asynccontextmanager
async def asked(victim: Worker, member: Member) -> AsyncIterator[None]:
    """Have a worker refresh a session, and kill it at the end."""
    lost = asyncio.create_task(storm([victim.port], [ask(member)]))
    yield
    victim.process.kill()
    victim.process.wait()
    with contextlib.suppress(ExceptionGroup):
        await lost


@pytest.mark.anyio
async def test_killed_worker_blocks_the_others_no_longer_than_its_lease(
    workos: Emulator, shared_redis: RedisServer
):
    (member,) = workos.members(1)
    with (
        workers(workos, 1, redis_url=shared_redis.url, **HASTY) as (victim,),
        workers(workos, 1, redis_url=shared_redis.url) as (other,),
    ):
        workos.control("DELETE", "faults")
        workos.control("POST", "faults", endpoint="authenticate", hang=True)
        async with asked(victim, member):
            deadline = time.monotonic() + 30
            while not workos.exchanges():
                assert time.monotonic() < deadline, "the victim asks nobody"
                await asyncio.sleep(0.01)
        workos.delay()
        # Patient enough to wait for the end of the lease.
        answers = await answers_of(other, member)
    assert outcomes(answers) == {(200, member.user_id)}
    assert workos.exchanges() == [None, 200]
    assert workos.sessions([member]) == 1


@dataclass(frozen=True)
class Scene:
    """A worker whose lines to WorkOS and Redis can be held, and two others."""

    victim: Worker
    to_workos: HeldLine
    to_redis: HeldLine
    hasty: Worker
    patient: Worker
    redis: RedisServer


@pytest.fixture
def scene(workos: Emulator, shared_redis: RedisServer) -> Iterator[Scene]:
    url = shared_redis.url
    workos_port = urlsplit(workos.variables["WORKOS_BASE_URL"]).port
    with (
        held_line(workos_port) as to_workos,
        held_line(shared_redis.port) as to_redis,
        workers(
            workos,
            1,
            redis_url=f"redis://127.0.0.1:{to_redis.port}/0",
            WORKOS_BASE_URL=f"http://127.0.0.1:{to_workos.port}",
        ) as (victim,),
        workers(workos, 1, redis_url=url, **HASTY) as (hasty,),
        workers(workos, 1, redis_url=url) as (patient,),
    ):
        yield Scene(victim, to_workos, to_redis, hasty, patient, shared_redis)


async def kill_victim(scene: Scene, member: Member, *, after_rotation: bool) -> None:
    """Kill it when its request is on the way to WorkOS, or the outcome on the way to Redis."""
    scene.to_workos.hold(b"POST ")
    async with asked(scene.victim, member):
        await asyncio.to_thread(scene.to_workos.wait_until_held)
        if after_rotation:
            scene.to_redis.hold()
            scene.to_workos.release()
            await asyncio.to_thread(scene.to_redis.wait_until_held)


@pytest.mark.parametrize(
    ("after_rotation", "replay_window", "end"),
    [(False, 0, "kept"), (True, 0, "lost"), (True, 300, "kept")],
    ids=["before WorkOS rotates", "after", "after, within the replay window"],
)
@pytest.mark.anyio
async def test_killed_worker_loses_at_most_the_session_that_it_had_not_published(
    workos: Emulator, scene: Scene, *, after_rotation, replay_window, end
):
    workos.control("POST", "settings", replay_window=replay_window)
    member, before, meanwhile = workos.members(3)
    assert outcomes(await answers_of(scene.victim, before)) == {(200, before.user_id)}
    await kill_victim(scene, member, after_rotation=after_rotation)
    expected = [200, 200] if after_rotation else [200]
    assert workos.exchanges() == expected
    # Others' sessions do not wait, and what had been published is found.
    assert outcomes(await answers_of(scene.patient, before)) == {(200, before.user_id)}
    assert outcomes(await answers_of(scene.patient, meanwhile)) == {(200, meanwhile.user_id)}
    assert workos.exchanges() == (expected := [*expected, 200])
    # The victim's lease is 62 s; a deadline of 2 s ends the wait, and is no verdict.
    async with asyncio.timeout(40):
        waited = await answers_of(scene.hasty, member)
    assert outcomes(waited) == {(503, "temporarily_unavailable")}
    assert [each for each in waited if each.cookies] == []
    assert workos.exchanges() == expected
    scene.redis.admin.delete(scene.redis.name("lock"))  # as when the lease is over
    late = await answers_of(scene.patient, member) + await answers_of(scene.hasty, member)
    if end == "lost":
        assert outcomes(late) == {(401, "refresh_denied")}
        assert [each for each in late if each.cookies] == []
    else:
        assert outcomes(late) == {(200, member.user_id)}
    assert workos.exchanges() == [*expected, 400 if end == "lost" else 200]
    assert workos.sessions([member]) == (0 if end == "lost" else 1)
    assert workos.sessions([before, meanwhile]) == 2
