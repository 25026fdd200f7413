"""The routes for front ends under `protect=True`: public by themselves, and nothing beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import ORIGIN, service
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute

from authkit_asgi import AuthKitMiddleware, auth_routes, require
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

SECRET = PlainTextResponse("for members only")
PATHS = {
    "plain": ("", "/session"),
    "with a prefix": ("/auth", "/auth/session"),
    "renamed": ("", "/api/whoami"),
}


def protected(emulator: WorkOSEmulator, prefix: str, path: str) -> Starlette:
    changes = {"login_path": f"{prefix}/login", "redirect_uri": f"{ORIGIN}{prefix}/callback"}
    middleware = Middleware(AuthKitMiddleware, authkit=service(emulator, **changes), protect=True)
    routes = auth_routes(prefix=prefix, session=path.removeprefix(prefix), token="/token")
    return Starlette(
        routes=[*routes, Route("/secret", SECRET), Route(path, SECRET, methods=["POST"])],
        middleware=[middleware],
    )


@pytest.mark.parametrize(("prefix", "path"), PATHS.values(), ids=PATHS)
async def test_protected_application_answers_strangers_there_alone(emulator, prefix, path):
    app = protected(emulator, prefix, path)
    for method in ("GET", "HEAD"):
        answer = await Browser(app).request(method, path, FETCH)
        assert (answer.status, answer.json["user"]) == (200, None)
    assert (await Browser(app).get(f"{prefix}/token", FETCH)).json["code"] == "not_signed_in"
    assert (await Browser(app).get(f"{prefix}/token", NAVIGATION)).status == 403
    for method, target in (
        ("POST", path),
        ("PUT", path),
        ("GET", "/secret"),
        ("GET", f"{path}/"),
        ("GET", f"/{path}"),
        ("GET", f"{path}/x"),
        ("GET", path.upper()),
        ("GET", f"/secret?x={path}"),
    ):
        answer = await Browser(app).request(method, target, FETCH)
        assert answer.status == 401, (method, target)
    assert (await Browser(app).websocket(path)).status == 401


async def test_protected_application_below_a_mount_answers_strangers_there(emulator):
    inner = protected(emulator, "/auth", "/auth/session")
    app = Starlette(routes=[Mount("/app", inner)])
    assert (await Browser(app).get("/app/auth/session", FETCH)).json["user"] is None
    assert (await Browser(app).get("/app/secret", FETCH)).status == 401


@pytest.mark.parametrize("name", [None, "part"])
async def test_routes_of_a_part_of_a_protected_application(emulator, name):
    inner = Starlette(routes=[*auth_routes(session="/session"), Route("/secret", SECRET)])
    outer = Starlette(
        routes=[Mount("/part", inner, name=name), Route("/session", SECRET)],
        middleware=[
            Middleware(
                AuthKitMiddleware,
                authkit=service(
                    emulator,
                    login_path="/part/login",
                    redirect_uri=f"{ORIGIN}/part/callback",
                ),
                protect=True,
            )
        ],
    )
    answer = await Browser(outer).get("/part/session", FETCH)
    # A mount with a name has its routes under that, where nobody looks.
    assert answer.status == (200 if name is None else 401)
    assert (await Browser(outer).get("/part/secret", FETCH)).status == 401
    assert (await Browser(outer).get("/session", FETCH)).status == 401


async def test_route_of_one_host_opens_the_path_of_no_other(emulator):
    inner = Starlette(routes=auth_routes(session="/session"))
    app = Starlette(
        routes=[Host("scripts.example.com", inner), Route("/session", SECRET)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator), protect=True)],
    )
    for host in ("scripts.example.com", "app.example.com"):
        answer = await Browser(app).get("/session", [*FETCH, ("host", host)])
        assert answer.status == 401


@pytest.mark.parametrize("pattern", ["/session", "/token", "/{page}", "/{rest:path}"])
async def test_route_of_the_applications_own_in_front_of_these_is_for_members_only(
    emulator, pattern
):
    routes = [Route(pattern, SECRET), *auth_routes(session="/session", token="/token")]
    middleware = Middleware(AuthKitMiddleware, authkit=service(emulator), protect=True)
    app = Starlette(routes=routes, middleware=[middleware])
    for method in ("GET", "HEAD"):
        answer = await Browser(app).request(method, "/session", FETCH)
        assert (answer.status, answer.json["user"]) == (200, None)
        answer = await Browser(app).request(method, "/token", FETCH)
        assert (answer.status, answer.json["code"]) == (401, "not_signed_in")
    member = Browser(app)
    member.cookies[SESSION] = signed_in_cookie(emulator)
    path = "/token" if pattern == "/token" else "/session"
    assert (await member.get(path, FETCH)).text == "for members only"


async def test_middleware_around_a_whole_application_is_told_what_is_public(emulator):
    inner = Starlette(routes=[*auth_routes(session="/session"), Route("/secret", SECRET)])
    kit = service(emulator)
    for public, status in (((), 401), (("/session",), 200)):
        app = AuthKitMiddleware(inner, authkit=kit, protect=True, public=public)
        assert (await Browser(app).get("/session", FETCH)).status == status
        assert (await Browser(app).get("/secret", FETCH)).status == 401


async def test_protected_application_without_these_routes_has_no_holes(emulator):
    app = Starlette(
        routes=[*auth_routes(), Route("/session", SECRET), Route("/token", SECRET)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator), protect=True)],
    )
    for path in ("/session", "/token"):
        assert (await Browser(app).get(path, FETCH)).status == 401


async def test_application_that_is_not_starlettes_has_none(emulator):
    app = AuthKitMiddleware(SECRET, authkit=service(emulator), protect=True)
    assert (await Browser(app).get("/session", FETCH)).status == 401
    stranger = await Browser(app).websocket("/session")
    assert json.loads(stranger.body)["code"] == "not_signed_in"


async def test_websocket_of_the_same_path_stays_the_applications(emulator):
    @require()
    async def live(websocket: Any) -> None:
        raise AssertionError("nobody is signed in")

    routes = [WebSocketRoute("/session", live), *auth_routes(session="/session")]
    middleware = Middleware(AuthKitMiddleware, authkit=service(emulator), protect=True)
    app = Starlette(routes=routes, middleware=[middleware])
    assert (await Browser(app).websocket("/session")).status == 401
