"""Access tokens and API keys beside what else there is: OpenAPI, caches, `protect`, other loops."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, signed_in_cookie
from bearer_cases import claims_of, token_with
from bearer_site import authorization, bearer_service
from emulated import Clock
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from authkit_asgi import (
    AsyncGuard,
    AuthKitMiddleware,
    Caller,
    MiddlewareMissingError,
    get_auth,
    require,
    require_access_token,
    require_api_key,
    require_caller,
)
from authkit_asgi import fastapi as dependencies

pytestmark = pytest.mark.anyio


async def page(request: Request) -> Response:
    headers = dict(item.split(":") for item in request.query_params.getlist("h"))
    return PlainTextResponse("ok", headers=headers)


def site(kit: Any, *routes: Route, **options: Any) -> Starlette:
    middleware = [Middleware(AuthKitMiddleware, authkit=kit, **options)]
    return Starlette(routes=[*routes], middleware=middleware)


def test_openapi_names_what_a_route_takes_as_alternatives():
    app = FastAPI()
    guards = {
        "/cookie": dependencies.require_role("admin"),
        "/token": dependencies.require_access_token,
        "/either": dependencies.require_caller,
        "/role": dependencies.require_role("admin", bearer=True),
        "/key": dependencies.require_api_key("data:read"),
    }
    for path, guard in guards.items():
        app.add_api_route(
            path,
            page,
            dependencies=[Depends(guard)],
            responses=dependencies.BEARER_RESPONSES,
            response_class=Response,
        )
    schema = app.openapi()
    schemes = schema["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme.get("scheme")) for name, scheme in schemes.items()} == {
        "AuthKitSession": ("apiKey", None),
        "AuthKitAccessToken": ("http", "bearer"),
        "WorkOSAPIKey": ("http", "bearer"),
    }
    assert schemes["AuthKitAccessToken"]["bearerFormat"] == "JWT"
    operations = {path: schema["paths"][path]["get"] for path in guards}
    either = [{"AuthKitSession": []}, {"AuthKitAccessToken": []}]
    assert {path: operation["security"] for path, operation in operations.items()} == {
        "/cookie": [{"AuthKitSession": []}],
        "/token": [{"AuthKitAccessToken": []}],
        "/either": either,
        "/role": either,
        "/key": [{"WorkOSAPIKey": []}],
    }
    assert {"400", "401", "403", "503"} <= operations["/token"]["responses"].keys()
    assert all("parameters" not in operation for operation in operations.values())


@pytest.mark.parametrize(
    ("query", "vary"),
    [
        ("", "Authorization"),
        ("?h=vary:Accept", "Accept, Authorization"),
        ("?h=vary:authorization", "authorization"),
        ("?h=vary:*", "*"),
        ("?h=vary:", "Authorization"),
        ("?h=Vary:Accept, Cookie", "Accept, Cookie, Authorization"),
    ],
)
async def test_vary_of_the_application_is_kept(emulator, query, vary):
    kit = bearer_service(emulator)
    browser = Browser(site(kit, Route("/", require(require_access_token)(page))))
    answer = await browser.get(f"/{query}", [*FETCH, authorization(token_with(emulator))])
    assert (answer.status, answer.headers["vary"]) == (200, vary)
    assert "cache-control" not in answer.headers


async def test_cache_control_of_the_application_is_kept(emulator):
    kit = bearer_service(emulator)
    browser = Browser(site(kit, Route("/", require(require_access_token)(page))))
    header = [*FETCH, authorization(token_with(emulator))]
    answer = await browser.get("/?h=cache-control:public", header)
    assert answer.headers["cache-control"] == "public"


async def test_token_shows_nowhere_but_where_it_is_asked_for(emulator):
    async def whose(request: Request) -> Response:
        return PlainTextResponse(repr(get_auth(request).user))

    kit = bearer_service(emulator)
    app = site(
        kit,
        Route("/", whose),
        Route("/either", require(require_caller)(whose)),
        starlette_auth=True,
    )
    browser = Browser(app)
    header = [*FETCH, authorization(token_with(emulator))]
    assert (await browser.get("/", header)).text == "None"
    assert (await browser.get("/", header)).headers["vary"] == "Cookie"
    assert (await browser.get("/either", header)).text == "None"


async def test_token_does_not_touch_the_session_of_the_cookie(emulator, clock: Clock):
    kit = bearer_service(emulator)
    browser = Browser(site(kit, Route("/", require(require_access_token)(page))))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator)
    clock.now += 60
    header = [*FETCH, authorization(token_with(emulator))]
    for _ in range(3):
        assert (await browser.get("/", header)).set_cookies == {}
    assert browser.cookies[SESSION] == cookie
    assert emulator.count("authenticate") == 0


async def test_sign_out_ends_the_token_of_its_session_alone(emulator):
    kit = bearer_service(emulator)
    browser = Browser(site(kit, Route("/", require(require_access_token)(page))))
    ended, other = claims_of(emulator), claims_of(emulator)
    await kit.coordinator.end(ended["sid"])
    for claims, status in ((ended, 401), (other, 200)):
        header = [*FETCH, authorization(emulator.mint_access_token(claims))]
        assert (await browser.get("/", header)).status == status


async def test_protected_application_lets_no_token_in_but_where_it_is_public(emulator):
    kit = bearer_service(emulator)
    routes = [Route(path, require(require_access_token)(page)) for path in ("/api/a", "/b")]
    browser = Browser(site(kit, *routes, protect=True, public=("/api/*",)))
    header = authorization(token_with(emulator))
    assert (await browser.get("/b", [*FETCH, header])).status == 401
    assert (await browser.get("/api/a", [*FETCH, header])).status == 200
    assert (await browser.get("/api/a", FETCH)).status == 401
    assert (await browser.get("/api/a", NAVIGATION)).status == 401


@pytest.mark.parametrize("guard", [require_access_token, require_caller, require_api_key()])
async def test_path_that_the_middleware_skips_lets_nobody_in(emulator, guard):
    kit = bearer_service(emulator)
    browser = Browser(site(kit, Route("/skipped", require(guard)(page)), skip=["/skipped"]))
    with pytest.raises(MiddlewareMissingError):
        await browser.get("/skipped", [*FETCH, authorization(token_with(emulator))])


def test_tokens_and_keys_are_taken_in_an_event_loop_per_request(emulator):
    kit, key = bearer_service(emulator), emulator.add_api_key("org_acme")
    app = site(
        kit,
        Route("/token", require(require_access_token)(page)),
        Route("/key", require(require_api_key())(page)),
    )
    client = TestClient(app)
    for path, value in (("/token", token_with(emulator)), ("/key", key.value)):
        for _ in range(3):
            assert client.get(path, headers=[authorization(value)]).text == "ok"
    assert emulator.count("api_keys") == emulator.count("jwks") == 1


async def test_session_and_token_name_their_user_alike(emulator):
    names: list[str] = []

    @AsyncGuard
    async def noting(connection: HTTPConnection) -> Caller:
        caller = await require_caller(connection)
        names.append(f"{type(caller).__name__} {caller.user_id}")
        return caller

    browser = Browser(site(bearer_service(emulator), Route("/", require(noting)(page))))
    await browser.get("/", [*FETCH, authorization(token_with(emulator))])
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    await browser.get("/", FETCH)
    assert names == ["AccessToken user_ada", "SignedIn user_ada"]
