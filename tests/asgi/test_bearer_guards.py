"""What an access token may do under each guard, and the words in which it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, sealed_session, signed_in_cookie, site
from bearer_cases import claims_of, token_with
from bearer_site import ISSUERS, authorization, bearer_service
from fastapi import Depends, FastAPI
from guarded_site import GUARDS as COOKIE_GUARDS
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import (
    AsyncGuard,
    AuthKitMiddleware,
    get_access_token,
    guards,
    require,
    require_access_token,
    require_caller,
)
from authkit_asgi import fastapi as dependencies

pytestmark = pytest.mark.anyio

REALM = 'Bearer realm="authkit"'
ARGUMENTS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "/role": ("require_role", ("owner", "admin"), {}),
    "/permissions": ("require_permission", ("data:export", "data:import"), {}),
    "/any-permission": ("require_permission", ("data:burn", "data:export"), {"any_of": True}),
    "/entitlement": ("require_entitlement", ("audit-log",), {}),
    "/feature-flag": ("require_feature_flag", ("new-ui",), {}),
    "/organization": ("require_organization", ("org_acme",), {}),
    "/organizations/{org_id}": ("require_organization", (), {"path_param": "org_id"}),
    "/any-organization": ("require_organization", (), {}),
    "/recent": ("require_recent_auth", (), {"max_age": 60}),
}


async def page(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


def with_guards(kit: Any) -> Any:
    routes = [
        Route(path, require(getattr(guards, name)(*names, **more, bearer=True))(page))
        for path, (name, names, more) in ARGUMENTS.items()
    ]
    return AuthKitMiddleware(site_of(routes), authkit=kit)


def site_of(routes: list[Route]) -> Any:
    return Starlette(routes=routes)


def with_dependencies(kit: Any) -> Any:
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=kit)
    for path, (name, names, more) in ARGUMENTS.items():
        guard = getattr(dependencies, name)(*names, **more, bearer=True)
        app.add_api_route(path, page, dependencies=[Depends(guard)])
    return app


WAYS = [with_guards, with_dependencies]
ENOUGH = {
    "permissions": ["data:export", "data:import"],
    "entitlements": ["audit-log"],
    "feature_flags": ["new-ui"],
}
LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "/role": ({"role": "member", "roles": ["member"]}, ""),
    "/permissions": ({"permissions": ["data:read"]}, ', scope="data:export data:import"'),
    "/any-permission": ({"permissions": []}, ', scope="data:burn data:export"'),
    "/entitlement": ({"entitlements": None}, ""),
    "/feature-flag": ({"feature_flags": ["old-ui"]}, ""),
    "/organization": ({"org_id": "org_globex"}, ""),
    "/organizations/org_acme": ({"org_id": "org_globex"}, ""),
    "/any-organization": ({"org_id": None}, ""),
}


@pytest.mark.parametrize("way", WAYS)
async def test_token_that_has_what_it_takes_is_let_in(emulator, way):
    browser = Browser(way(bearer_service(emulator)))
    header = authorization(token_with(emulator, **ENOUGH))
    for path in (*LACKING, "/recent"):
        answer = await browser.get(path, [*FETCH, header])
        assert (answer.status, answer.headers["vary"]) == (200, "Authorization")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", LACKING)
async def test_token_that_lacks_it_is_told_so_whatever_the_cookie(emulator, way, path):
    emulator.add_membership("user_ada", "org_acme", role="admin", **ENOUGH)
    browser = Browser(way(bearer_service(emulator)))
    changes, scope = LACKING[path]
    header = authorization(token_with(emulator, **{**ENOUGH, **changes}))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get(path, FETCH)).status == 200
    for headers in (FETCH, NAVIGATION):
        answer = await browser.get(path, [*headers, header])
        assert (answer.status, "location" in answer.headers) == (403, False)
        assert answer.headers["www-authenticate"] == f'{REALM}, error="insufficient_scope"{scope}'
        assert answer.headers["vary"] == "Cookie, Authorization"
    assert (await browser.get(path, [*FETCH, header])).json["code"] == "forbidden"


@pytest.mark.parametrize("way", WAYS)
async def test_old_sign_in_is_told_how_recent_it_has_to_be(emulator, clock, way):
    browser = Browser(way(bearer_service(emulator)))
    now = int(clock.now)
    for auth_time, status in ((now - 71, 200), (now - 72, 401), (None, 401)):
        header = authorization(token_with(emulator, auth_time=auth_time))
        answer = await browser.get("/recent", [*NAVIGATION, header])
        assert (answer.status, "location" in answer.headers) == (status, False)
    assert answer.headers["www-authenticate"] == (
        f'{REALM}, error="insufficient_user_authentication", max_age="60"'
    )


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_token_the_cookie_decides_as_ever(emulator, way):
    browser = Browser(way(bearer_service(emulator)))
    page = await browser.get("/role?a=1", NAVIGATION)
    assert (page.status, page.location) == (303, "/login?return_to=%2Frole%3Fa%3D1")
    assert page.headers["vary"] == "Cookie, Authorization"
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada", "org_globex"))
    denied = await browser.get("/role", FETCH)
    assert (denied.status, "www-authenticate" in denied.headers) == (403, False)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    allowed = await browser.get("/role", FETCH)
    assert (allowed.text, allowed.headers["vary"]) == ("ok", "Cookie, Authorization")


async def test_names_that_no_scope_can_have_are_left_out_of_the_challenge(emulator):
    names = ('quote"d', "with space", "schön", "back\\slash", "good:one")
    guard = guards.require_permission(*names, bearer=True)
    kit = bearer_service(emulator)
    browser = Browser(AuthKitMiddleware(site_of([Route("/", require(guard)(page))]), authkit=kit))
    answer = await browser.get("/", [*FETCH, authorization(token_with(emulator))])
    assert answer.json["missing"] == {"permissions": list(names)}
    assert answer.headers["www-authenticate"].endswith('"insufficient_scope", scope="good:one"')


@pytest.mark.parametrize("path", COOKIE_GUARDS)
async def test_guard_that_was_not_told_so_takes_no_token(emulator, path):
    endpoint = require(COOKIE_GUARDS[path](guards))(page)
    browser = Browser(site(emulator, [Route(path, endpoint)], issuers=ISSUERS))
    answer = await browser.get(path, [*FETCH, authorization(token_with(emulator, **ENOUGH))])
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Cookie")
    assert answer.headers["vary"] == "Cookie"


async def test_document_is_never_sent_to_sign_in_where_only_a_token_counts(emulator):
    kit = bearer_service(emulator)
    route = Route("/", require(require_access_token)(page))
    browser = Browser(AuthKitMiddleware(site_of([route]), authkit=kit))
    for header in ([], [authorization("garbage")], [authorization("")]):
        answer = await browser.get("/", [*NAVIGATION, *header])
        assert answer.status in {400, 401}
        assert answer.headers["content-type"].startswith("text/html")
        assert "location" not in answer.headers
        assert "/login" not in answer.text


async def test_token_is_there_for_those_who_ask(emulator):
    async def endpoint(request: Request) -> Response:
        token = await get_access_token(request)
        return PlainTextResponse(repr(token and token.impersonator and token.impersonator.email))

    app = AuthKitMiddleware(site_of([Route("/", endpoint)]), authkit=bearer_service(emulator))
    browser = Browser(app)
    assert (await browser.get("/", FETCH)).text == "None"
    token = emulator.mint_access_token({**claims_of(emulator), "act": {"sub": "boss@example.com"}})
    assert (await browser.get("/", [*FETCH, authorization(token)])).text == "'boss@example.com'"
    assert (await browser.get("/", [*FETCH, authorization("garbage")])).status == 401


async def test_guards_that_wait_and_guards_that_do_not_add_up(emulator):
    asked: list[str] = []

    @AsyncGuard
    async def own(connection: HTTPConnection) -> Any:
        asked.append(connection.url.path)
        return await require_caller(connection)

    @require(guards.require_signed_in, own)
    def endpoint(request: Request) -> Response:
        del request
        return PlainTextResponse("ok")

    kit = bearer_service(emulator)
    browser = Browser(AuthKitMiddleware(site_of([Route("/", endpoint)]), authkit=kit))
    assert (await browser.get("/", FETCH)).status == 401
    assert asked == []
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/", FETCH)).text == "ok"
    assert asked == ["/"]
    assert (await browser.get("/", [*FETCH, authorization("garbage")])).status == 401


async def test_async_guards_are_dependencies_of_fastapi_too(emulator):
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=bearer_service(emulator))
    for path, guard in {
        "/token": require_access_token,
        "/role": guards.require_role("admin", bearer=True),
    }.items():
        app.add_api_route(path, page, dependencies=[Depends(guard)])
    browser = Browser(app)
    for path in ("/token", "/role"):
        assert (await browser.get(path, FETCH)).status == 401
        header = [*FETCH, authorization(token_with(emulator))]
        assert (await browser.get(path, header)).text == "ok"


async def test_async_guard_that_returns_something_else_lets_nobody_in(emulator):
    @AsyncGuard
    async def forgets(connection: HTTPConnection) -> Any:
        del connection

    kit = bearer_service(emulator)
    route = Route("/", require(forgets)(page))
    browser = Browser(AuthKitMiddleware(site_of([route]), authkit=kit))
    with pytest.raises(TypeError, match="returns who asks"):
        await browser.get("/", FETCH)


def test_async_function_is_no_guard_until_it_says_so():
    async def own(connection: HTTPConnection) -> Any:
        return await require_caller(connection)

    with pytest.raises(TypeError, match="AsyncGuard makes one"):
        require(own)
