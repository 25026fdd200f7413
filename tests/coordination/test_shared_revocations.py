"""Sessions that one worker ends are over in all that listen, within moments."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest
import redis as redis_package
from emulated import PASSWORD
from listeners import ADA, CHANNEL, OF_ADA, RECORDS, listening, subscribers, until
from redis_server import running
from workers import SESSION_ID, worker

from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.revocations import UserRevocation

pytestmark = pytest.mark.anyio


async def test_worker_that_listens_hears_of_each_sign_out(server):
    async with listening(server) as hearer, listening(server) as another:
        await another.end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
        await hearer.end("session_bob")
        await until(lambda: another.is_ended("session_bob"))
        assert not hearer.is_ended("session_eve")


async def test_worker_that_listens_hears_of_each_user(server):
    async with listening(server) as hearer:
        assert await worker(server).revoke(OF_ADA)
        await until(lambda: hearer.revocations.cover(ADA))
        assert not hearer.revocations.cover({**ADA, "iat": 1001})
        assert not hearer.revocations.cover({**ADA, "sub": "user_bob"})
        in_acme = UserRevocation(user_id="user_bob", organization_id="org_acme", before=1000)
        assert await worker(server).revoke(in_acme)
        await until(lambda: hearer.revocations.cover({**ADA, "sub": "user_bob"}))
        assert not hearer.revocations.cover({"sub": "user_bob", "org_id": "org_b", "iat": 1})


async def test_worker_that_does_not_listen_hears_nothing(server):
    deaf = worker(server)
    async with listening(server) as hearer:
        await worker(server).end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
    assert not deaf.is_ended(SESSION_ID)


async def test_session_that_is_superseded_goes_on_elsewhere_until_then(server):
    async with listening(server) as hearer:
        await worker(server).end("session_old", is_superseded=True)
        await worker(server).end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
        assert not hearer.is_ended("session_old", or_superseded=True)


async def test_session_that_begins_anew_does_so_for_all_and_for_who_listens_later(server):
    async with listening(server) as hearer:
        first = worker(server)
        await first.end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))
        await first.begin(SESSION_ID)
        await until(lambda: not hearer.is_ended(SESSION_ID))
        await first.begin("session_new")
        assert server.admin.zcard(RECORDS) == 1  # nobody has to hear of every sign-in
    async with listening(server) as late:
        await first.end("session_mark")
        await until(lambda: late.is_ended("session_mark"))
        assert not late.is_ended(SESSION_ID)


async def test_worker_that_comes_late_reads_what_was_told_before(server, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_revocations._PAGE", 3)
    monkeypatch.setattr("authkit_asgi.redis_revocations._MAX_RECORDS", 9)
    first = worker(server)
    for number in range(8):
        await first.end(f"session_{number}")
    await first.revoke(OF_ADA)
    async with listening(server) as late:
        await until(lambda: late.revocations.cover(ADA))
        assert all(late.is_ended(f"session_{number}") for number in range(8))


async def test_whatever_ended_while_redis_was_away_is_heard_when_it_is_back(
    tmp_path, impatient, caplog, monkeypatch
):
    monkeypatch.setattr("authkit_asgi.redis_listener._LATE_SECONDS", 0.1)
    with running(tmp_path, is_lasting=True) as server:
        async with listening(server) as hearer, listening(server) as another:
            await another.end("session_before")
            await until(lambda: hearer.is_ended("session_before"))
            server.kill()
            assert not await another.end(SESSION_ID)
            assert not await another.revoke(OF_ADA)
            await until(lambda: said(caplog, "Degraded: what other workers end is heard late"))
            server.start()
            await until(lambda: hearer.is_ended(SESSION_ID) and hearer.revocations.cover(ADA))
            await worker(server).end("session_after")
            await until(lambda: hearer.is_ended("session_after"))
            await until(lambda: said(caplog, "Restored: what other workers end is heard at once"))
            async with listening(server) as late:
                await until(lambda: late.is_ended("session_before"))


def said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(record.getMessage().startswith(text) for record in caplog.records)


async def test_worker_whose_subscription_was_cut_hears_what_was_told_meanwhile(server, monkeypatch):
    async with listening(server) as hearer:
        heard = hearer._listener._feed.read
        # What is published goes by unheard, as while a connection is being made anew.
        monkeypatch.setattr(hearer._listener._feed, "read", lambda _text: None)
        await worker(server).end(SESSION_ID)
        await worker(server).revoke(OF_ADA)
        assert not hearer.is_ended(SESSION_ID)
        monkeypatch.setattr(hearer._listener._feed, "read", heard)
        server.admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: hearer.is_ended(SESSION_ID) and hearer.revocations.cover(ADA))


async def test_redis_that_hangs_is_noticed_and_come_back_to(own_server, impatient, monkeypatch):
    monkeypatch.setattr("authkit_asgi.redis_listener._LATE_SECONDS", 0)
    async with listening(own_server) as hearer:
        await worker(own_server).end("session_before")
        await until(lambda: hearer.is_ended("session_before"))
        own_server.stop()
        await until(lambda: hearer._listener._is_degraded)
        own_server.go_on()
        await until(lambda: not hearer._listener._is_degraded)
        await worker(own_server).end(SESSION_ID)
        await until(lambda: hearer.is_ended(SESSION_ID))


async def test_silence_is_no_outage(server, monkeypatch, caplog):
    async with listening(server) as hearer:
        await worker(server).end("session_before")
        await until(lambda: hearer.is_ended("session_before"))
        connected = server.admin.info("stats")["total_connections_received"]
        await asyncio.sleep(0)
        monkeypatch.setattr("authkit_asgi.redis_connection.CALL_SECONDS", 0.2)
        await hearer._listener._redis.call("PUBLISH", CHANNEL, "wakes the listener up")

        def pings() -> int:
            return server.admin.info("commandstats").get("cmdstat_ping", {"calls": 0})["calls"]

        await until(lambda: pings() >= 3)
        assert server.admin.info("stats")["total_connections_received"] <= connected + 1
        assert caplog.records == []


async def test_redis_that_lets_nobody_subscribe_is_logged_once_and_harms_nothing_else(
    own_server, impatient, caplog, monkeypatch
):
    monkeypatch.setattr("authkit_asgi.redis_listener._LATE_SECONDS", 0)
    own_server.admin.execute_command("ACL", "SETUSER", "default", "-subscribe")
    coordinator = worker(own_server)
    await coordinator.open()
    await until(lambda: said(caplog, "Degraded: what other workers end is heard late"))
    assert await coordinator.end(SESSION_ID)
    await asyncio.sleep(0.3)  # some more attempts
    await coordinator.aclose()
    assert len(caplog.records) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_foreign_type_under_our_name_keeps_nobody_from_hearing(server, impatient, caplog):
    server.admin.set(RECORDS, "not a sorted set", ex=60)
    coordinator = worker(server)
    await coordinator.open()
    assert not await coordinator.end(SESSION_ID)
    server.admin.delete(RECORDS)
    await until(lambda: not coordinator._ends)
    async with listening(server) as late:
        await until(lambda: late.is_ended(SESSION_ID))
    await coordinator.aclose()


@pytest.mark.parametrize("options", [{"decode_responses": True}, {"max_connections": 1}, {}])
async def test_client_of_the_applications_is_listened_with(server, options):
    async with redis_package.asyncio.Redis.from_url(server.url, **options) as client:
        coordinator = RedisRefreshCoordinator(client, cookie_password=PASSWORD)
        await coordinator.open()
        await until(lambda: subscribers(server) == 1)
        await worker(server).end(SESSION_ID)
        await until(lambda: coordinator.is_ended(SESSION_ID))
        await coordinator.aclose()
        await until(lambda: subscribers(server) == 0)
        assert await client.ping()


async def test_loop_that_is_opened_twice_listens_until_it_is_closed_twice(server):
    coordinator = worker(server)
    tasks = asyncio.all_tasks()
    await coordinator.open()
    await coordinator.open()
    assert subscribers(server) == 1
    await coordinator.aclose()
    await worker(server).end(SESSION_ID)
    await until(lambda: coordinator.is_ended(SESSION_ID))
    await coordinator.aclose()
    await until(lambda: subscribers(server) == 0)
    assert asyncio.all_tasks() == tasks
    await coordinator.aclose()  # once more than it was opened


def test_each_loop_of_a_process_listens_and_leaves_nothing_behind(server):
    coordinator = worker(server)

    async def lifespan(name: str) -> None:
        await coordinator.open()
        await until(lambda: subscribers(server) == 1)
        await worker(server).end(name)
        await until(lambda: coordinator.is_ended(name))
        await coordinator.aclose()

    async def forgetful() -> None:
        await coordinator.open()
        await until(lambda: subscribers(server) == 1)

    asyncio.run(lifespan("session_first"))
    asyncio.run(forgetful())
    asyncio.run(lifespan("session_second"))
    assert coordinator._listener._tasks == {}
    server.check_all_have_left()
    gc.collect()
