"""What the workers remember together: outcomes, which tokens followed on which, and refusals."""

from __future__ import annotations

import asyncio

import pytest
from emulated import PASSWORD, sealed, service
from listeners import OF_ADA
from outages import slowed
from workers import SESSION_ID, WorkOS, refresh, worker

from authkit_asgi import seen_cookies
from authkit_asgi.loading import Loaded
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio

R0, R1, R2 = (refresh_key(f"r{number}") for number in range(3))


async def test_outcome_is_kept_for_an_hour_until_its_cookie_has_been_seen_and_30_s(server):
    await refresh(worker(server), WorkOS())
    assert server.lifetimes("outcome") == [3600]
    assert server.lifetimes("before") == [3600]
    another = worker(server)
    another.see(R0)  # the old cookie
    await another.aclose()
    assert server.lifetimes("outcome") == [3600]
    another.see(R1)
    await another.aclose()
    assert server.lifetimes("outcome") == [30]
    assert server.lifetimes("before") == [3600]  # the note that it was seen
    assert server.admin.get(server.name("before")) == b""


async def test_outcomes_of_all_predecessors_end_when_a_cookie_is_seen(server):
    workos = WorkOS()
    for token in ("r0", "r1", "r2"):
        await refresh(worker(server), workos, token)
    another = worker(server)
    another.see(R2)
    await another.aclose()
    assert sorted(server.lifetimes("outcome")) == [30, 30, 3600]
    assert sorted(len(note) for name, note in server.contents().items() if ":before:" in name) == [
        0,
        0,
        64,
    ]


async def test_ten_predecessors_are_told_that_a_cookie_was_seen(server):
    workos = WorkOS()
    first = worker(server)
    for number in range(12):
        await refresh(first, workos, f"r{number}")
    another = worker(server)
    another.see(refresh_key("r12"))
    await another.aclose()
    assert sorted(server.lifetimes("outcome")) == [30] * 10 + [3600] * 2


async def test_refusal_is_kept_though_its_cookie_keeps_coming(server):
    workos = WorkOS(1, "invalid_grant")
    for token in ("r0", "r1"):
        await refresh(worker(server), workos, token)
    another = worker(server)
    another.see(R1)
    await another.aclose()
    assert sorted(server.lifetimes("outcome")) == [30, 3600]  # r0's, and the refusal of r1
    assert (await refresh(worker(server), workos, "r1")).outcome.refusal == "invalid_grant"


async def test_cookie_that_comes_often_is_told_once(server, monkeypatch):
    monkeypatch.setattr(seen_cookies, "_MAX_TOLD", 2)
    coordinator = worker(server)
    for key in (R0, R0, R1, R0, R2, R0):  # R0 is pushed out by R2, but waits still
        coordinator.see(key)
    await coordinator.aclose()
    assert server.admin.info("commandstats")["cmdstat_eval"]["calls"] == 3
    assert len(coordinator._seen_cookies.told) == 2


async def test_worker_that_settles_a_session_at_once_tells_that_its_cookie_was_seen(
    server, emulator, clock
):
    first, second = (service(emulator, coordinator=worker(server, clock=clock)) for _ in range(2))
    loaded = await first.load([sealed(emulator.sign_in("user_ada", lifetime=-60))])
    assert loaded.sealed is not None
    await second.load([sealed(emulator.sign_in("user_bob"))])  # has the signing keys now
    assert isinstance(second.load_now(loaded.sealed.encode()), Loaded)
    await second.aclose()
    assert server.lifetimes("outcome") == [30]
    await first.aclose()


async def test_many_cookies_that_are_seen_at_once_keep_nobody_waiting(server):
    with slowed(server.port, 0.05) as url:
        slow = RedisRefreshCoordinator(url, cookie_password=PASSWORD)
        await slow.open()
        tasks = len(asyncio.all_tasks())
        for number in range(3000):
            slow.see(refresh_key(f"t{number}"))
        assert len(asyncio.all_tasks()) == tasks + 1
        assert len(slow._seen_cookies._waiting) == 1000
        workos = WorkOS()
        await refresh(slow, workos)
        assert workos.calls == ["r0"]
        assert len(slow._seen_cookies._waiting) > 900
        slow._seen_cookies._waiting.clear()
        await slow.aclose()


