"""Workers share sessions as WorkOS answered them; each makes its own cookie of them."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import PASSWORD, http_clients, sealed, settings
from smaller_sessions import sealed_user

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio


def worker_of(server: Any, emulator: Any, clock: Any, name: str) -> AuthKit:
    """Return a worker that writes its name into the user's."""
    return AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        coordinator=RedisRefreshCoordinator(server.url, cookie_password=PASSWORD, clock=clock),
        session_transform=lambda session: {
            **session,
            "user": {**session["user"], "firstName": name},
        },
        clock=clock,
    )


async def test_each_worker_transforms_what_redis_holds_untransformed(server, emulator, clock):
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    session = unseal_session(cookie, PASSWORD)
    names = ("one", "two")
    for name in names:
        authkit = worker_of(server, emulator, clock, name)
        loaded = await authkit.load([cookie])
        assert loaded.auth.user.first_name == name
        assert sealed_user(loaded.sealed)["firstName"] == name
        assert sealed_user(await authkit.newest(session))["firstName"] == name
        (outcome,) = authkit.coordinator.recall(refresh_key(session.refresh_token))
        assert sealed_user(outcome.sealed)["firstName"] == "Ada"
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


async def test_response_of_a_worker_that_has_not_heard_of_it_is_transformed(
    server, emulator, clock
):
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    session = unseal_session(cookie, PASSWORD)
    await worker_of(server, emulator, clock, "one").load([cookie])
    newest = await worker_of(server, emulator, clock, "two").newest(session)
    assert sealed_user(newest)["firstName"] == "two"
