"""The lock on a token: whose it is, how long it lives, and what a holder that is gone leaves."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from workers import WorkOS, refresh, worker

from authkit_asgi import redis
from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.outcomes import refresh_key

pytestmark = pytest.mark.anyio


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def begun(workos: WorkOS, coordinator: object) -> asyncio.Task:
    """Return a refresh whose exchange is under way."""
    workos.may_end.clear()
    workos.begun.clear()
    task = asyncio.create_task(refresh(coordinator, workos))
    await workos.begun.wait()
    return task


async def test_lock_has_an_owner_and_outlives_the_deadline(server):
    owners = []
    for _ in range(2):
        workos = WorkOS(WorkOSUnavailableError("down"))
        task = await begun(workos, worker(server, timeout=7))
        name = server.name("lock")
        owners.append(server.admin.get(name))
        assert 7_000 < server.admin.pttl(name) <= 9_000
        workos.may_end.set()
        with pytest.raises(WorkOSUnavailableError):
            await task
    assert len({*owners}) == 2
    assert all(len(bytes.fromhex(owner.decode())) == 16 for owner in owners)


@pytest.mark.parametrize("end", [1, "invalid_grant", WorkOSUnavailableError("down"), OSError()])
async def test_lock_ends_with_the_exchange(server, end):
    workos = WorkOS(end)
    task = await begun(workos, worker(server))
    workos.may_end.set()
    await asyncio.wait({task})
    assert isinstance(end, Exception) is (task.exception() is not None)
    assert server.lifetimes("lock") == []


async def test_lock_of_another_owner_is_not_released(server):
    workos = WorkOS()
    task = await begun(workos, worker(server))
    name = server.name("lock")
    server.admin.set(name, "another owner", ex=60)
    workos.may_end.set()
    await task
    assert server.admin.get(name) == b"another owner"


async def test_holder_that_is_gone_blocks_until_the_lease_ends_and_waiters_until_their_deadline(
    server,
):
    workos = WorkOS(WorkOSUnavailableError("down"))
    task = await begun(workos, worker(server))
    name = server.name("lock")
    workos.may_end.set()
    with pytest.raises(WorkOSUnavailableError):
        await task
    server.admin.set(name, "a killed worker", px=900)
    waiter = worker(server, timeout=0.2)
    with pytest.raises(WorkOSUnavailableError, match="Another worker's"):
        await refresh(waiter, workos)
    assert workos.calls == ["r0"]
    assert server.admin.get(name) == b"a killed worker"
    assert (await refresh(worker(server, timeout=30), workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0", "r0"]


async def test_who_lost_the_lock_overwrites_nothing(server):
    slow, quick = WorkOS(7), WorkOS(8)
    task = await begun(slow, worker(server))
    server.admin.delete(server.name("lock"))  # as it expires
    assert (await refresh(worker(server), quick)).outcome.sealed == "seal of r8"
    slow.may_end.set()
    assert (await task).outcome.sealed == "seal of r8"
    assert (await refresh(worker(server), WorkOS())).outcome.sealed == "seal of r8"
    assert len(server.lifetimes("before")) == 1


async def test_who_lost_the_lock_publishes_where_nobody_has(server):
    workos = WorkOS(7)
    task = await begun(workos, worker(server))
    server.admin.flushall()
    workos.may_end.set()
    assert (await task).outcome.sealed == "seal of r7"
    assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r7"
    assert workos.calls == ["r0"]


def test_event_loop_that_ends_under_an_exchange_releases_the_lock(server):
    workos = WorkOS()

    async def leave() -> None:
        await begun(workos, worker(server))
        assert server.lifetimes("lock") == [12]

    asyncio.run(leave())
    assert server.contents() == {}


async def test_lock_that_was_taken_unheard_of_does_not_lock_its_owner_out(own_server, impatient):
    workos = WorkOS(WorkOSUnavailableError("down"))
    coordinator = worker(own_server, timeout=60)
    await coordinator.newest(refresh_key("r0"), None)  # connected
    own_server.stop()
    with pytest.raises(WorkOSUnavailableError):
        await refresh(coordinator, workos)
    own_server.go_on()
    own_server.admin.set(
        f"authkit:lock:{hashed(refresh_key('r0'))}", next(iter(coordinator._owners.values())), ex=60
    )
    assert (await refresh(coordinator, workos)).outcome.sealed == "seal of r1"


async def test_lock_that_was_taken_by_a_lost_command_is_ones_own(server, monkeypatch):
    """The client repeats what it got no answer to."""
    monkeypatch.setattr(redis.secrets, "token_hex", lambda _: "the owner")
    workos = WorkOS(WorkOSUnavailableError("down"))
    task = await begun(workos, worker(server))
    name = server.name("lock")
    workos.may_end.set()
    with pytest.raises(WorkOSUnavailableError):
        await task
    server.admin.set(name, "the owner", ex=60)
    assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r1"
    assert server.admin.get(name) is None