async def test_odd_text_in_the_place_of_a_token_harms_nobody(server, caplog):
    await refresh(worker(server), WorkOS())
    server.admin.set(server.name("before"), b"\xff\xfe", ex=60)
    another = worker(server)
    another.see(R1)
    await another.aclose()
    assert server.lifetimes("outcome") == [3600]
    assert caplog.records == []


async def test_newest_follows_the_chain_through_all_workers(server):
    workos = WorkOS()
    first, second = worker(server), worker(server)
    await refresh(first, workos, "r0")
    await refresh(second, workos, "r1")
    await refresh(second, workos, "r2")
    assert await first.newest(R0, SESSION_ID) == "seal of r3"
    assert [known.sealed for known in first.recall(R1)] == ["seal of r2", "seal of r3"]
    assert await worker(server).newest(R0, SESSION_ID) == "seal of r3"
    assert await worker(server).newest(R2, SESSION_ID) == "seal of r3"
    assert await worker(server).newest(refresh_key("r3"), SESSION_ID) is None
    assert await worker(server).newest(R0, None) == "seal of r3"


async def test_newest_passes_over_a_refusal(server):
    workos = WorkOS(1, "sso_required")
    for token in ("r0", "r1"):
        await refresh(worker(server), workos, token)
    another = worker(server)
    assert await another.newest(R0, SESSION_ID) == "seal of r1"
    assert await another.newest(R0, SESSION_ID) == "seal of r1"  # and what it now knows itself


async def test_newest_looks_at_ten_successors_and_goes_on_from_there(server):
    workos = WorkOS()
    first = worker(server)
    for number in range(15):
        await refresh(first, workos, f"r{number}")
    late = worker(server)
    assert [await late.newest(R0, SESSION_ID) for _ in range(2)] == ["seal of r10", "seal of r15"]


async def test_forget_drops_a_refusal_in_all_workers(server):
    workos = WorkOS("sso_required")
    first, second = worker(server), worker(server)
    await refresh(first, workos)
    await second.forget(R0, (await refresh(second, workos)).outcome)
    assert list(second.recall(R0)) == []
    assert server.lifetimes("outcome") == []
    assert (await refresh(second, workos)).outcome.sealed == "seal of r1"


async def test_forget_leaves_what_has_taken_the_place_of_the_refusal(server):
    workos = WorkOS("sso_required", "mfa_enrollment")
    first, second = worker(server), worker(server)
    refusal = (await refresh(first, workos)).outcome
    await second.forget(R0, refusal)
    await refresh(second, workos)
    await first.forget(R0, refusal)
    assert (await refresh(worker(server), workos)).outcome.refusal == "mfa_enrollment"
    await first.forget(R1, refusal)  # nothing is known of it
    assert workos.calls == ["r0", "r0"]


async def test_every_key_expires_whatever_was_done(server):
    workos = WorkOS(1, "sso_required")
    first, second = worker(server), worker(server)
    await asyncio.gather(*(refresh(each, workos) for each in (first, second)))
    refused = (await refresh(second, workos, "r1")).outcome
    await first.end(SESSION_ID)
    await first.end("session_bob", is_superseded=True)
    await first.revoke(OF_ADA)
    await second.begin("session_eve")
    second.see(R0)
    await second.newest(R0, SESSION_ID)
    await second.forget(R0, refused)
    workos.may_end.clear()
    workos.begun.clear()
    holding = asyncio.create_task(refresh(first, workos, "r9", session_id="session_bob"))
    await workos.begun.wait()
    await second.aclose()
    names = server.contents()
    kinds = sorted(name.split(":")[1] for name in names)
    assert kinds == ["before", "ended", "ended", "lock", "outcome", "outcome", *["revoked"] * 4]
    assert all(0 < server.admin.ttl(name) <= 3600 for name in names)
    workos.may_end.set()
    await holding
