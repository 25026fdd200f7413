"""Workers of one site, and the line from them to the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from emulated import PASSWORD, settings
from redis.asyncio import Redis
from redis_server import RedisServer

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session_contents import SessionTransform
from authkit_asgi.testing import WorkOSEmulator


def _nothing() -> None:
    pass


class Line(httpx.AsyncBaseTransport):
    """The way to the emulator: notes the refresh tokens that arrive, and refuses if told.

    What `before` and `after` do happens when a token is on its way there, and when the answer is on
    its way back.
    """

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self.emulator = emulator
        self._inner = httpx.ASGITransport(emulator.app)
        self.tokens: list[str] = []
        self.is_refusing = False
        self.is_without_keys = False
        self.before: Callable[[], object] = _nothing
        self.after: Callable[[], object] = _nothing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_exchange = request.method == "POST"
        if self.is_refusing if is_exchange else self.is_without_keys:
            raise httpx.ConnectError("Connection refused")
        if not is_exchange:
            return await self._inner.handle_async_request(request)
        self.tokens.append(json.loads(request.content)["refresh_token"])
        self.before()
        answer = await self._inner.handle_async_request(request)
        self.after()
        return answer


def worker(
    line: Line,
    server: RedisServer | Redis | RefreshCoordinator | None = None,
    *,
    session_transform: SessionTransform | None = None,
    **changes: Any,
) -> AuthKit:
    """Return the service of one process, which shares what it knows if there is a Redis.

    That of the same process under other settings shares its coordinator.
    """
    config = AuthKitConfig(**settings(**changes))
    clock = line.emulator._state.clock
    if isinstance(server, RedisServer):
        server = server.url
    if isinstance(server, str | Redis):
        server = RedisRefreshCoordinator(
            server, cookie_password=PASSWORD, timeout=config.refresh_timeout, clock=clock
        )
    return AuthKit(
        config,
        http_client_factory=lambda: httpx.AsyncClient(transport=line),
        coordinator=server,
        session_transform=session_transform,
        clock=clock,
    )
