"""Slow answers beside other workers, which have seen their cookies already."""

from __future__ import annotations

import pytest
from emulated import PASSWORD, http_clients, sealed, settings

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.session_cookies import sent_cookies

pytestmark = pytest.mark.anyio


async def begun(server, emulator, clock, cookie: str) -> tuple[AuthKit, AuthSession]:
    """Return a worker and the session of a request that it has not answered yet."""
    coordinator = RedisRefreshCoordinator(server.url, cookie_password=PASSWORD, clock=clock)
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        coordinator=coordinator,
        clock=clock,
    )
    scope = {"type": "http", "headers": [(b"cookie", b"wos-session=" + cookie.encode())]}
    loaded = await authkit.load([cookie])
    return authkit, AuthSession(
        authkit, scope, loaded, sent_cookies(scope["headers"], b"wos-session")
    )


@pytest.mark.parametrize("is_seen", [True, False])
async def test_slow_answer_writes_no_session_that_another_worker_has_seen(
    server, emulator, clock, is_seen
):
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    _, slow = await begun(server, emulator, clock, cookie)
    _, quick = await begun(server, emulator, clock, cookie)
    (line,) = await quick.flush()
    if is_seen:
        brought = line.line.decode().partition(";")[0].partition("=")[2]
        another, _ = await begun(server, emulator, clock, brought)
        await another.coordinator.aclose()
    clock.now += 100
    assert len(await slow.flush()) == (0 if is_seen else 1)
