"""What a worker knows when it begins to serve, and what it tells a Redis that has forgotten."""

from __future__ import annotations

import anyio
import pytest
from listeners import ADA, OF_ADA, RECORDS, listening, subscribers, until
from redis_server import free_port, running
from workers import SESSION_ID, worker

from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.revocations import UserRevocation

pytestmark = pytest.mark.anyio

FIRST_SECONDS = "authkit_asgi.redis_listener._FIRST_SECONDS"


async def test_application_that_has_started_knows_what_was_told_before(server, monkeypatch):
    monkeypatch.setattr(FIRST_SECONDS, 60)
    monkeypatch.setattr("authkit_asgi.redis_revocations._PAGE", 2)
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 10)
    first = worker(server)
    await first.revoke(OF_ADA)
    for number in range(10):
        await first.end(f"session_{number}")
    late = worker(server)
    await late.open()
    assert all(late.is_ended(f"session_{number}") for number in range(10))
    assert late.revocations.cover(ADA)
    await late.aclose()


async def test_application_waits_for_no_redis_that_hangs(own_server, monkeypatch):
    monkeypatch.setattr(FIRST_SECONDS, 0.1)
    monkeypatch.setattr("authkit_asgi.redis_connection.CALL_SECONDS", 600)
    coordinator = worker(own_server)
    own_server.stop()
    with anyio.fail_after(60):
        await coordinator.open()
    own_server.go_on()
    await until(lambda: subscribers(own_server) == 1)
    await coordinator.aclose()


async def test_application_waits_for_no_redis_that_is_down(monkeypatch, impatient):
    monkeypatch.setattr(FIRST_SECONDS, 600)
    coordinator = RedisRefreshCoordinator(
        f"redis://127.0.0.1:{free_port()}/0", cookie_password="x" * 32
    )
    with anyio.fail_after(60):
        await coordinator.open()
    await coordinator.aclose()


async def test_redis_that_has_lost_its_data_is_told_again(tmp_path, impatient):
    with running(tmp_path) as server:
        async with listening(server) as hearer:
            assert await worker(server).end(SESSION_ID)
            assert await worker(server).revoke(OF_ADA)
            await until(lambda: hearer.is_ended(SESSION_ID) and hearer.revocations.cover(ADA))
            assert await hearer.end("session_own")
            server.kill()
            server.start()
            await until(lambda: server.admin.zcard(RECORDS) == 2 and not hearer._ends)
            async with listening(server) as late:
                await until(lambda: late.is_ended(SESSION_ID) and late.revocations.cover(ADA))
                assert late.is_ended("session_own")
            assert len(server.lifetimes("ended")) == 2


async def test_what_has_begun_anew_is_not_told_again_as_over(server):
    async with listening(server) as hearer:
        await hearer.end(SESSION_ID)
        await hearer.begin(SESSION_ID)
        await hearer.end("session_over")
        server.admin.flushall()
        server.admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: server.admin.zcard(RECORDS))
        async with listening(server) as late:
            await until(lambda: late.is_ended("session_over"))
            assert not late.is_ended(SESSION_ID)


async def test_what_there_was_no_room_for_is_not_told_again(server, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 2)
    async with listening(server) as hearer:
        for number in range(3):
            await hearer.end(f"session_{number}")
            await hearer.revoke(UserRevocation(user_id=f"user_{number}", before=1000))
        server.admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: subscribers(server) == 0)
        await until(lambda: subscribers(server) == 1)
        await worker(server).end("session_mark")
        await until(lambda: hearer.is_ended("session_mark"))
        async with listening(server) as late:
            await until(lambda: late.is_ended("session_mark"))
            assert [late.is_ended(f"session_{number}") for number in range(3)] == [False] * 2 + [
                True
            ]
            assert not late.revocations.cover({"sub": "user_0", "iat": 1})
            assert late.revocations.cover({"sub": "user_2", "iat": 1})


class BrokenClock:
    """A clock that fails as often as it is told to."""

    def __init__(self) -> None:
        self.failures = 0

    def __call__(self) -> float:
        if self.failures:
            self.failures -= 1
            raise ArithmeticError("no secret of ours")
        return anyio.current_time()


@pytest.mark.parametrize(("times", "failures"), [(1, 1), (3, 1), (2, 2)])
async def test_listener_that_fails_says_so_and_goes_on_listening(
    server, caplog, monkeypatch, times, failures
):
    monkeypatch.setattr("authkit_asgi.redis_listener._RETRY_SECONDS", (0, 0))
    clock = BrokenClock()
    async with listening(server, clock=clock) as hearer:
        for number in range(times):
            clock.failures = failures
            await worker(server, clock=anyio.current_time).end(f"session_{number}")
            await until(lambda: not clock.failures)
            await until(lambda: hearer.is_ended(f"session_{number}"))  # noqa: B023
            await until(lambda: len(caplog.records) == 2 * (number + 1))  # noqa: B023
    messages = [record.getMessage() for record in caplog.records]
    assert messages == times * [
        "Degraded: listening to other workers has failed (ArithmeticError)",
        "Restored: what other workers end is heard at once",
    ]
