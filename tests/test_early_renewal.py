"""Renewing a token that is still good: when, for whom, and never at the request's expense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from emulated import PASSWORD, START, sealed, service
from renewing import until_asked

from authkit_asgi import AuthKit
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


def signed_in(emulator: WorkOSEmulator, lifetime: float) -> str:
    return sealed(emulator.sign_in("user_ada", lifetime=lifetime))


def asked(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate", grant_type="refresh_token")


async def begins_at(authkit: AuthKit, emulator: WorkOSEmulator, cookie: str, second: float) -> None:
    """See that the token is renewed from this second of its life on, and not before."""
    clock: Any = emulator._state.clock
    await authkit.open()
    clock.now = START + second - 1
    loaded = await authkit.load([cookie])
    assert (loaded.auth.user.id, loaded.sealed, asked(emulator)) == ("user_ada", None, 0)
    clock.now = START + second
    loaded = await authkit.load([cookie])
    assert loaded.auth.user.id == "user_ada"
    assert loaded.auth.expires_at == START + second + 300
    assert loaded.sealed is not None
    assert asked(emulator) == 1
    await authkit.aclose()


@pytest.mark.parametrize(
    ("lifetime", "changes", "second"),
    [
        (3600, {}, 3540),
        (301, {}, 241),
        (300, {}, 270),
        (60, {}, 30),
        (20, {}, 10),
        (3600, {"refresh_buffer": 600}, 3000),
        (3600, {"refresh_buffer": 5}, 3595),
        (300, {"refresh_buffer": 60}, 240),
        (300, {"refresh_buffer": 300}, 150),
        (300, {"refresh_buffer": 100_000}, 150),
    ],
)
async def test_token_is_renewed_before_its_end(emulator, lifetime, changes, second):
    cookie = signed_in(emulator, lifetime)
    await begins_at(service(emulator, **changes), emulator, cookie, second)


async def test_buffer_of_zero_renews_at_the_end(emulator):
    cookie = signed_in(emulator, 300)
    await begins_at(service(emulator, refresh_buffer=0), emulator, cookie, 300)


async def test_token_that_does_not_say_when_it_began_is_renewed_at_its_end(authkit, emulator):
    claims = {"sub": "user_ada", "sid": "session_1", "exp": int(START) + 300}
    token = emulator.mint_access_token(claims)
    cookie = sealed({**emulator.sign_in("user_ada"), "access_token": token})
    await begins_at(authkit, emulator, cookie, 300)


async def test_token_that_began_after_its_end_renews_nothing_early(authkit, emulator):
    claims = {"sub": "user_ada", "sid": "s", "iat": int(START) + 900, "exp": int(START) + 300}
    cookie = sealed(
        {**emulator.sign_in("user_ada"), "access_token": emulator.mint_access_token(claims)}
    )
    await begins_at(authkit, emulator, cookie, 300)


@pytest.fixture
async def authkit(authkit: AuthKit) -> AsyncIterator[AuthKit]:
    """The service in an event loop that has a lifespan."""
    await authkit.open()
    yield authkit
    await authkit.aclose()


@pytest.fixture
def good(emulator: WorkOSEmulator, clock: Any) -> str:
    """The cookie of a session whose token lives for 10 s more."""
    cookie = signed_in(emulator, 300)
    clock.now += 290
    return cookie


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 401},
        {"status": 200, "body": "{}"},
        {"status": 400, "body": {"error": "invalid_grant"}},
        {"status": 403, "body": {"error": "sso_required"}},
        {"status": 429, "headers": {"Retry-After": "10"}},
        {"reset": "before"},
    ],
)
async def test_good_token_serves_whatever_becomes_of_its_renewal(authkit, emulator, good, fault):
    emulator.fail("authenticate", times=None, **fault)
    for _ in range(3):
        loaded = await authkit.load([good])
        assert loaded.auth.user.id == "user_ada"
        assert loaded.auth.expires_at == START + 300
        assert (loaded.sealed, loaded.is_dead) == (None, False)


async def test_refusal_of_a_good_token_is_asked_for_once(authkit, emulator, clock, good):
    emulator.fail("authenticate", times=None, status=400, body={"error": "invalid_grant"})
    for _ in range(20):
        assert (await authkit.load([good])).auth.user.id == "user_ada"
    assert asked(emulator) == 1
    clock.now += 20  # now the token is over, and the refusal counts
    assert (await authkit.load([good])).auth.reason == "refresh_denied"
    assert asked(emulator) == 1


async def test_good_token_waits_for_its_renewal_no_longer_than_told(
    authkit, emulator, good, monkeypatch
):
    monkeypatch.setattr("authkit_asgi.loading._EARLY_SECONDS", 0.01)
    emulator.fail("authenticate", delay=60)
    loaded = await authkit.load([good])
    assert loaded.auth.expires_at == START + 300
    assert loaded.sealed is None
    await until_asked(emulator)
    emulator.clear_faults()
    await authkit.aclose()
    late = await authkit.load([good])  # the exchange has gone on meanwhile
    assert late.auth.expires_at == START + 590
    assert late.sealed is not None
    assert asked(emulator) == 1


async def test_good_token_waits_two_seconds_at_most():
    from authkit_asgi import loading  # noqa: PLC0415

    assert loading._EARLY_SECONDS == 2


async def test_nobody_waits_for_another_ones_renewal(authkit, emulator, good):
    emulator.fail("authenticate", delay=60)
    first = asyncio.create_task(authkit.load([good]))
    await until_asked(emulator)
    with anyio.fail_after(30):
        for _ in range(20):
            loaded = await authkit.load([good])
            assert loaded.auth.expires_at == START + 300
            assert loaded.sealed is None
    assert not first.done()
    emulator.clear_faults()
    assert (await first).auth.expires_at == START + 590
    assert asked(emulator) == 1


async def test_old_cookie_with_a_good_token_gets_the_successor(authkit, emulator, clock):
    old = signed_in(emulator, 300)
    successor = await authkit.refresh(unseal_session(old, authkit.config.cookie_password))
    loaded = await authkit.load([old])
    assert loaded.sealed == successor.sealed
    assert loaded.auth == successor.auth
    clock.now += 5
    assert (await authkit.load([successor.sealed])).sealed is None
    clock.now += 29
    assert (await authkit.load([old])).sealed == successor.sealed
    assert asked(emulator) == 1


async def test_successor_of_a_switch_is_for_those_who_switched(authkit, emulator, good):
    switched = await authkit.refresh(
        unseal_session(good, authkit.config.cookie_password), "org_globex"
    )
    loaded = await authkit.load([good])
    assert loaded.auth.organization_id == "org_acme"
    assert loaded.sealed is None
    assert (await authkit.load([switched.sealed])).auth.organization_id == "org_globex"
    assert asked(emulator) == 1


async def test_refusal_of_another_organization_does_not_stop_the_renewal(authkit, emulator, good):
    session = unseal_session(good, authkit.config.cookie_password)
    emulator.fail("authenticate", status=403, body={"error": "sso_required"})
    with pytest.raises(Exception, match="sso_required"):
        await authkit.refresh(session, "org_globex")
    loaded = await authkit.load([good])
    assert loaded.auth.expires_at == START + 590
    assert loaded.sealed is not None


async def test_successor_that_cannot_be_verified_yet_can_wait(authkit, emulator, clock, good):
    assert (await authkit.load([good], may_refresh=False)).auth.user is not None
    emulator.rotate_keys()
    emulator.fail("jwks", times=None, status=500)
    loaded = await authkit.load([good])
    assert loaded.auth.expires_at == START + 300
    assert loaded.sealed is None
    emulator.clear_faults()
    clock.now += 31
    late = await authkit.load([good])
    assert late.auth.user.id == "user_ada"
    assert late.sealed is not None
    assert asked(emulator) == 1


async def test_successor_that_fits_no_cookie_can_wait(authkit, emulator, clock, good):
    answer = emulator.sign_in("user_ada", lifetime=600)
    large = {**answer, "user": {**answer["user"], "metadata": {"notes": "x" * 6000}}}
    emulator.fail("authenticate", status=200, body=large)
    for _ in range(2):
        loaded = await authkit.load([good])
        assert loaded.auth.expires_at == START + 300
        assert loaded.sealed is None
    assert asked(emulator) == 1
    clock.now += 20
    assert len((await authkit.load([good])).sealed) > 7168


async def test_own_routes_renew_nothing(authkit, emulator, good):
    loaded = await authkit.load([good], may_refresh=False)
    assert loaded.auth.user.id == "user_ada"
    assert asked(emulator) == 0


@pytest.mark.parametrize("second", [280, 305])
async def test_session_that_ends_while_its_token_is_renewed_is_over_at_once(emulator, second):
    authkit, cookie = service(emulator, refresh_timeout=30), signed_in(emulator, 300)
    session = unseal_session(cookie, PASSWORD)
    await authkit.open()
    assert (await authkit.load([cookie])).auth.user is not None
    emulator.fail("authenticate", delay=0.2, status=503, times=None)
    emulator._state.clock.now = START + second
    loaded: list[Any] = []

    async def ask() -> None:
        loaded.append(await authkit.load([cookie]))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await until_asked(emulator)
        await authkit.end(session)
    assert loaded[0].auth.reason == "signed_out"
    await authkit.aclose()
