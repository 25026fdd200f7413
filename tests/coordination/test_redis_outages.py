"""Redis down, hanging, read-only, full, crowded, odd: requests go on, each process for itself."""

from __future__ import annotations

import asyncio
import time

import pytest
from emulated import PASSWORD
from outages import every_outage, odd_server, warnings
from redis.asyncio import Redis
from redis_server import RedisServer, free_port
from workers import SESSION_ID, WorkOS, refresh, refreshes, seals, worker

from authkit_asgi import redis_connection
from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio

R0 = refresh_key("r0")


async def everything(coordinator: RedisRefreshCoordinator, workos: WorkOS) -> None:
    """Do all that requests do, fifty of them at once, and see that it works without Redis."""
    assert seals(await refreshes(coordinator, workos)) == {"seal of r1"}
    assert await coordinator.newest(R0, SESSION_ID) == "seal of r1"
    refused = await refresh(coordinator, WorkOS("invalid_grant"), "r9")
    await coordinator.forget(refresh_key("r9"), refused.outcome)
    assert list(coordinator.recall(refresh_key("r9"))) == []
    coordinator.see(refresh_key("r1"))
    await coordinator.end(SESSION_ID)
    assert coordinator.is_ended(SESSION_ID)
    await coordinator.begin(SESSION_ID)
    assert not coordinator.is_ended(SESSION_ID)
    await coordinator.aclose()
    assert workos.calls == ["r0"]


async def restored(coordinator: RedisRefreshCoordinator, caplog) -> None:
    """Ask until Redis is used again."""
    deadline = time.monotonic() + 20
    while "Restored" not in warnings(caplog):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
        await coordinator.newest(R0, SESSION_ID)


@every_outage
async def test_requests_go_on_without_redis_and_it_comes_back(
    own_server, impatient, caplog, begin, end
):
    begin(own_server)
    try:
        coordinator = worker(own_server)
        await everything(coordinator, WorkOS())
        for _ in range(3):
            await asyncio.sleep(0.03)  # long enough to be tried again
            await coordinator.newest(R0, SESSION_ID)
        assert warnings(caplog) == ["Degraded"]
    finally:
        end(own_server)
    await restored(coordinator, caplog)
    workos = WorkOS()
    for each in (coordinator, worker(own_server)):
        assert (await refresh(each, workos, "r20")).outcome.sealed == "seal of r21"
    assert workos.calls == ["r20"]
    assert warnings(caplog) == ["Degraded", "Restored"]


@every_outage
async def test_redis_that_fails_under_an_exchange_loses_nothing(
    own_server, impatient, caplog, begin, end
):
    workos = WorkOS()
    workos.may_end.clear()
    coordinator = worker(own_server)
    requests = asyncio.create_task(refreshes(coordinator, workos))
    await workos.begun.wait()
    begin(own_server)
    try:
        workos.may_end.set()
        assert seals(await requests) == {"seal of r1"}
        assert await coordinator.newest(R0, SESSION_ID) == "seal of r1"
        await coordinator.end(SESSION_ID)
        assert coordinator.is_ended(SESSION_ID)
        assert warnings(caplog) == ["Degraded"]
    finally:
        end(own_server)
    await coordinator.aclose()
    assert workos.calls == ["r0"]


class Waiter:
    """Waits for the exchange that another worker performs of the same token.

    Args:
        server: Is asked until it is known that the lock was seen.
        timeout: Seconds for which the waiter waits.
    """

    def __init__(self, server: RedisServer, *, timeout: float = 30) -> None:
        self._server = server
        self._workers = [worker(server), worker(server, timeout=timeout)]
        self.performed, self.own = WorkOS(), WorkOS()

    async def __aenter__(self) -> Waiter:
        self.performed.may_end.clear()
        first, second = self._workers
        self.exchange = asyncio.create_task(refresh(first, self.performed))
        await self.performed.begun.wait()
        looks = self._looks() + 2
        self.waiting = asyncio.create_task(refresh(second, self.own))
        deadline = time.monotonic() + 20
        while self._looks() < looks:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.performed.may_end.set()
        assert (await self.exchange).outcome.sealed == "seal of r1"
        for each in self._workers:
            await each.aclose()
        assert self.own.calls == []

    def _looks(self) -> int:
        return self._server.admin.info("commandstats")["cmdstat_eval"]["calls"]


async def test_waiter_does_not_send_the_token_too_when_redis_dies(own_server, impatient):
    async with Waiter(own_server, timeout=2) as waiter:
        own_server.kill()
        with pytest.raises(WorkOSUnavailableError, match="Another worker's"):
            await waiter.waiting


