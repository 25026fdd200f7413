"""Sessions that are over: refused, signed out, superseded, or another application's."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from emulated import PASSWORD, sealed, service
from renewing import until_asked

from authkit_asgi.auth import SignedOutReason
from authkit_asgi.errors import GrantRejectedError, SessionReadOnlyError
from authkit_asgi.session import seal_session, session_from_answer, unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

REFUSED = {"status": 400, "body": {"error": "invalid_grant"}}


@pytest.fixture
def cookie(emulator: WorkOSEmulator) -> str:
    """A session whose token has expired."""
    return sealed(emulator.sign_in("user_ada", lifetime=-100))


def asked(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate", grant_type="refresh_token")


async def test_dead_cookie_goes_60_s_after_the_verdict(authkit, emulator, clock, cookie):
    """Until then another worker may have won the exchange, whose cookie must not be deleted."""
    emulator.fail("authenticate", times=None, **REFUSED)
    for seconds, is_dead in ((0, False), (59, False), (1, True), (600, True)):
        clock.now += seconds
        loaded = await authkit.load([cookie])
        assert loaded.auth.reason is SignedOutReason.REFRESH_DENIED
        assert (loaded.sealed, loaded.is_dead) == (None, is_dead)
        assert loaded.session is not None
    assert asked(emulator) == 1


async def test_dead_cookie_goes_with_the_bundled_routes(authkit, emulator, cookie):
    emulator.fail("authenticate", times=None, **REFUSED)
    before = await authkit.load([cookie], may_refresh=False)
    assert (before.auth.reason, before.is_dead) == (SignedOutReason.SESSION_EXPIRED, False)
    await authkit.load([cookie])
    loaded = await authkit.load([cookie], may_refresh=False)
    assert (loaded.auth.reason, loaded.is_dead) == (SignedOutReason.REFRESH_DENIED, True)
    assert asked(emulator) == 1


async def test_refusal_of_another_organization_deletes_nothing(authkit, emulator, clock, cookie):
    emulator.fail("authenticate", status=403, body={"error": "sso_required"})
    with pytest.raises(GrantRejectedError, match="sso_required"):
        await authkit.refresh(unseal_session(cookie, PASSWORD), "org_globex")
    clock.now += 100
    own_route = await authkit.load([cookie], may_refresh=False)
    assert own_route.auth.reason is SignedOutReason.SESSION_EXPIRED
    assert not own_route.is_dead
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"


async def test_refusal_of_the_successor_ends_the_late_request_as_well(
    authkit, emulator, clock, cookie
):
    first = await authkit.load([cookie])
    clock.now += 400
    emulator.fail("authenticate", **REFUSED)
    assert (await authkit.load([first.sealed])).auth.reason is SignedOutReason.REFRESH_DENIED
    assert (await authkit.load([cookie])).auth.reason is SignedOutReason.REFRESH_DENIED
    clock.now += 60
    assert (await authkit.load([cookie])).is_dead
    assert asked(emulator) == 2


@pytest.mark.parametrize("lifetime", [300, -100, -5], ids=["good", "expired", "within the leeway"])
@pytest.mark.parametrize("may_refresh", [True, False])
async def test_session_that_was_signed_out_stays_out(authkit, emulator, lifetime, may_refresh):
    cookie = sealed(emulator.sign_in("user_ada", lifetime=lifetime))
    await authkit.end(unseal_session(cookie, PASSWORD))
    loaded = await authkit.load([cookie], may_refresh=may_refresh)
    assert loaded.auth.reason is SignedOutReason.SIGNED_OUT
    assert (loaded.sealed, loaded.is_dead) == (None, False)
    assert asked(emulator) == 0


@pytest.mark.parametrize("organization", [None, "org_globex"])
async def test_session_that_was_signed_out_is_not_refreshed_on_demand(
    authkit, emulator, cookie, organization
):
    session = unseal_session(cookie, PASSWORD)
    await authkit.end(session)
    with pytest.raises(GrantRejectedError) as caught:
        await authkit.refresh(session, organization)
    assert caught.value.reason == "signed_out"
    assert asked(emulator) == 0


async def test_session_that_is_signed_out_during_a_refresh_on_demand_stays_out(
    authkit, emulator, cookie
):
    emulator.fail("authenticate", delay=0.05)
    session = unseal_session(cookie, PASSWORD)
    refresh = asyncio.create_task(authkit.refresh(session))
    await until_asked(emulator)
    await authkit.end(session)
    with pytest.raises(GrantRejectedError) as caught:
        await refresh
    assert caught.value.reason == "signed_out"


async def test_exchange_under_way_does_not_bring_a_session_back(authkit, emulator, cookie):
    emulator.fail("authenticate", delay=60)
    loading = asyncio.create_task(authkit.load([cookie]))
    await until_asked(emulator)
    await authkit.end(unseal_session(cookie, PASSWORD))
    emulator.clear_faults()
    loaded = await loading
    assert loaded.auth.reason is SignedOutReason.SIGNED_OUT
    assert loaded.sealed is None


async def test_superseded_session_signs_in_but_is_over_for_what_is_written(authkit, emulator):
    cookie = sealed(emulator.sign_in("user_ada"))
    session = unseal_session(cookie, PASSWORD)
    other = unseal_session(sealed(emulator.sign_in("user_ada")), PASSWORD)
    await authkit.replace(session, other)
    assert authkit.is_over(session)
    assert not authkit.is_over(other)
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"
    await authkit.replace(None, session)
    assert not authkit.is_over(session)
    await authkit.replace(session, session)
    assert not authkit.is_over(session)


async def test_newest_successor_is_what_is_known_of_the_session(authkit, emulator, cookie):
    session = unseal_session(cookie, PASSWORD)
    assert await authkit.newest(session) is None
    successor = await authkit.refresh(session)
    assert await authkit.newest(session) == successor.sealed
    assert await authkit.newest(successor.session) is None


async def test_read_only_session_is_read_and_never_exchanged(emulator, clock):
    authkit = service(emulator, refresh="never")
    cookie = sealed(emulator.sign_in("user_ada"))
    clock.now += 299
    loaded = await authkit.load([cookie])
    assert (loaded.auth.user.id, loaded.sealed) == ("user_ada", None)
    clock.now += 100
    loaded = await authkit.load([cookie])
    assert loaded.auth.reason is SignedOutReason.SESSION_EXPIRED
    assert (loaded.sealed, loaded.is_dead) == (None, False)
    assert asked(emulator) == 0


async def test_read_only_session_waits_for_keys_as_others_do(emulator, monkeypatch):
    """It is the own routes that do not wait."""
    monkeypatch.setattr("authkit_asgi.loading._KEYS_SECONDS", 0)
    authkit = service(emulator, refresh="never")
    loaded = await authkit.load([sealed(emulator.sign_in("user_ada"))])
    assert loaded.auth.user.id == "user_ada"


async def test_read_only_session_can_be_neither_refreshed_nor_made(emulator):
    authkit = service(emulator, refresh="never")
    answer = emulator.sign_in("user_ada")
    session = unseal_session(sealed(answer), PASSWORD)
    for call in (
        lambda: authkit.refresh(session),
        lambda: authkit.refresh(session, "org_globex"),
        lambda: authkit.accept_sign_in(answer),
        lambda: authkit.complete_sign_in("code", authkit.authorization_url().state),
    ):
        with pytest.raises(SessionReadOnlyError):
            await call()
    assert emulator.count("authenticate") == 0


@pytest.mark.parametrize(
    ("changes", "may_refresh"), [({}, True), ({}, False), ({"refresh": "never"}, True)]
)
@pytest.mark.parametrize("has_refresh_token", [True, False])
async def test_session_that_is_signed_out_while_keys_are_waited_for_stays_out(
    emulator, changes, may_refresh, has_refresh_token
):
    authkit = service(emulator, **changes)
    session = session_from_answer(emulator.sign_in("user_ada"))
    if not has_refresh_token:
        session = dataclasses.replace(session, refresh_token=None)
    cookie = seal_session(session, PASSWORD)
    emulator.fail("jwks", delay=0.2)
    load = asyncio.create_task(authkit.load([cookie], may_refresh=may_refresh))
    await until_asked(emulator, endpoint="jwks")
    await authkit.end(unseal_session(cookie, PASSWORD))
    assert not load.done()
    assert (await load).auth.reason is SignedOutReason.SIGNED_OUT
    await authkit.aclose()
