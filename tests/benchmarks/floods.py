"""What floods the application of `make memory`: the hostile requests, and more kinds of them.

WorkOS is a stand-in of this process that keeps nothing: it knows no refresh token, code or API key.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import httpx
from asgi_driver import NAVIGATION, drive, http_scope
from asgi_site import who
from emulated import PASSWORD, settings
from hostile_requests import KINDS, SESSION, Request, sealed_cookie, status_of, unsigned_token
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    auth_routes,
    require,
    require_access_token,
    require_api_key,
    webhook_route,
)
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator

_ISSUER = "https://api.workos.com"
_LARGEST = 16 * 1024  # bytes of a cookie that is looked at
_USER = "user_ada"
_STATUS = {
    "sign-ins begun": {303},
    "made-up bearer tokens": {401},
    "made-up API keys": {401, 503},  # beyond so many a minute WorkOS is not asked
    "forged webhooks": {400},
}


_MORE_KINDS = (
    "large cookies",
    "good sessions",
    "sign-ins begun",
    "made-up bearer tokens",
    "made-up API keys",
    "forged webhooks",
)
KIND_NAMES = (*KINDS, *_MORE_KINDS)


def large_cookies(number: int) -> Request:
    """Return a request with four session cookies, chunks of more, and as many others as may be."""
    names = (SESSION, SESSION, SESSION, SESSION, f"{SESSION}.0", f"{SESSION}.1")
    pairs = [f"{name}=Fe26.2**{number}{index}{'x' * 9000}" for index, name in enumerate(names)]
    pairs[0] = f"{SESSION}=Fe26.2**{number:0{_LARGEST - 8}}"
    pairs += [f"other-{number}-{index}=x" for index in range(480)]
    return "GET", "/who", [("cookie", "; ".join(pairs))]


def sign_in_begun(number: int) -> Request:
    return "GET", f"/login?return_to=/page-{number}&login_hint={number}@example.com", []


def bearer_token(number: int) -> Request:
    token = unsigned_token(number, kid=f"key_{number}")
    return "GET", "/token", [("authorization", f"Bearer {token}")]


def api_key(number: int) -> Request:
    return "GET", "/key", [("authorization", f"Bearer sk_{number:032}")]


def webhook(number: int) -> Request:
    signature = f"t={int(time.time() * 1000)}, v1={number:064x}"
    return "POST", "/webhooks/workos", [("workos-signature", signature)]


class Floods:
    """Each kind of request by its number, and the application they are sent to."""

    def __init__(self, redis_url: str | None) -> None:
        self._workos = WorkOSEmulator()
        self._collecting, self._since = 0.0, 0.0
        gc.callbacks.append(self._note_collection)
        self._now = int(time.time())
        more = (large_cookies, self._good_session, sign_in_begun, bearer_token, api_key, webhook)
        self._kinds: dict[str, Callable[[int], Request]] = {
            **KINDS,
            **dict(zip(_MORE_KINDS, more, strict=True)),
        }
        coordinator = None
        if redis_url is not None:
            coordinator = RedisRefreshCoordinator(redis_url, cookie_password=PASSWORD)
        self.authkit = AuthKit(
            AuthKitConfig(**settings(issuers=[_ISSUER])),
            http_client_factory=self._client,
            coordinator=coordinator,
        )
        self._app = Starlette(
            routes=[
                Route("/who", who),
                Route("/token", _for_tokens),
                Route("/key", _for_keys),
                webhook_route(secret="a secret"),
                *auth_routes(),
            ],
            middleware=[Middleware(AuthKitMiddleware, authkit=self.authkit)],
        )

    def _client(self) -> httpx.AsyncClient:
        jwks = self._workos.jwks

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json=jwks)
            if request.url.path == "/api_keys/validations":
                return httpx.Response(200, json={"api_key": None})
            return httpx.Response(400, json={"error": "invalid_grant"})

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def _good_session(self, number: int) -> Request:
        """Return a request of somebody who is signed in, like everybody else."""
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": _USER,
            "sid": f"session_good_{number}",
            "iat": self._now,
            "exp": self._now + 24 * 3600,
        }
        token = self._workos.mint_access_token(claims)
        return "GET", "/who", sealed_cookie(token, f"good_{number}")

    def _note_collection(self, phase: str, _: object) -> None:
        if phase == "start":
            self._since = time.thread_time()
        else:
            self._collecting += time.thread_time() - self._since

    async def send(self, kind: str, number: int) -> float:
        """Send a request and return for how many seconds of its processor the loop was held.

        Python's garbage collector, which goes through all objects of the process, does not count.
        """
        method, target, headers = self._kinds[kind](number)
        body = b'{"event": "user.deleted"}' if method == "POST" else b""
        scope = http_scope(method, target, [*NAVIGATION, *headers])
        begin, collecting = time.thread_time(), self._collecting
        answer = await drive(self._app, scope, body=body)
        seconds = time.thread_time() - begin - (self._collecting - collecting)
        if answer.status not in _STATUS.get(kind, {status_of(kind)}):
            raise RuntimeError(f"{kind}: status {answer.status}, so the figures mean nothing")
        return seconds


@require(require_access_token)
async def _for_tokens(request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)


@require(require_api_key())
async def _for_keys(request: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)
