"""What is served under load: one of two bare applications, alone or behind a session check.

`BENCH_FRAMEWORK` and `BENCH_CHECK` choose; the kit's settings are in the environment, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from workos import WorkOSClient

from authkit_asgi import AuthKitMiddleware


def _is_signed_in(scope: Scope) -> bool:
    state = scope.get("state", {})
    if "auth" in state:
        return state["auth"].user is not None
    return bool(state.get("workos") or scope.get("session"))


async def bare_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `/`; and at `/who`, whether somebody is signed in."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    status = 200 if scope["path"] == "/" or _is_signed_in(scope) else 401
    headers = [(b"content-type", b"application/json"), (b"content-length", b"11")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"ok":true}'})


def bare_fastapi() -> ASGIApp:
    """Return an application that answers as `bare_asgi` does."""
    app = FastAPI()

    @app.get("/")
    async def index() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/who")
    async def who(request: Request) -> dict[str, bool]:
        if not _is_signed_in(request.scope):
            raise HTTPException(401)
        return {"ok": True}

    return app


class WorkOSPythonMiddleware:
    """Calls workos-python where the kit's middleware stands."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._password = os.environ["BENCH_FERNET_KEY"]
        self._workos = WorkOSClient(
            api_key=os.environ["WORKOS_API_KEY"],
            client_id=os.environ["WORKOS_CLIENT_ID"],
            base_url=os.environ["WORKOS_BASE_URL"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            cookies = HTTPConnection(scope).cookies
            session = self._workos.user_management.load_sealed_session(
                session_data=cookies.get("wos-session", ""), cookie_password=self._password
            )
            result: Any = session.authenticate()
            scope.setdefault("state", {})["workos"] = result.authenticated and result.user
        await self.app(scope, receive, send)


def _signed(app: ASGIApp) -> ASGIApp:
    return SessionMiddleware(app, secret_key=os.environ["WORKOS_COOKIE_PASSWORD"])


CHECKS: dict[str, Callable[[ASGIApp], ASGIApp]] = {
    "bare": lambda app: app,
    "remembering": AuthKitMiddleware,
    "forgetful": lambda app: AuthKitMiddleware(app, verified_cache_size=0),
    "workos-python": WorkOSPythonMiddleware,
    "signed": _signed,
}


def make() -> ASGIApp:
    """Return what the environment asks for, for `uvicorn --factory`."""
    bare = bare_fastapi() if os.environ["BENCH_FRAMEWORK"] == "FastAPI" else bare_asgi
    return CHECKS[os.environ["BENCH_CHECK"]](bare)
