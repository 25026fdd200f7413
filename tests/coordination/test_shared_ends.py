"""Sessions that are over, in all workers: signed out, or superseded by another session."""

from __future__ import annotations

import asyncio
import time

import pytest
from workers import SESSION_ID, WorkOS, refresh, worker

from authkit_asgi.outcomes import refresh_key
from authkit_asgi.revocations import UserRevocation

pytestmark = pytest.mark.anyio

R0 = refresh_key("r0")


async def test_session_signed_out_elsewhere_is_not_refreshed(server):
    workos = WorkOS()
    await worker(server).end(SESSION_ID)
    another = worker(server)
    assert not another.is_ended(SESSION_ID)
    landing = await refresh(another, workos)
    assert (landing.outcome.refusal, landing.successor) == ("signed_out", None)
    assert landing.outcome.session_id == SESSION_ID
    assert another.is_ended(SESSION_ID)
    assert workos.calls == []
    assert server.lifetimes("ended") == [3600]


@pytest.mark.parametrize(
    ("ends", "note"),
    [
        ([False], b"signed out"),
        ([True], b"superseded"),
        ([False, True], b"signed out"),
        ([True, False], b"signed out"),
        ([False, None], None),
    ],
)
async def test_sign_out_during_an_outage_is_told_after_it(own_server, impatient, ends, note):
    own_server.admin.config_set("min-replicas-to-write", 1)
    signing_out = worker(own_server)
    for is_superseded in ends:
        if is_superseded is None:
            await signing_out.begin(SESSION_ID)
        else:
            await signing_out.end(SESSION_ID, is_superseded=is_superseded)
    own_server.admin.config_set("min-replicas-to-write", 0)
    deadline = time.monotonic() + 20
    while signing_out._ends:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await signing_out.aclose()
    notes = [value for name, value in own_server.contents().items() if ":ended:" in name]
    assert notes == ([] if note is None else [note])


async def test_of_too_many_sign_outs_during_an_outage_the_first_are_not_told(
    own_server, impatient, monkeypatch
):
    monkeypatch.setattr("authkit_asgi.waiting._MAX_WAITING", 3)
    own_server.stop()
    signing_out = worker(own_server)
    for number in range(5):
        await signing_out.end(f"session_{number}")
    assert "session_4" in signing_out._ends
    assert "session_0" not in signing_out._ends
    assert len(signing_out._ends) <= 3
    await signing_out.aclose()
    own_server.go_on()


@pytest.mark.parametrize("kind", ["sessions", "users"])
async def test_bound_holds_while_redis_does_not_answer_what_it_is_told_late(
    own_server, impatient, monkeypatch, kind
):
    monkeypatch.setattr("authkit_asgi.waiting._MAX_WAITING", 3)
    monkeypatch.setattr("authkit_asgi.redis._RETRY_SECONDS", (600, 600))
    own_server.stop()
    deaf = worker(own_server)

    async def end(number: int) -> bool:
        if kind == "sessions":
            return await deaf.end(f"session_{number}")
        return await deaf.revoke(UserRevocation(user_id=f"user_{number}", before=1))

    for number in range(3):
        await end(number)
    for number in range(3, 6):
        await asyncio.sleep(0.1)  # until Redis is asked again, which hangs
        late = asyncio.create_task(deaf._ends.tell_late())
        await asyncio.sleep(0.05)
        assert len(deaf._ends) == 3
        await asyncio.gather(end(number), late, return_exceptions=True)
        assert len(deaf._ends) == 3
    await deaf.aclose()
    own_server.go_on()


async def test_users_wait_for_redis_apart_from_sessions(own_server, impatient, monkeypatch):
    monkeypatch.setattr("authkit_asgi.waiting._MAX_WAITING", 3)
    own_server.stop()
    deaf = worker(own_server)
    for number in range(5):
        await deaf.revoke(UserRevocation(user_id=f"user_{number}", before=1))
    for number in range(5):
        await deaf.end(f"session_{number}")
    users = [(f"user_{number}", None) in deaf._ends for number in range(5)]
    assert users == [False, False, True, True, True]
    assert len(deaf._ends) == 6
    await deaf.aclose()
    own_server.go_on()


async def test_sign_out_wins_over_an_outcome_that_is_known(server):
    workos = WorkOS()
    await refresh(worker(server), workos)
    await worker(server).end(SESSION_ID)
    assert (await refresh(worker(server), workos)).outcome.refusal == "signed_out"


async def test_sign_out_elsewhere_is_known_when_the_exchange_ends(server):
    workos = WorkOS()
    workos.may_end.clear()
    exchanging = worker(server)
    task = asyncio.create_task(refresh(exchanging, workos))
    await workos.begun.wait()
    await worker(server).end(SESSION_ID)
    assert not exchanging.is_ended(SESSION_ID)
    workos.may_end.set()
    await task
    assert exchanging.is_ended(SESSION_ID)


@pytest.mark.parametrize("is_superseded", [False, True])
async def test_end_elsewhere_is_known_before_a_response_is_written(server, is_superseded):
    exchanging = worker(server)
    await refresh(exchanging, WorkOS())
    await worker(server).end(SESSION_ID, is_superseded=is_superseded)
    await exchanging.newest(R0, SESSION_ID)
    assert exchanging.is_ended(SESSION_ID, or_superseded=True)
    assert exchanging.is_ended(SESSION_ID) is not is_superseded


async def test_superseded_session_is_refreshed_and_its_cookie_is_not_written(server):
    workos = WorkOS()
    await worker(server).end(SESSION_ID, is_superseded=True)
    another = worker(server)
    assert (await refresh(another, workos)).outcome.sealed == "seal of r1"
    assert another.is_ended(SESSION_ID, or_superseded=True)
    assert not another.is_ended(SESSION_ID)


async def test_session_that_was_signed_out_stays_so_when_another_supersedes_it(server):
    await worker(server).end(SESSION_ID)
    await worker(server).end(SESSION_ID, is_superseded=True)
    workos = WorkOS()
    assert (await refresh(worker(server), workos)).outcome.refusal == "signed_out"
    assert workos.calls == []


async def test_superseded_session_can_be_signed_out(server):
    await worker(server).end(SESSION_ID, is_superseded=True)
    await worker(server).end(SESSION_ID)
    assert (await refresh(worker(server), WorkOS())).outcome.refusal == "signed_out"


@pytest.mark.parametrize("is_superseded", [False, True])
async def test_session_that_begins_anew_is_not_over(server, is_superseded):
    signing_in = worker(server)
    await signing_in.end(SESSION_ID, is_superseded=is_superseded)
    await signing_in.begin(SESSION_ID)
    assert not signing_in.is_ended(SESSION_ID, or_superseded=True)
    another = worker(server)
    assert (await refresh(another, WorkOS())).outcome.sealed == "seal of r1"
    assert not another.is_ended(SESSION_ID, or_superseded=True)
    assert server.lifetimes("ended") == []


async def test_sessions_without_an_id_do_not_end_each_other(server):
    await worker(server).end(None)
    await worker(server).begin(None)
    another = worker(server)
    landing = await refresh(another, WorkOS(), session_id=None)
    assert landing.outcome.sealed == "seal of r1"
    await another.newest(R0, None)
    assert not another.is_ended(None, or_superseded=True)


async def test_other_sessions_go_on(server):
    await worker(server).end("session_bob")
    assert (await refresh(worker(server), WorkOS())).outcome.sealed == "seal of r1"
