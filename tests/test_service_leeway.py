"""A token within the leeway for skewed clocks: replaced if that works, of use if it does not."""

from __future__ import annotations

import pytest
from emulated import Clock, sealed

from authkit_asgi import SignedOutReason

pytestmark = pytest.mark.anyio


@pytest.fixture
def cookie(emulator, clock: Clock) -> str:
    """A session whose token has been over for 5 s of the 10 s of leeway."""
    sealed_session = sealed(emulator.sign_in("user_ada", lifetime=60))
    clock.now += 65
    return sealed_session


async def test_token_that_is_over_is_replaced_at_once(authkit, emulator, cookie):
    loaded = await authkit.load([cookie])
    assert loaded.auth.user.id == "user_ada"
    assert loaded.auth.expires_at > emulator._state.clock()
    assert loaded.sealed is not None
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


async def test_token_that_is_over_serves_through_an_outage(authkit, emulator, clock, cookie):
    emulator.fail("authenticate", times=None, status=503)
    loaded = await authkit.load([cookie])
    assert loaded.auth.user.id == "user_ada"
    assert loaded.sealed is None
    clock.now += 5
    late = await authkit.load([cookie])
    assert late.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE


async def test_token_that_is_over_is_no_use_once_workos_has_refused(authkit, emulator, cookie):
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    loaded = await authkit.load([cookie])
    assert loaded.auth.reason is SignedOutReason.REFRESH_DENIED


async def test_token_that_is_over_serves_where_nothing_can_replace_it(authkit, emulator, clock):
    answer = emulator.sign_in("user_ada", lifetime=60)
    clock.now += 65
    cookie = sealed({**answer, "refresh_token": "x"})
    emulator.fail("authenticate", status=503)
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"
    assert (await authkit.load([cookie], may_refresh=False)).auth.user.id == "user_ada"
    assert emulator.count("authenticate") == 1
