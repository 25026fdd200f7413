"""Access tokens are accepted from named issuers only: found at start-up, and at each request."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie
from bearer_cases import token_with
from bearer_site import ISSUERS, authorization
from emulated import service
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from authkit_asgi import (
    AuthKitMiddleware,
    ConfigurationError,
    get_access_token,
    require,
    require_access_token,
    require_caller,
    require_role,
)
from authkit_asgi import fastapi as dependencies

TAKES = Depends(dependencies.require_role("admin", bearer=True))
API_KEY = Depends(dependencies.require_api_key("data:read"))


async def page(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


class Page(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return await page(request)

    @require(require_access_token)
    async def post(self, request: Request) -> Response:
        return await page(request)


@require(require_role("admin"))
@require(require_caller)
async def below_another(request: Request) -> Response:
    return await page(request)


@require(require_access_token)
class Guarded(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return await page(request)


class Inherits(Guarded):
    pass


def starlette(endpoint: Any) -> Starlette:
    return Starlette(routes=[Mount("/api", routes=[Route("/", endpoint)])])


def fastapi(where: str, dependency: Any = TAKES) -> FastAPI:
    asked = {name: [dependency] if name == where else [] for name in ("app", "router", "include")}
    app, inner, outer = FastAPI(dependencies=asked["app"]), APIRouter(), APIRouter()
    inner.add_api_route("/", page, dependencies=[dependency] if where == "route" else [])
    outer.include_router(inner, prefix="/inner", dependencies=asked["router"])
    app.include_router(outer, prefix="/outer", dependencies=asked["include"])
    return app


def below(dependency: Any) -> FastAPI:
    async def above(found: Any = dependency) -> Any:
        return found

    return fastapi("route", Depends(above))


TAKING = {
    "function": lambda: starlette(require(require_access_token)(page)),
    "below another decorator": lambda: starlette(below_another),
    "method": lambda: starlette(Page),
    "class": lambda: starlette(Guarded),
    "class that inherits": lambda: starlette(Inherits),
    "of the application": lambda: fastapi("app"),
    "of a router": lambda: fastapi("router"),
    "of an inclusion": lambda: fastapi("include"),
    "of a route": lambda: fastapi("route"),
    "of a dependency": lambda: below(TAKES),
    "mounted": lambda: Starlette(routes=[Mount("/sub", fastapi("route"))]),
    "token alone": lambda: fastapi("route", Depends(dependencies.require_access_token)),
    "either": lambda: fastapi("route", Depends(dependencies.require_caller)),
}
OTHERS = {
    "cookies": lambda: starlette(require(require_role("admin"))(page)),
    "nothing": lambda: fastapi("nowhere"),
    "API keys": lambda: fastapi("route", API_KEY),
    "dependency on cookies": lambda: fastapi("route", Depends(dependencies.require_user)),
}


@pytest.mark.parametrize("make", TAKING.values(), ids=TAKING)
def test_start_up_fails_where_a_route_takes_tokens_of_any_issuer(emulator, make):
    app = make()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))
    with pytest.raises(ConfigurationError, match="WORKOS_ISSUER"), TestClient(app):
        raise AssertionError("it has started")


@pytest.mark.parametrize("make", TAKING.values(), ids=TAKING)
def test_start_up_succeeds_where_the_issuers_are_named(emulator, make):
    app = make()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator, issuers=ISSUERS))
    with TestClient(app):
        pass


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_start_up_needs_no_issuers_for_anything_else(emulator, make):
    app = make()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))
    with TestClient(app):
        pass


@pytest.mark.anyio
@pytest.mark.parametrize("with_token", [True, False])
async def test_nobody_is_let_in_without_issuers_not_even_by_the_cookie(emulator, with_token):
    async def asks(request: Request) -> Response:
        return PlainTextResponse(repr(await get_access_token(request)))

    routes = [
        Route("/token", require(require_access_token)(page)),
        Route("/either", require(require_caller)(page)),
        Route("/asks", asks),
    ]
    middleware = [Middleware(AuthKitMiddleware, authkit=service(emulator))]
    browser = Browser(Starlette(routes=routes, middleware=middleware))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    header = [authorization(token_with(emulator))] if with_token else []
    for path in ("/token", "/either", "/asks"):
        with pytest.raises(ConfigurationError, match="WORKOS_ISSUER"):
            await browser.get(path, [*FETCH, *header])


@pytest.mark.anyio
async def test_service_verifies_no_token_without_issuers(emulator):
    token = token_with(emulator)
    with pytest.raises(ConfigurationError, match="WORKOS_ISSUER"):
        await service(emulator).verify_access_token(token)
    verified = await service(emulator, issuers=ISSUERS).verify_access_token(token)
    assert (verified.user_id, verified.token) == ("user_ada", token)
