"""An application that writes down which refresh tokens it has sent, and what WorkOS answered.

The lines are whole, whenever the process is killed. Tokens stand in them as their SHA-256.
"""

from __future__ import annotations

import json
import os
import time

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.outcomes import refresh_key


class Witness:
    """Listens to a client's exchanges."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def client(self) -> httpx.AsyncClient:
        hooks = {"request": [self._sent], "response": [self._answered]}
        return httpx.AsyncClient(event_hooks=hooks, trust_env=False)

    async def _sent(self, request: httpx.Request) -> None:
        if request.method == "POST":
            self._note(request, "sent")

    async def _answered(self, response: httpx.Response) -> None:
        if response.request.method != "POST":
            return
        await response.aread()
        successor = None
        if response.status_code == httpx.codes.OK and response.content.startswith(b'{"user"'):
            successor = refresh_key(response.json().get("refresh_token"))
        self._note(response.request, "answered", status=response.status_code, successor=successor)

    def _note(self, request: httpx.Request, what: str, **more: object) -> None:
        key = refresh_key(json.loads(request.content)["refresh_token"])
        record = {"what": what, "at": time.time(), "worker": os.getpid(), "key": key, **more}
        os.write(self._file, json.dumps(record).encode() + b"\n")


async def who(request: Request) -> JSONResponse:
    auth = request.state.auth
    if auth.user is None:
        status = 401 if auth.retry_after is None else 503
        return JSONResponse({"reason": auth.reason.value}, status)
    return JSONResponse({"user": auth.user.id})


app = Starlette(
    routes=[Route("/who", who)],
    middleware=[
        Middleware(
            AuthKitMiddleware,
            redis_url=os.environ["STORM_REDIS_URL"],
            http_client_factory=Witness(os.environ["STORM_EVIDENCE"]).client,
        )
    ],
)
