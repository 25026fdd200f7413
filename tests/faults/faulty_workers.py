"""Workers of one site, and the line from them to the emulator."""

from __future__ import annotations

import json
from typing import Any

import httpx
from emulated import PASSWORD, settings
from redis_server import RedisServer

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator


class Line(httpx.AsyncBaseTransport):
    """The way to the emulator: notes the refresh tokens that arrive, and refuses if told."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self.emulator = emulator
        self._inner = httpx.ASGITransport(emulator.app)
        self.tokens: list[str] = []
        self.is_refusing = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            if self.is_refusing:
                raise httpx.ConnectError("Connection refused")
            self.tokens.append(json.loads(request.content)["refresh_token"])
        return await self._inner.handle_async_request(request)


def worker(line: Line, server: RedisServer | None = None, **changes: Any) -> AuthKit:
    """Return the service of one process, which shares what it knows if there is a Redis."""
    config = AuthKitConfig(**settings(**changes))
    clock = line.emulator._state.clock
    coordinator = server and RedisRefreshCoordinator(
        server.url, cookie_password=PASSWORD, timeout=config.refresh_timeout, clock=clock
    )
    return AuthKit(
        config,
        http_client_factory=lambda: httpx.AsyncClient(transport=line),
        coordinator=coordinator,
        clock=clock,
    )
