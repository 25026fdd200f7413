"""Ends that wait for Redis: none is lost to another, and none keeps the others waiting."""

from __future__ import annotations

import asyncio
import time

import pytest
from listeners import ADA, listening, until
from redis_server import RedisServer
from workers import worker

from authkit_asgi.errors import SealError
from authkit_asgi.revocations import UserRevocation

pytestmark = pytest.mark.anyio

TOO_LONG = "x" * 70_000
OLDER = UserRevocation(user_id="user_ada", before=1000)
NEWER = UserRevocation(user_id="user_ada", before=1002)


def hold_until_other_contents(server: RedisServer, before: dict[str, bytes]) -> None:
    """Wait for Redis to have done something, and the event loop with it: no answer is read yet."""
    deadline = time.monotonic() + 30
    while server.contents() == before:
        assert time.monotonic() < deadline, "nothing was sent in time"
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["users", "sessions"])
async def test_end_that_redis_refuses_while_an_older_one_succeeds_is_told_later(
    own_server: RedisServer, kind: str
):
    async with listening(own_server) as ending, listening(own_server) as hearer:
        assert await ending.end("session_1")
        older, newer = {
            "users": (lambda: ending.revoke(OLDER), lambda: ending.revoke(NEWER)),
            "sessions": (lambda: ending.begin("session_1"), lambda: ending.end("session_1")),
        }[kind]
        before = own_server.contents()
        own_server.stop()
        first = asyncio.create_task(older())
        await asyncio.sleep(0.2)  # it is sent, as far as the server's socket
        own_server.go_on()
        hold_until_other_contents(own_server, before)
        own_server.admin.config_set("min-replicas-to-write", 1)
        second = asyncio.create_task(newer())
        assert await second is False
        assert await first is not False
        own_server.admin.config_set("min-replicas-to-write", 0)
        if kind == "users":
            await until(lambda: hearer.revocations.cover({**ADA, "iat": NEWER.before}))
        else:
            await until(lambda: hearer.is_ended("session_1"))


async def test_id_that_is_no_unicode_is_told_like_any_other(own_server: RedisServer, impatient):
    own_server.admin.config_set("min-replicas-to-write", 1)
    ending = worker(own_server)
    for session_id in ("\ud800", "session_1"):
        assert not await ending.end(session_id)
    own_server.admin.config_set("min-replicas-to-write", 0)
    async with listening(own_server) as hearer:
        await until(lambda: hearer.is_ended("\ud800") and hearer.is_ended("session_1"))
    await ending.aclose()


async def test_id_that_is_too_long_is_refused_and_keeps_no_other_waiting(
    own_server: RedisServer, impatient
):
    async with listening(own_server) as ending:
        own_server.admin.config_set("min-replicas-to-write", 1)
        with pytest.raises(SealError):
            await ending.end(TOO_LONG)
        with pytest.raises(SealError):
            await ending.revoke(UserRevocation(user_id=TOO_LONG, before=1000))
        assert not await ending.end("session_1")
        assert not await ending.revoke(NEWER)
        assert len(ending._ends) == 2
        own_server.admin.config_set("min-replicas-to-write", 0)
        async with listening(own_server) as hearer:
            await until(lambda: hearer.is_ended("session_1"))
            await until(lambda: hearer.revocations.cover(ADA))


async def test_id_that_is_too_long_keeps_no_other_waiting_when_redis_has_lost_its_data(
    own_server: RedisServer, impatient
):
    async with listening(own_server) as ending:
        for long_first in (TOO_LONG, "session_1"):
            try:
                assert await ending.end(long_first)
            except SealError:
                assert long_first == TOO_LONG
        with pytest.raises(SealError):
            await ending.revoke(UserRevocation(user_id=TOO_LONG, before=1000))
        assert await ending.revoke(NEWER)
        own_server.kill()
        own_server.start()
        async with listening(own_server) as hearer:
            await until(lambda: hearer.is_ended("session_1"))
            await until(lambda: hearer.revocations.cover(ADA))
            assert len(ending._ends) == 0
