"""What of ended sessions is in Redis, and what is passed over there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD
from listeners import ADA, CHANNEL, OF_ADA, RECORDS, USERS, listening, until
from workers import SESSION_ID, worker

from authkit_asgi.derived import derived_passwords
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.seal import seal

pytestmark = pytest.mark.anyio


async def test_records_expire_and_are_bounded(server, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 3)
    server.admin.zadd(RECORDS, {"of two hours ago": time.time() - 3600, "first": time.time() + 60})
    server.admin.hset(f"{RECORDS}:records", "of two hours ago", "1.0 over x")
    for number in range(5):
        await worker(server).end(f"session_{number}")
    assert 3590 <= server.admin.ttl(RECORDS) <= 3600
    assert 3590 <= server.admin.ttl(f"{RECORDS}:records") <= 3600
    names = set(server.admin.zrange(RECORDS, 0, -1))
    assert set(server.admin.hkeys(f"{RECORDS}:records")) == names
    scores = [score for _, score in server.admin.zrange(RECORDS, 0, -1, withscores=True)]
    assert len(scores) == 3
    assert all(abs(score - time.time() - 3600) < 60 for score in scores)
    async with listening(server) as late:
        await until(lambda: late.is_ended("session_4"))


async def test_session_that_ends_again_and_again_pushes_nothing_out(server, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 2)
    signing_out, told_by_a_webhook = worker(server), worker(server)
    await signing_out.end("session_bob")
    for _ in range(5):
        await signing_out.end(SESSION_ID)
        await told_by_a_webhook.end(SESSION_ID)
    assert server.admin.zcard(RECORDS) == 2
    assert server.admin.info("commandstats")["cmdstat_publish"]["calls"] == 2
    async with listening(server) as late:
        await until(lambda: late.is_ended("session_bob"))
        assert late.is_ended(SESSION_ID)


async def test_session_that_ends_again_after_a_minute_is_told_again(server):
    seconds = 0
    signing_out = worker(server, clock=lambda: time.time() + seconds)
    await signing_out.end(SESSION_ID)
    ((_, first),) = server.admin.zrange(RECORDS, 0, -1, withscores=True)
    seconds = 61
    await signing_out.end(SESSION_ID)
    ((_, second),) = server.admin.zrange(RECORDS, 0, -1, withscores=True)
    assert second > first
    assert server.admin.info("commandstats")["cmdstat_publish"]["calls"] == 2


async def test_sessions_that_end_push_no_user_out(server, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 2)
    await worker(server).revoke(OF_ADA)
    for number in range(5):
        await worker(server).end(f"session_{number}")
    async with listening(server) as late:
        await until(lambda: late.is_ended("session_4"))
        assert late.revocations.cover(ADA)


async def test_user_has_one_record_which_the_later_time_replaces(server):
    first = worker(server)
    for before in (1000.5, 1002, 1001, 1002):
        await first.revoke(UserRevocation(user_id="user_ada", before=before))
    assert server.admin.zcard(USERS) == 1
    assert server.admin.info("commandstats")["cmdstat_publish"]["calls"] == 2
    async with listening(server) as late:
        await until(lambda: late.revocations.cover({**ADA, "iat": 1002}))
        assert not late.revocations.cover({**ADA, "iat": 1003})


async def test_records_whose_names_redis_has_lost_are_dropped(server):
    await worker(server).end(SESSION_ID)
    server.admin.delete(RECORDS)
    await worker(server).end("session_bob")
    assert server.admin.hlen(f"{RECORDS}:records") == 1


async def test_redis_sees_neither_sessions_nor_users(server):
    with server.admin.pubsub() as spy:
        spy.subscribe(CHANNEL)
        await worker(server).end(SESSION_ID)
        await worker(server).revoke(OF_ADA)
        published = []
        while len(published) < 2:
            message = spy.get_message(timeout=30)
            published += [message["data"]] if message and message["type"] == "message" else []
    stored = b"".join(name.encode() + value for name, value in server.contents().items())
    everything = stored + b"".join(published)
    assert SESSION_ID.encode() not in everything
    assert b"user_ada" not in everything


def foreign(**changes: Any) -> str:
    password = changes.pop("password", PASSWORD)
    purpose = changes.pop("purpose", "authkit_asgi revocation, version 1")
    content = changes.pop("content", {"at": 1.0, "sid": SESSION_ID, "over": True})
    return seal(content, derived_passwords(password, purpose), **{"ttl": 3600, **changes})


STRANGERS: dict[str, Any] = {
    "nothing": b"",
    "text": b"session_ada",
    "not ASCII": b"\xff\xfe\x00",
    "JSON": b'{"at": 1, "sid": "session_ada", "over": true}',
    "a broken seal": foreign()[:-9].encode(),
    "of another password": foreign(password=OTHER_PASSWORD).encode(),
    "of another purpose": foreign(purpose="authkit_asgi refresh outcome, version 1").encode(),
    "no object": foreign(content=["session_ada"]).encode(),
    "of another version": foreign(content={"at": 1.0, "kind": "all"}).encode(),
    "an id of another type": foreign(content={"at": 1.0, "sid": 7, "over": True}).encode(),
    "without a time": foreign(content={"sid": SESSION_ID, "over": True}).encode(),
    "a user without a time": foreign(content={"at": 1.0, "sub": "user_ada", "org": None}).encode(),
    "a user with a time in milliseconds": foreign(
        content={"before": 1.7e12, "sub": "user_ada", "org": None}
    ).encode(),
    "over an hour old": foreign(ttl=1, clock=lambda: time.time() - 3600).encode(),
    "a megabyte": b"Fe26.2*" + b"x" * 1_000_000,
}


async def test_what_a_worker_has_written_is_none_of_these(server):
    async with listening(server) as hearer:
        server.admin.publish(CHANNEL, foreign())
        await until(lambda: hearer.is_ended(SESSION_ID))


@pytest.mark.parametrize("garbage", STRANGERS.values(), ids=STRANGERS)
async def test_what_strangers_write_is_passed_over(server, garbage, caplog):
    server.admin.zadd(RECORDS, {"its name": time.time() + 60})
    server.admin.hset(f"{RECORDS}:records", "its name", b"1.0 over " + garbage)
    for name in (RECORDS, f"{RECORDS}:records"):
        server.admin.expire(name, 60)
    async with listening(server) as hearer:
        server.admin.publish(CHANNEL, garbage)
        await worker(server).end("session_mark")
        await until(lambda: hearer.is_ended("session_mark"))
        assert not hearer.is_ended(SESSION_ID)
        assert not hearer.revocations.cover(ADA)
    assert caplog.records == []