@pytest.mark.parametrize("is_emptied", [False, True])
async def test_waiter_hears_what_came_of_the_exchange_when_redis_is_back(
    own_server, impatient, caplog, is_emptied
):
    async with Waiter(own_server) as waiter:
        (own_server.kill if is_emptied else own_server.stop)()
        await first_word(caplog, "Degraded")
        await asyncio.to_thread(own_server.start if is_emptied else own_server.go_on)
        await first_word(caplog, "Restored")
        waiter.performed.may_end.set()
        assert (await waiter.waiting).outcome.sealed == "seal of r1"


async def test_waiter_hears_of_a_sign_out_when_redis_is_back(own_server, impatient, caplog):
    async with Waiter(own_server) as waiter:
        own_server.stop()
        await first_word(caplog, "Degraded")
        own_server.go_on()
        await worker(own_server).end(SESSION_ID)
        assert (await waiter.waiting).outcome.refusal == "signed_out"


async def first_word(caplog: pytest.LogCaptureFixture, word: str) -> None:
    """Wait until a line begins with a word."""
    deadline = time.monotonic() + 20
    while word not in warnings(caplog):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_ours", [True, False], ids=["a URL", "a patient client"])
async def test_hanging_redis_costs_a_second(own_server, is_ours):
    client = Redis.from_url(own_server.url, socket_timeout=8, retry=None)
    redis = own_server.url if is_ours else client
    coordinator = RedisRefreshCoordinator(redis, cookie_password=PASSWORD)
    own_server.stop()
    begin = time.monotonic()
    try:
        async with asyncio.timeout(5):  # one call waits; those that follow do not try
            await refreshes(coordinator, WorkOS())
        assert time.monotonic() - begin > 0.9
    finally:
        own_server.go_on()
        await coordinator.aclose()  # else what is still to be published opens a connection again
        await client.aclose()


async def test_one_request_at_a_time_tries_whether_redis_is_back(impatient, monkeypatch):
    monkeypatch.setattr(redis_connection, "_DOWN_SECONDS", 0.5)
    with odd_server(b"+") as (url, taken):
        coordinator = RedisRefreshCoordinator(url, cookie_password=PASSWORD)
        await coordinator.end("session_0")
        assert len(taken) == 1
        await asyncio.sleep(0.6)
        await asyncio.gather(*(coordinator.end(f"session_{number}") for number in range(30)))
        assert len(taken) == 2
        assert all(coordinator.is_ended(f"session_{number}") for number in range(30))


ODD_ANSWERS = {
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "failing over": b"-MASTERDOWN Link with MASTER is down\r\n",
    "busy": b"-BUSY Redis is busy running a script\r\n",
    "no permission": b"-NOPERM this user has no permissions\r\n",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an answer cut short": b"$100\r\nabc",
    "nothing, and hanging up": b"",
    "numbers beyond all bounds": b"*99999999999999999999\r\n",
    "no length": b"$x\r\n",
}


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_odd_answers_are_an_outage(impatient, caplog, answer):
    with odd_server(answer) as (url, taken):
        await everything(RedisRefreshCoordinator(url, cookie_password=PASSWORD), WorkOS())
        assert taken != []
    assert warnings(caplog) == ["Degraded"]


async def test_address_without_a_server_is_an_outage_and_no_part_of_it_is_logged(impatient, caplog):
    caplog.set_level("DEBUG")
    url = f"redis://ada:S3CRET@127.0.0.1:{free_port()}/7"
    await everything(RedisRefreshCoordinator(url, cookie_password=PASSWORD), WorkOS())
    ours = [record for record in caplog.records if record.name.startswith("authkit_asgi")]
    assert len(ours) == 1
    assert "(ConnectionError)" in ours[0].getMessage()
    assert not any(part in caplog.text for part in ("S3CRET", "127.0.0.1", "redis://", PASSWORD))


@pytest.mark.parametrize("rest", ["/99", "/0?username=nobody&password=S3CRET"])
async def test_wrong_database_or_password_is_an_outage(server, impatient, caplog, rest):
    url = server.url.removesuffix("/0") + rest
    await everything(RedisRefreshCoordinator(url, cookie_password=PASSWORD), WorkOS())
    assert warnings(caplog) == ["Degraded"]
    assert "S3CRET" not in caplog.text


async def test_redis_that_is_emptied_is_no_outage(server, caplog):
    workos = WorkOS()
    first = worker(server)
    await refresh(first, workos)
    server.admin.flushall()
    assert await first.newest(R0, SESSION_ID) == "seal of r1"
    assert (await refresh(first, workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]
    assert caplog.records == []


async def test_redis_that_starts_anew_is_no_outage(own_server, caplog):
    first = worker(own_server)
    await first.open()
    await refresh(first, WorkOS())
    for act in (own_server.kill, own_server.start):
        await asyncio.to_thread(act)  # while the event loop sees its connection end
    workos = WorkOS()
    await refresh(first, workos, "r5")
    await refresh(worker(own_server), workos, "r5")
    assert workos.calls == ["r5"]
    await first.aclose()
    assert caplog.records == []
