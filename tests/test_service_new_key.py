"""A signing key that is in use before it is published costs nobody the session."""

from __future__ import annotations

import pytest
from emulated import sealed, service

from authkit_asgi import SignedOutReason

pytestmark = pytest.mark.anyio


async def test_successor_under_a_key_not_yet_published_is_not_lost(authkit, emulator):
    published = emulator.jwks
    assert (await authkit.load([sealed(emulator.sign_in("user_ada"))])).auth.user is not None
    emulator.rotate_keys()
    emulator.fail("jwks", status=200, body=published)
    loaded = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=-100))])
    assert loaded.auth.user is None
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert loaded.auth.retry_after == 5
    assert loaded.sealed is not None
    emulator.clear_faults()
    later = service(emulator)  # or this one, once it asks for the keys again
    assert (await later.load([loaded.sealed])).auth.user.id == "user_ada"
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
