"""Renewing a session: how often WorkOS is asked, and by whom."""

from __future__ import annotations

import asyncio
import json
import math

import anyio
import httpx
import pytest
from emulated import settings
from renewing import Sent, expired, until_asked

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.errors import (
    ConnectionLostError,
    GrantRejectedError,
    RateLimitedError,
    UnavailableError,
    WorkOSUnavailableError,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def sent(emulator: WorkOSEmulator) -> Sent:
    return Sent(emulator)


async def test_lost_connection_is_tried_once_more_with_the_same_token(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", reset="before")
    successor = await sent.authkit.refresh(session)
    assert successor.auth.user.id == "user_ada"
    assert sent.tokens == [session.refresh_token] * 2


async def test_lost_answer_is_given_again_within_the_replay_window(sent, emulator):
    emulator.configure(replay_window=30)
    session = expired(emulator)
    emulator.fail("authenticate", reset="after")
    assert (await sent.authkit.refresh(session)).auth.user.id == "user_ada"
    assert sent.tokens == [session.refresh_token] * 2


async def test_lost_connection_is_tried_once_more_and_only_once(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", times=9, reset="before")
    with pytest.raises(ConnectionLostError):
        await sent.authkit.refresh(session)
    assert sent.tokens == [session.refresh_token] * 2
    emulator.clear_faults()
    assert (await sent.authkit.refresh(session)).auth.user.id == "user_ada"


async def test_answer_that_takes_too_long_is_asked_for_once_more(emulator):
    sent = Sent(emulator, api_timeout=0.2)
    session = expired(emulator)
    emulator.fail("authenticate", times=2, hang=True)
    with pytest.raises(ConnectionLostError):
        await sent.authkit.refresh(session)
    assert sent.tokens == [session.refresh_token] * 2


async def test_server_that_was_not_reached_is_not_asked_again(emulator):
    asked = []

    async def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("refused")

    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=httpx.MockTransport(refuse)),
    )
    with pytest.raises(WorkOSUnavailableError, match="cannot be reached"):
        await authkit.refresh(expired(emulator))
    assert len(asked) == 1


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
async def test_answer_that_is_an_outage_is_not_asked_for_again(sent, emulator, status):
    emulator.fail("authenticate", times=None, status=status)
    with pytest.raises(WorkOSUnavailableError):
        await sent.authkit.refresh(expired(emulator))
    assert len(sent.tokens) == 1


async def test_429_is_waited_out_once_if_that_fits(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", status=429, headers={"Retry-After": "1"})
    begun = anyio.current_time()
    assert (await sent.authkit.refresh(session)).auth.user.id == "user_ada"
    assert anyio.current_time() - begun >= 1
    assert sent.tokens == [session.refresh_token] * 2


async def test_429_is_not_waited_out_twice(sent, emulator):
    emulator.fail("authenticate", times=None, status=429, headers={"Retry-After": "1"})
    with pytest.raises(RateLimitedError) as caught:
        await sent.authkit.refresh(expired(emulator))
    assert caught.value.retry_after == 1
    assert len(sent.tokens) == 2


async def test_429_that_would_outlast_the_deadline_is_unavailable_at_once(sent, emulator):
    emulator.fail("authenticate", times=None, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimitedError) as caught:
        await sent.authkit.refresh(expired(emulator))
    assert caught.value.retry_after == 10
    assert len(sent.tokens) == 1


async def test_deadline_frees_the_waiter_and_what_comes_later_is_remembered(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", delay=60)
    object.__setattr__(sent.authkit.config, "refresh_timeout", 30)
    flight = asyncio.create_task(sent.authkit.refresh(session))
    await until_asked(emulator)
    object.__setattr__(sent.authkit.config, "refresh_timeout", 0.01)
    with pytest.raises(WorkOSUnavailableError, match="in time"):
        await sent.authkit.refresh(session)
    object.__setattr__(sent.authkit.config, "refresh_timeout", 30)
    assert not flight.done()
    emulator.clear_faults()
    first = await flight
    assert (await sent.authkit.refresh(session)).sealed == first.sealed
    assert len(sent.tokens) == 1


async def test_exchange_itself_ends_at_the_deadline(emulator):
    sent = Sent(emulator, refresh_timeout=0.2)
    emulator.fail("authenticate", hang=True)
    heard = []
    sent.authkit._hooks._on_error = heard.append
    with pytest.raises(WorkOSUnavailableError, match="in time"):
        await sent.authkit.refresh(expired(emulator))
    await sent.authkit.aclose()
    assert [str(error) for error in heard] == ["WorkOS did not answer in time"]
    assert len(sent.tokens) == 1


async def test_after_five_failures_nobody_asks_for_five_seconds(sent, emulator, clock):
    emulator.fail("authenticate", times=None, status=503, headers={"Retry-After": "9"})
    for _ in range(5):
        with pytest.raises(WorkOSUnavailableError, match="status 503"):
            await sent.authkit.refresh(expired(emulator))
    for user in ["user_ada", "user_bob"] * 10:
        with pytest.raises(WorkOSUnavailableError, match="failures in a row") as caught:
            await sent.authkit.refresh(expired(emulator, user))
    assert caught.value.retry_after == 5
    assert len(sent.tokens) == 5
    emulator.clear_faults()
    clock.now += 5
    assert (await sent.authkit.refresh(expired(emulator))).auth.user.id == "user_ada"


async def test_failures_of_switches_keep_nobody_else_waiting(sent, emulator):
    for status in (413, 403, 414, 404, 503, 400) * 2:
        emulator.fail("authenticate", status=status, body="<h1>no</h1>")
        with pytest.raises(UnavailableError):
            await sent.authkit.refresh(expired(emulator), "org_of_my_own_making")
    assert (await sent.authkit.refresh(expired(emulator, "user_bob"))).auth.user.id == "user_bob"


async def test_answer_that_no_json_may_hold_is_unavailable(sent, emulator):
    answer = emulator.sign_in("user_ada")
    body = json.dumps({**answer, "user": {**answer["user"], "metadata": {"x": math.nan}}})
    emulator.fail("authenticate", status=200, body=body)
    with pytest.raises(UnavailableError, match=r"^WorkOS's answer cannot be sealed$"):
        await sent.authkit.refresh(expired(emulator))


async def test_verdict_on_a_user_is_an_answer_and_no_failure(sent, emulator):
    for number in range(12):
        verdict = {"status": 400, "body": {"error": "invalid_grant"}}
        emulator.fail("authenticate", **({"status": 503} if number % 3 else verdict))
        with pytest.raises((WorkOSUnavailableError, GrantRejectedError)):
            await sent.authkit.refresh(expired(emulator))
    assert len(sent.tokens) == 12


async def test_switch_waits_for_the_refresh_and_takes_the_successors_token(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", delay=60)
    usual = asyncio.create_task(sent.authkit.refresh(session))
    await until_asked(emulator)
    switches = [asyncio.create_task(sent.authkit.refresh(session, "org_globex")) for _ in range(20)]
    await asyncio.sleep(0)
    assert len(sent.tokens) == 1
    emulator.clear_faults()
    first = await usual
    switched = await asyncio.gather(*switches)
    assert first.auth.organization_id == "org_acme"
    assert {one.auth.organization_id for one in switched} == {"org_globex"}
    assert sent.tokens == [session.refresh_token, first.session.refresh_token]
    assert sent.organizations == ["org_acme", "org_globex"]


async def test_refused_switch_does_not_end_the_session(sent, emulator):
    emulator.add_organization("Strict", sso_required=True, organization_id="org_strict")
    emulator.add_membership("user_ada", "org_strict")
    session = expired(emulator)
    emulator.fail("authenticate", delay=60)
    switch = asyncio.create_task(sent.authkit.refresh(session, "org_strict"))
    await until_asked(emulator)
    usual = [asyncio.create_task(sent.authkit.refresh(session)) for _ in range(20)]
    await asyncio.sleep(0)
    emulator.clear_faults()
    with pytest.raises(GrantRejectedError, match="sso_required"):
        await switch
    refreshed = await asyncio.gather(*usual)
    assert {one.auth.organization_id for one in refreshed} == {"org_acme"}
    assert len({one.sealed for one in refreshed}) == 1
    assert sent.organizations == ["org_strict", "org_acme"]


async def test_switch_refused_long_ago_does_not_end_the_session_either(sent, emulator):
    session = expired(emulator)
    for _ in range(3):
        with pytest.raises(GrantRejectedError):
            await sent.authkit.refresh(session, "org_nowhere")
    assert sent.organizations == ["org_nowhere"]  # remembered, as long as nobody asks otherwise
    assert (await sent.authkit.refresh(session)).auth.organization_id == "org_acme"
