"""Of what is told of one session the newest counts, however late the rest is told or heard."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import redis as redis_package
from listeners import CHANNEL, RECORDS, listening, until
from outages import slowed
from redis_server import RedisServer
from workers import PASSWORD, SESSION_ID, worker

from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.redis_connection import RedisDownError

pytestmark = pytest.mark.anyio


@pytest.fixture
def slow_to_retry(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    """What could not be told waits until a test has it told."""
    monkeypatch.setattr("authkit_asgi.redis._RETRY_SECONDS", (600, 600))


async def begin_during_an_outage(server: RedisServer, signing_in: RedisRefreshCoordinator) -> None:
    server.admin.config_set("min-replicas-to-write", 1)
    await signing_in.begin(SESSION_ID)
    assert SESSION_ID in signing_in._ends
    await until(lambda: refused(server) == 1)  # it is tried once more at once
    server.admin.config_set("min-replicas-to-write", 0)


def refused(server: RedisServer) -> int:
    stats = server.admin.info("commandstats").get("cmdstat_set", {"rejected_calls": 0})
    return stats["rejected_calls"]


async def told_late(coordinator: RedisRefreshCoordinator) -> None:
    while SESSION_ID in coordinator._ends:
        with contextlib.suppress(RedisDownError):  # until it may be tried again
            await coordinator._ends.tell_late()
        await asyncio.sleep(0.01)


async def test_beginning_that_is_told_late_undoes_no_newer_end(own_server, slow_to_retry):
    async with listening(own_server) as hearer:
        signing_in = worker(own_server)
        assert await signing_in.end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
        await begin_during_an_outage(own_server, signing_in)
        assert await worker(own_server).end(SESSION_ID)
        assert not signing_in.is_ended(SESSION_ID)
        await told_late(signing_in)
        assert signing_in.is_ended(SESSION_ID)
        await worker(own_server).end("session_mark")
        await until(lambda: hearer.is_ended("session_mark"))
        assert hearer.is_ended(SESSION_ID)
        async with listening(own_server) as late:
            assert late.is_ended(SESSION_ID)
        await signing_in.aclose()
    ended = [value for name, value in own_server.contents().items() if ":ended:" in name]
    assert ended == [b"signed out"] * 2


async def test_beginning_that_waits_is_dropped_when_a_newer_end_is_heard(own_server, slow_to_retry):
    async with listening(own_server) as signing_in:
        assert await signing_in.end(SESSION_ID)
        await begin_during_an_outage(own_server, signing_in)
        assert not signing_in.is_ended(SESSION_ID)
        another = worker(own_server)
        assert await another.end(SESSION_ID)
        await another.begin(SESSION_ID)
        assert await another.end(SESSION_ID)  # which is news
        await until(lambda: signing_in.is_ended(SESSION_ID))
        assert SESSION_ID not in signing_in._ends


async def test_end_that_is_told_late_ends_no_session_that_has_begun_since(
    own_server, slow_to_retry
):
    signing_out, another = worker(own_server), worker(own_server)
    assert await another.end(SESSION_ID)
    own_server.admin.config_set("min-replicas-to-write", 1)
    assert not await signing_out.end(SESSION_ID)
    await until(lambda: refused(own_server) == 2)
    own_server.admin.config_set("min-replicas-to-write", 0)
    async with listening(own_server) as hearer:
        assert hearer.is_ended(SESSION_ID)
        await another.begin(SESSION_ID)
        await until(lambda: not hearer.is_ended(SESSION_ID))
        await told_late(signing_out)
        assert not signing_out.is_ended(SESSION_ID)
        await another.end("session_mark")
        await until(lambda: hearer.is_ended("session_mark"))
        assert not hearer.is_ended(SESSION_ID)
    await signing_out.aclose()
    assert len([name for name in own_server.contents() if ":ended:" in name]) == 1


async def test_beginning_that_cannot_be_told_while_the_end_is_told_late_waits_in_turn(
    own_server, slow_to_retry, monkeypatch
):
    monkeypatch.setattr("authkit_asgi.redis_connection.CALL_SECONDS", 30)
    async with listening(own_server) as hearer:
        with slowed(own_server.port, 0.2) as url:
            slow = RedisRefreshCoordinator(url, cookie_password=PASSWORD)
            own_server.admin.config_set("min-replicas-to-write", 1)
            assert not await slow.end(SESSION_ID)
            own_server.admin.config_set("min-replicas-to-write", 0)
            late = asyncio.create_task(told_late(slow))
            await until(lambda: hearer.is_ended(SESSION_ID))  # before the answer is there
            own_server.admin.config_set("min-replicas-to-write", 1)
            await slow.begin(SESSION_ID)
            assert SESSION_ID in slow._ends
            own_server.admin.config_set("min-replicas-to-write", 0)
            await late
            await until(lambda: not hearer.is_ended(SESSION_ID))
            await slow.aclose()


async def test_beginning_that_somebody_publishes_again_is_not_heard(server):
    with redis_package.Redis.from_url(server.url) as client, client.pubsub() as spy:
        spy.subscribe(CHANNEL)
        async with listening(server) as hearer:
            first = worker(server)
            await first.end(SESSION_ID)
            await until(lambda: hearer.is_ended(SESSION_ID))
            await first.begin(SESSION_ID)
            await until(lambda: not hearer.is_ended(SESSION_ID))
            await first.end(SESSION_ID)
            await until(lambda: hearer.is_ended(SESSION_ID))
            published: list[bytes] = []
            while len(published) < 3:
                message = spy.get_message(timeout=30)
                published += [message["data"]] if message and message["type"] == "message" else []
            server.admin.publish(CHANNEL, published[1])
            await first.end("session_mark")
            await until(lambda: hearer.is_ended("session_mark"))
            assert hearer.is_ended(SESSION_ID)


@pytest.mark.parametrize("seconds", [-50, 50])
async def test_clock_that_is_wrong_makes_nothing_that_happens_now_older(server, seconds):
    with_a_wrong_clock = worker(server, clock=lambda: time.time() + seconds)
    async with listening(server) as hearer:
        for each in (worker(server), with_a_wrong_clock, worker(server)):
            assert await each.end(SESSION_ID)
            await until(lambda: hearer.is_ended(SESSION_ID))
            await with_a_wrong_clock.begin(SESSION_ID)
            await until(lambda: not hearer.is_ended(SESSION_ID))
            assert await with_a_wrong_clock.end(SESSION_ID)
            await until(lambda: hearer.is_ended(SESSION_ID))
            await each.begin(SESSION_ID)
            await until(lambda: not hearer.is_ended(SESSION_ID))
    assert server.admin.zcard(RECORDS) == 1


FORGED: dict[str, bytes] = {
    "a time to come": b"99999999999 begun x",
    "no end of time": b"inf begun x",
    "no number": b"nan begun x",
    "a number of another kind": b"0x7fffffffff begun x",
    "another mark": b"99999999999 over x",
    "no record": b"x",
    "nothing": b"",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_whatever_is_put_in_the_place_of_a_record_harms_no_worker(server, forged):
    async with listening(server) as hearer:
        first = worker(server)
        assert await first.end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
        (name,) = server.admin.hkeys(f"{RECORDS}:records")
        server.admin.hset(f"{RECORDS}:records", name, forged)
        assert await hearer.end(SESSION_ID)
        await hearer._ends.tell_late()
        assert first.is_ended(SESSION_ID)
        assert hearer.is_ended(SESSION_ID)
        await hearer.begin(SESSION_ID)
        assert not hearer.is_ended(SESSION_ID)
