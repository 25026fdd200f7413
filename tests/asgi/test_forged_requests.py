"""Nothing that a request can carry stands for a session, but the sealed cookie."""

from __future__ import annotations

import json

import pytest
from asgi_driver import NAVIGATION, Answer, drive, http_scope, websocket_scope
from asgi_site import SESSION, VERIFIER, signed_in_cookie, site, who
from emulated import PASSWORD, sealed, service
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, SignedIn, SignedOutReason, get_auth
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

# What proxies, other middlewares and the kits themselves believe, each saying that it is Ada.
HEADERS = {
    "authorization": "Bearer {token}",
    "proxy-authorization": "Bearer {token}",
    "x-access-token": "{token}",
    "x-workos-session": "{session}",
    "x-workos-middleware": "true",
    "x-workos-signature": "t=1, v1={token}",
    "x-authkit-session": "{session}",
    "x-redirect-uri": "https://evil.example/callback",
    "x-url": "/who",
    "x-user": "user_ada",
    "x-user-id": "user_ada",
    "x-remote-user": "user_ada",
    "remote-user": "user_ada",
    "x-forwarded-user": "user_ada",
    "x-forwarded-email": "ada@example.com",
    "x-forwarded-access-token": "{token}",
    "x-auth-request-user": "user_ada",
    "x-goog-authenticated-user-id": "user_ada",
    "x-amzn-oidc-data": "{token}",
    "x-ms-client-principal-id": "user_ada",
    "cf-access-jwt-assertion": "{token}",
    "forwarded": 'for="user_ada"',
    "auth": "user_ada",
    "authkit": "user_ada",
    "state": '{{"auth": {{"user": {{"id": "user_ada"}}}}}}',
    "authkit_asgi.session": "{session}",
    "set-cookie": f"{SESSION}={{session}}",
    "cookie2": f"{SESSION}={{session}}",
    "x-cookie": f"{SESSION}={{session}}",
    "sec-websocket-protocol": "bearer, {token}",
    "origin": "https://app.example.com",
    "host": "app.example.com",
}
COOKIES = {
    "auth": "user_ada",
    "authkit": "{session}",
    "state": "{session}",
    "authkit_asgi.session": "{session}",
    "user": "user_ada",
    "access_token": "{token}",
    "workos-access-token": "{token}",
    f"x{SESSION}": "{session}",
    f"{SESSION}.00": "{session}",
    f"{SESSION}.10": "{session}",
    f"{SESSION}-0": "{session}",
    f"__Host-{SESSION}": "{session}",
    SESSION.upper(): "{session}",
    f"{VERIFIER}00000000": "{session}",
}


@pytest.fixture
def filled(emulator: WorkOSEmulator):
    """Return what puts Ada's real token and session into a text."""
    answer = emulator.sign_in("user_ada")
    texts = {"token": answer["access_token"], "session": sealed(answer, PASSWORD)}
    return lambda text: text.format_map(texts)


async def seen_by(emulator: WorkOSEmulator, scope: Scope) -> tuple[object, Answer]:
    """Return what the application sees, and the answer."""
    seen: list[object] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(get_auth(HTTPConnection(scope)))
        if scope["type"] == "http":
            await JSONResponse("ok")(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    answer = await drive(AuthKitMiddleware(application, authkit=service(emulator)), scope)
    return seen[0], answer


def scope_of(kind: str, headers: list[tuple[str, str]]) -> Scope:
    return http_scope("GET", "/", headers) if kind == "http" else websocket_scope("/", headers)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("name", HEADERS)
async def test_header_signs_nobody_in(emulator, filled, name, kind):
    scope = scope_of(kind, [(name, filled(HEADERS[name]))])
    auth, answer = await seen_by(emulator, scope)
    assert auth.reason is SignedOutReason.NO_SESSION_COOKIE_PROVIDED
    assert (answer.all("set-cookie"), emulator.requests) == ([], ())


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("name", COOKIES)
async def test_other_cookie_signs_nobody_in(emulator, filled, name, kind):
    scope = scope_of(kind, [("cookie", f"{name}={filled(COOKIES[name])}")])
    auth, answer = await seen_by(emulator, scope)
    assert auth.reason is SignedOutReason.NO_SESSION_COOKIE_PROVIDED
    assert (answer.all("set-cookie"), emulator.requests) == ([], ())


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_all_of_them_at_once_do_not_change_who_it_is(emulator, filled, kind):
    names = dict.fromkeys([*COOKIES, SESSION])
    values = {**COOKIES, SESSION: signed_in_cookie(emulator, "user_bob")}
    line = "; ".join(f"{name}={filled(values[name])}" for name in names)
    headers = [(name, filled(value)) for name, value in HEADERS.items()]
    auth, _ = await seen_by(emulator, scope_of(kind, [*headers, ("cookie", line)]))
    assert isinstance(auth, SignedIn)
    assert auth.user.id == "user_bob"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_query_and_body_sign_nobody_in(emulator, filled, method):
    session, token = filled("{session}"), filled("{token}")
    query = f"{SESSION}={session}&access_token={token}&auth=user_ada&state={session}&user=user_ada"
    body = json.dumps({"auth": {"user": {"id": "user_ada"}}, SESSION: session}).encode()
    scope = http_scope(method, f"/who?{query}", NAVIGATION)
    answer = await drive(site(emulator, [Route("/who", who, methods=["POST"])]), scope, body=body)
    assert answer.json["reason"] == "no_session_cookie_provided"
    assert answer.set_cookies == {}


async def test_path_that_names_state_and_session_signs_nobody_in(emulator, filled):
    path = f"/who;{SESSION}={filled('{session}')}"
    auth, _ = await seen_by(emulator, http_scope("GET", path))
    assert auth.reason is SignedOutReason.NO_SESSION_COOKIE_PROVIDED
