"""`require_api_key`: what customers' own clients get, in FastAPI and in Starlette."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser
from asgi_site import SESSION, signed_in_cookie
from bearer_cases import HEADERS, MALFORMED, MISSING, token_with
from bearer_site import authorization
from emulated import service
from fastapi import Depends, FastAPI, WebSocket
from fastapi.exceptions import FastAPIError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from authkit_asgi import (
    AuthKitMiddleware,
    MiddlewareMissingError,
    get_api_key,
    require,
    require_api_key,
)
from authkit_asgi import fastapi as dependencies
from authkit_asgi.fastapi import CurrentAPIKey

pytestmark = pytest.mark.anyio

REALM = 'Bearer realm="authkit"'


async def whose(request: Request) -> Response:
    key = await get_api_key(request)
    return PlainTextResponse(f"{key and key.organization_id} {request.state.auth.user is None}")


def plain(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def with_decorators(emulator: Any) -> Any:
    routes = [
        Route("/any", require(require_api_key())(whose)),
        Route("/read", require(require_api_key("data:read"))(plain)),
        Route("/both", require(require_api_key("data:read", "data:burn"))(plain)),
        Route("/one", require(require_api_key("data:read", "data:burn", any_of=True))(plain)),
        WebSocketRoute("/ws", require(require_api_key())(socket)),
    ]
    middleware = [Middleware(AuthKitMiddleware, authkit=service(emulator))]
    return Starlette(routes=routes, middleware=middleware)


def with_dependencies(emulator: Any) -> Any:
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))

    async def any_key(request: Request, key: CurrentAPIKey) -> Response:
        signed_out = request.state.auth.user is None
        return PlainTextResponse(f"{key.organization_id} {signed_out}")

    any_key.__annotations__ = {"request": Request, "key": CurrentAPIKey}
    app.add_api_route("/any", any_key)
    for path, guard in {
        "/read": dependencies.require_api_key("data:read"),
        "/both": dependencies.require_api_key("data:read", "data:burn"),
        "/one": dependencies.require_api_key("data:read", "data:burn", any_of=True),
    }.items():
        app.add_api_route(path, plain, dependencies=[Depends(guard)], response_class=Response)
    app.add_api_websocket_route(
        "/ws", socket, dependencies=[Depends(dependencies.require_api_key())]
    )
    return app


WAYS = [with_decorators, with_dependencies]


def assert_is(answer: Answer, status: int, code: str, challenge: str | None) -> None:
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers.get("www-authenticate") == challenge
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert "Authorization" in answer.headers["vary"]
    assert answer.set_cookies == {}


@pytest.mark.parametrize("way", WAYS)
async def test_key_lets_in_by_its_permissions(emulator, way):
    key = emulator.add_api_key("org_acme", permissions=("data:read",))
    browser = Browser(way(emulator))
    header = [*FETCH, authorization(key.value)]
    any_key = await browser.get("/any", header)
    assert (any_key.text, any_key.headers["vary"]) == ("org_acme True", "Authorization")
    assert "cache-control" not in any_key.headers
    assert (await browser.get("/read", header)).status == 200
    assert (await browser.get("/one", header)).status == 200
    denied = await browser.get("/both", header)
    challenge = f'{REALM}, error="insufficient_scope", scope="data:burn"'
    assert_is(denied, 403, "forbidden", challenge)
    assert denied.json["missing"] == {"permissions": ["data:burn"]}
    assert denied.json["detail"] == "This needs the permission data:burn."
    assert emulator.count("api_keys") == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cookie", [False, True])
async def test_neither_rubbish_nor_a_cookie_nor_an_access_token_is_a_key(emulator, way, cookie):
    browser = Browser(way(emulator))
    if cookie:
        browser.cookies[SESSION] = signed_in_cookie(emulator)
    refused = f'{REALM}, error="invalid_token", error_description="The API key is not valid"'
    for value in ("sk_made_up", token_with(emulator), emulator.api_key):
        for headers in (FETCH, NAVIGATION):
            answer = await browser.get("/any", [*headers, authorization(value)])
            assert (answer.status, "location" in answer.headers) == (401, False)
            assert answer.headers["www-authenticate"] == refused
            assert value not in answer.text
    assert_is(await browser.get("/any", FETCH), 401, "bearer_token_missing", REALM)
    assert (await browser.get("/any", [*FETCH, ("x-api-key", "sk_1")])).status == 401


@pytest.mark.parametrize("way", WAYS)
async def test_header_is_read_as_that_of_access_tokens_is(emulator, way):
    key = emulator.add_api_key("org_acme")
    browser = Browser(way(emulator))
    for name, (write, verdict) in HEADERS.items():
        if name in {"padding inside", "the token alone"}:  # there are no dots to put it at
            continue
        answer = await browser.get("/any", [*FETCH, *write(key.value)])
        expected = {MALFORMED: 400, MISSING: 401}.get(verdict, 200)
        assert (name, answer.status) == (name, expected)


@pytest.mark.parametrize("way", WAYS)
async def test_revoked_key_is_refused_after_30_seconds(emulator, clock, way):
    key = emulator.add_api_key("org_acme")
    browser = Browser(way(emulator))
    header = [*FETCH, authorization(key.value)]
    assert (await browser.get("/any", header)).status == 200
    emulator.revoke_api_key(key)
    clock.now += 30
    assert (await browser.get("/any", header)).status == 401


@pytest.mark.parametrize("way", WAYS)
async def test_outage_is_503_with_retry_after(emulator, way):
    key = emulator.add_api_key("org_acme")
    emulator.fail("api_keys", status=429, headers={"Retry-After": "7"})
    answer = await Browser(way(emulator)).get("/any", [*FETCH, authorization(key.value)])
    assert_is(answer, 503, "temporarily_unavailable", None)
    assert answer.headers["retry-after"] == "7"
    assert answer.json["detail"] == "Authorization cannot be checked now: try again in 7 s."


@pytest.mark.parametrize("way", WAYS)
async def test_websocket_needs_a_key_before_it_is_accepted(emulator, way):
    key = emulator.add_api_key("org_acme")
    browser = Browser(way(emulator))
    accepted = await browser.websocket("/ws", [authorization(key.value)])
    assert accepted.messages[0]["type"] == "websocket.accept"
    assert_is(await browser.websocket("/ws"), 401, "bearer_token_missing", REALM)


async def test_key_is_asked_for_below_the_middleware_only(emulator):
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(repr(await get_api_key(request)))

    bare = Browser(Starlette(routes=[Route("/", endpoint)]))
    with pytest.raises(MiddlewareMissingError):
        await bare.get("/", [authorization("sk_1")])
    app = AuthKitMiddleware(bare.app, authkit=service(emulator))
    assert (await Browser(app).get("/", FETCH)).text == "None"


def test_guard_that_is_made_wrong_is_refused_at_once():
    for factory in (require_api_key, dependencies.require_api_key):
        for names in (("",), (None,), (["a"],)):
            with pytest.raises(TypeError, match="require_api_key"):
                factory(*names)
        with pytest.raises(TypeError, match="one at least"):
            factory(any_of=True)
        with pytest.raises(FastAPIError, match="CallItFirst"):
            FastAPI().add_api_route("/", plain, dependencies=[Depends(factory)])
