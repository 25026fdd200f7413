"""Starlette's `@requires` goes by the cookie: it lets nobody in beside a token or an API key."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from bearer_site import authorization, bearer_service
from mixed_sites import assert_mixed, browser_of, token
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authkit_asgi import (
    AuthKitMiddleware,
    require,
    require_access_token,
    require_api_key,
    require_organization,
    require_permission,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

BY_SCOPE = requires("permission:data:export")
BY_HEADER = {
    "token": require(require_access_token),
    "either": require(require_organization("org_globex", bearer=True)),
    "key": require(require_api_key()),
}


async def scopes(request: Request) -> Response:
    return JSONResponse(request.auth.scopes)


async def found(request: Request) -> Response:
    named = ("authenticated", "permission:data:export", "role:nobody")
    return JSONResponse([name in request.auth.scopes for name in named])


def site(emulator: WorkOSEmulator, *guards: Any, endpoint: Any = scopes) -> Browser:
    """Return a browser that is signed in to org_acme at an application with these decorators."""
    for guard in guards:
        endpoint = guard(endpoint)
    options = {"authkit": bearer_service(emulator), "starlette_auth": True}
    app = Starlette(
        routes=[Route("/data", endpoint)], middleware=[Middleware(AuthKitMiddleware, **options)]
    )
    return browser_of(app, emulator, "org_acme")


def header(emulator: WorkOSEmulator, name: str) -> tuple[str, str]:
    if name == "key":
        return authorization(emulator.add_api_key("org_globex", permissions=()).value)
    return token(emulator, "org_globex")


@pytest.mark.parametrize("name", BY_HEADER)
async def test_cookies_permission_adds_nothing_to_what_the_header_may(emulator, name):
    carried = header(emulator, name)
    refused = await site(emulator, BY_SCOPE, BY_HEADER[name]).get("/data", [*FETCH, carried])
    assert (refused.status, refused.text) == (403, "Forbidden")
    refused = await site(emulator, BY_HEADER[name], BY_SCOPE).get("/data", [*FETCH, carried])
    assert_mixed(refused)


async def test_guards_by_the_cookie_add_up(emulator):
    for order in (1, -1):
        guards = (BY_SCOPE, require(require_permission("data:export", bearer=True)))[::order]
        answer = await site(emulator, *guards).get("/data", FETCH)
        assert (answer.status, "permission:data:export" in answer.json) == (200, True)


async def test_showing_the_scopes_settles_nothing(emulator):
    answer = await site(emulator, BY_HEADER["token"]).get(
        "/data", [*FETCH, header(emulator, "token")]
    )
    assert (answer.status, answer.json[:2]) == (200, ["authenticated", "organization:org_acme"])


async def test_scopes_are_found_by_the_cookie_alone(emulator):
    browser = site(emulator, endpoint=found)
    assert (await browser.get("/data", FETCH)).json == [True, True, False]
    browser = site(emulator, BY_HEADER["token"], endpoint=found)
    answer = await browser.get("/data", [*FETCH, header(emulator, "token")])
    assert answer.json == [False, False, False]
