"""Telling telemetry who each connection is from."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from authkit_asgi.auth_session import AuthSession
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.protection import Protection
from authkit_asgi.telemetry import Telemetry

_SCOPE_KEY = "authkit_asgi.counted"


def counted_app(app: ASGIApp, telemetry: Telemetry | None) -> ASGIApp:
    """Return an application before which connections are counted; itself without telemetry."""
    return app if telemetry is None else _CountedApp(app, telemetry)


def counted_protection(
    config: AuthKitConfig, telemetry: Telemetry | None, **rules: Any
) -> Protection:
    """Return a `Protection`, which does not hand on every connection, that counts them first."""
    if telemetry is None:
        return Protection(config, **rules)
    return _CountedProtection(config, telemetry, **rules)


def _count(telemetry: Telemetry, scope: Scope) -> None:
    session = scope.get("state", {}).get("authkit")
    # None where `skip` has passed it by, or of a lifespan; once where two middlewares see it.
    if isinstance(session, AuthSession) and _SCOPE_KEY not in scope:
        scope[_SCOPE_KEY] = True
        telemetry.session_checked(session.auth)


class _CountedApp:
    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _count(self._telemetry, scope)
        await self.app(scope, receive, send)


class _CountedProtection(Protection):
    def __init__(self, config: AuthKitConfig, telemetry: Telemetry, **rules: Any) -> None:
        super().__init__(config, **rules)
        self._telemetry = telemetry

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        _count(self._telemetry, scope)
        await super().serve(app, scope, receive, send)
