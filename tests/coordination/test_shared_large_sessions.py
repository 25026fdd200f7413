"""Sessions larger than any cookie, among workers that share a Redis."""

from __future__ import annotations

import pytest
from emulated import PASSWORD, http_clients, settings
from renewing import expired

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.redis import RedisRefreshCoordinator

pytestmark = pytest.mark.anyio


async def test_session_larger_than_a_cookie_is_shared(server, emulator, clock):
    session = expired(emulator)
    emulator.update_user("user_ada", metadata={"notes": "x" * 40_000})
    for _ in range(2):
        authkit = AuthKit(
            AuthKitConfig(**settings()),
            http_client_factory=http_clients(emulator),
            coordinator=RedisRefreshCoordinator(server.url, cookie_password=PASSWORD, clock=clock),
            clock=clock,
        )
        successor = await authkit.refresh(session)
        assert successor.auth.user.metadata == {"notes": "x" * 40_000}
        await authkit.aclose()
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
    assert server.lifetimes("outcome") == [3600]
