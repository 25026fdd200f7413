"""Mounted applications, root paths, and the middleware around one application more than once."""

from __future__ import annotations

import pytest
from asgi_driver import Browser, drive, http_scope, websocket_scope
from asgi_site import SESSION, cookie_header, signed_in_cookie, site, who
from emulated import service
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, SignedOutReason, get_auth, get_session
from authkit_asgi.fastapi import CurrentUser
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

# How servers and proxies write the address of /who of an application at /app.
ROOTS = {
    "no root": ("/who", ""),
    "prefix in the path": ("/app/who", "/app"),
    "prefix stripped": ("/who", "/app"),
    "of two segments": ("/app/x/who", "/app/x"),
    "that looks alike": ("/who", "/wh"),
}
roots = pytest.mark.parametrize(("path", "root"), ROOTS.values(), ids=ROOTS)


@roots
@pytest.mark.parametrize("lifetime", [None, -100], ids=["signed in", "expired"])
async def test_root_path_makes_no_difference_to_who_it_is(emulator, path, root, lifetime):
    app = site(emulator)
    header = cookie_header(emulator, lifetime=lifetime)
    answer = await drive(app, http_scope("GET", path, [header], root_path=root))
    assert answer.json["user"] == "user_ada"
    assert (SESSION in answer.set_cookies) == (lifetime is not None)
    stranger = await drive(app, http_scope("GET", path, root_path=root))
    assert stranger.json["reason"] == "no_session_cookie_provided"


@roots
async def test_root_path_makes_no_difference_to_what_is_skipped(emulator, path, root):
    app = site(emulator, skip=("/who",))
    scope = http_scope("GET", path, [cookie_header(emulator, lifetime=-100)], root_path=root)
    answer = await drive(app, scope)
    assert answer.json["reason"] == "not_evaluated"
    assert (answer.set_cookies, emulator.count("authenticate")) == ({}, 0)


@pytest.mark.parametrize("root", ["", "/app"])
@pytest.mark.parametrize("prefixed", [True, False])
@pytest.mark.parametrize("path", ["/login", "/logout", "/callback", "/signup"])
async def test_own_routes_below_a_root_path_ask_for_no_new_token(emulator, path, root, prefixed):
    target = root + path if prefixed else path
    scope = http_scope("GET", target, [cookie_header(emulator, lifetime=-100)], root_path=root)
    answer = await drive(site(emulator), scope)
    assert answer.status in (200, 303, 400)
    assert emulator.count("authenticate") == 0


def mounted(emulator: WorkOSEmulator, **changes) -> Starlette:
    """An application in a mount that brings a middleware of its own."""
    inner = Starlette(
        routes=[Route("/who", who), Route("/refresh", refresh), Route("/bye", sign_out)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator, **changes))],
    )
    return site(emulator, [Mount("/inner", app=inner)])


async def refresh(request: Request) -> Response:
    auth = await get_session(request).refresh()
    return JSONResponse({"user": auth.user.id, "same": request.state.auth is auth})


async def sign_out(request: Request) -> Response:
    await get_session(request).sign_out()
    return JSONResponse(get_auth(request).user)


async def test_mounted_application_with_the_same_settings_shares_the_session(emulator):
    browser = Browser(mounted(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    answer = await browser.get("/inner/who")
    assert answer.json["user"] == "user_ada"
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 1
    answer = await browser.get("/inner/refresh")
    assert answer.json == {"user": "user_ada", "same": True}
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 2
    answer = await browser.get("/inner/bye")
    assert "Max-Age=0" in answer.set_cookies[SESSION]
    assert browser.cookies == {}


async def test_mounted_application_with_another_cookie_has_a_session_of_its_own(emulator):
    browser = Browser(mounted(emulator, cookie_name="inner"))
    browser.cookies = {
        SESSION: signed_in_cookie(emulator, lifetime=-100),
        "inner": signed_in_cookie(emulator, "user_bob", lifetime=-100),
    }
    answer = await browser.get("/inner/who")
    assert answer.json["user"] == "user_bob"
    assert answer.set_cookies.keys() == {SESSION, "inner"}
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"] == "Cookie"
    assert (await browser.get("/who")).json["user"] == "user_ada"
    answer = await browser.get("/inner/bye")
    assert answer.set_cookies.keys() == {"inner", "inner.0", "inner.1"}
    assert (await browser.get("/inner/who")).json["user"] is None
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_signed_in_outside_is_not_signed_in_inside_another_session(emulator):
    browser = Browser(mounted(emulator, cookie_name="inner"))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/inner/who")).json["user"] is None
    assert (await browser.get("/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_middleware_more_than_once_acts_once(emulator, times, kind):
    seen: list[object] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["authkit"])
        if scope["type"] == "http":
            await JSONResponse(get_auth(Request(scope)).user.id)(scope, receive, send)
        else:
            await send({"type": "websocket.accept"})

    app = application
    for _ in range(times):
        app = AuthKitMiddleware(app, authkit=service(emulator))
    make = websocket_scope if kind == "websocket" else lambda *rest: http_scope("GET", *rest)
    answer = await drive(app, make("/", [cookie_header(emulator, lifetime=-100)]))
    assert seen[0].auth.user.id == "user_ada"
    assert len(answer.all("set-cookie")) == 1
    assert len(answer.all("vary")) == len(answer.all("cache-control")) == int(kind == "http")
    assert emulator.count("authenticate") == 1


async def test_fastapi_application_in_a_mount_finds_the_session(emulator):
    inner = FastAPI()

    @inner.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    browser = Browser(site(emulator, [Mount("/api", app=inner)]))
    answer = await browser.get("/api/me", [("accept", "*/*")])
    assert (answer.status, answer.headers["vary"]) == (401, "Cookie")
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    answer = await browser.get("/api/me")
    assert (answer.json, answer.set_cookies.keys()) == ("user_ada", {SESSION})


async def test_skip_of_a_mounted_application_signs_out_there_only(emulator):
    """Who skips a path does not want to be asked there, whatever stands outside."""
    inner = Starlette(
        routes=[Route("/who", who)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator), skip=("/who",))],
    )
    browser = Browser(site(emulator, [Mount("/inner", app=inner)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get("/inner/who")
    assert answer.json["reason"] == SignedOutReason.NOT_EVALUATED
    assert (await browser.get("/who")).json["user"] == "user_ada"
