"""An application with pages of every kind that a cache may keep or must not, each with its user.

It writes down which refresh tokens it has sent, and what WorkOS answered. The lines are whole,
whenever the process is killed. Tokens stand in them as their SHA-256.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import (
    Auth,
    AuthKitMiddleware,
    auth_routes,
    get_access_token,
    get_auth,
    require,
    require_caller,
    require_signed_in,
)
from authkit_asgi.outcomes import refresh_key


class Witness:
    """Listens to a client's exchanges."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def client(self) -> httpx.AsyncClient:
        hooks = {"request": [self._sent], "response": [self._answered]}
        return httpx.AsyncClient(event_hooks=hooks, trust_env=False)

    async def _sent(self, request: httpx.Request) -> None:
        if _refresh_token(request) is not None:
            self._note(request, "sent")

    async def _answered(self, response: httpx.Response) -> None:
        if _refresh_token(response.request) is None:
            return
        await response.aread()
        successor = None
        if response.status_code == httpx.codes.OK and response.content.startswith(b'{"user"'):
            successor = refresh_key(response.json().get("refresh_token"))
        self._note(response.request, "answered", status=response.status_code, successor=successor)

    def _note(self, request: httpx.Request, what: str, **more: object) -> None:
        key = refresh_key(_refresh_token(request))
        record = {"what": what, "at": time.time(), "worker": os.getpid(), "key": key, **more}
        os.write(self._file, json.dumps(record).encode() + b"\n")


def _refresh_token(request: httpx.Request) -> str | None:
    if request.method != "POST" or not request.url.path.endswith("/authenticate"):
        return None
    return json.loads(request.content).get("refresh_token")


def _said_of(auth: Auth) -> dict[str, str | None]:
    if auth.user is None:
        return {"user": None, "reason": auth.reason.value}
    return {"user": auth.user.id, "session": auth.session_id}


async def who(request: Request) -> JSONResponse:
    """Say who asks; the path chooses what is said of caches."""
    auth = get_auth(request)
    status = 503 if auth.user is None and auth.retry_after is not None else 200
    return JSONResponse(_said_of(auth), status, HEADERS[request.path_params["kind"]])


HEADERS = {
    "plain": {},
    "dated": {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"},
    "public": {"cache-control": "public, max-age=5"},
}


async def news(request: Request) -> JSONResponse:
    """Answer everybody alike, and say so; a session may be refreshed on the way all the same."""
    age = request.query_params.get("age", "1")
    headers = {"cache-control": f"public, max-age={age}"}
    return JSONResponse({"page": request.path_params["number"]}, headers=headers)


@require(require_signed_in)
async def members(request: Request) -> JSONResponse:
    return JSONResponse(_said_of(get_auth(request)))


@require(require_caller)
async def api(request: Request) -> JSONResponse:
    if (token := await get_access_token(request)) is not None:
        return JSONResponse({"user": token.user_id, "session": token.session_id})
    return JSONResponse(_said_of(get_auth(request)))


async def asset(_: Request) -> FileResponse:
    return FileResponse(Path(__file__), headers={"cache-control": "public, max-age=60"})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(_said_of(get_auth(websocket)))
    await websocket.close()


_timeouts = {
    name: float(os.environ[variable])
    for name in ("api_timeout", "refresh_timeout")
    if (variable := f"STORM_{name.upper()}") in os.environ
}
app = Starlette(
    routes=[
        Route("/who/{kind}", who),
        Route("/news/{number}", news),
        Route("/members", members),
        Route("/api", api),
        Route("/static/{name}", asset),
        WebSocketRoute("/socket", socket),
        *auth_routes(session="/session", token="/token"),
    ],
    middleware=[
        Middleware(
            AuthKitMiddleware,
            redis_url=os.environ["STORM_REDIS_URL"],
            http_client_factory=Witness(os.environ["STORM_EVIDENCE"]).client,
            skip=("/static",),
            issuers=(os.environ["STORM_ISSUER"],),
            **_timeouts,
        )
    ],
)
