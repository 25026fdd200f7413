"""`starlette_auth=True`: `request.user`, `request.auth` and Starlette's own `@requires`."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import service
from starlette.applications import Starlette
from starlette.authentication import UnauthenticatedUser, requires
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, auth_routes, get_session
from authkit_asgi.starlette_auth import StarletteUser
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


def told(connection: HTTPConnection) -> list[Any]:
    user, scopes = connection.user, connection.auth.scopes
    if isinstance(user, UnauthenticatedUser):
        return [user.is_authenticated, user.display_name, scopes]
    assert isinstance(user, StarletteUser)
    return [user.is_authenticated, user.display_name, user.identity, user.user.email, scopes]


async def whoami(request: Request) -> Response:
    return JSONResponse(told(request))


@requires("authenticated")
async def members(request: Request) -> Response:
    return await whoami(request)


@requires(["authenticated", "permission:data:export"])
def export(request: Request) -> Response:
    del request
    return PlainTextResponse("data")


@requires("role:owner", status_code=404)
async def owners(request: Request) -> Response:
    return await whoami(request)


@requires("authenticated", redirect="authkit_login")
async def page(request: Request) -> Response:
    return await whoami(request)


async def switch(request: Request) -> Response:
    before = told(request)[-1]
    await get_session(request).switch_organization("org_globex")
    return JSONResponse([before, told(request)[-1]])


async def leave(request: Request) -> Response:
    await get_session(request).sign_out()
    return JSONResponse(told(request))


async def enter(request: Request) -> Response:
    await get_session(request).sign_in(request.app.state.answer)
    return JSONResponse(told(request))


@requires("permission:data:export")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(told(websocket))
    await websocket.close()


ROUTES = [
    Route("/whoami", whoami),
    Route("/skipped", whoami),
    Route("/members", members),
    Route("/export", export),
    Route("/owners", owners),
    Route("/page", page),
    Route("/switch", switch, methods=["POST"]),
    Route("/leave", leave, methods=["POST"]),
    Route("/enter", enter, methods=["POST"]),
    WebSocketRoute("/ws", socket),
]
ADA = ["authenticated", "organization:org_acme", "role:admin", "permission:data:export"]
NOBODY = [False, "", []]


def application(emulator: WorkOSEmulator, **options: Any) -> Starlette:
    options = {"starlette_auth": True, "skip": ("/skipped",), **options}
    return Starlette(
        routes=[
            *auth_routes(),
            *ROUTES,
            Mount("/inner", Starlette(routes=ROUTES)),
        ],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator), **options)],
    )


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    return Browser(application(emulator))


@pytest.fixture
def ada(browser: Browser, emulator: WorkOSEmulator) -> Browser:
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    return browser


@pytest.mark.parametrize("mount", ["", "/inner"])
async def test_user_and_scopes_of_whoever_is_signed_in(ada, mount):
    answer = await ada.get(f"{mount}/whoami", FETCH)
    assert answer.json == [True, "Ada", "user_ada", "ada@example.com", ADA]
    assert (await ada.get(f"{mount}/members", FETCH)).json == answer.json
    assert (await ada.get(f"{mount}/export", FETCH)).text == "data"
    assert (await ada.get(f"{mount}/owners", FETCH)).status == 404


@pytest.mark.parametrize("mount", ["", "/inner"])
async def test_strangers_are_unauthenticated_and_caches_told_so(browser, mount):
    answer = await browser.get(f"{mount}/whoami", FETCH)
    assert (answer.json, answer.headers["vary"]) == (NOBODY, "Cookie")
    for path in ("/members", "/export"):
        denied = await browser.get(mount + path, FETCH)
        assert (denied.status, denied.headers["vary"]) == (403, "Cookie")
    sent = await browser.get("/page")
    assert sent.status == 303
    assert sent.location.startswith("https://app.example.com/login?next=")


async def test_skipped_paths_are_nobodys(ada):
    answer = await ada.get("/skipped", FETCH)
    assert answer.json == NOBODY
    assert "vary" not in answer.headers


async def test_websocket_has_user_and_scopes(ada, browser):
    messages = (await ada.websocket("/ws")).messages
    assert messages[1]["text"].startswith('[true,"Ada","user_ada"')
    browser.cookies.clear()
    (closed,) = (await browser.websocket("/ws")).messages
    assert closed["type"] == "websocket.close"


@pytest.mark.parametrize("mount", ["", "/inner"])
async def test_changes_within_a_request_are_seen_at_once(ada, emulator, mount):
    switched = (await ada.post(f"{mount}/switch", FETCH)).json
    assert switched == [ADA, ["authenticated", "organization:org_globex", "role:member"]]
    assert (await ada.post(f"{mount}/leave", FETCH)).json == NOBODY
    inner = ada.app.routes[-1].app if mount else ada.app
    inner.state.answer = emulator.sign_in("user_bob")
    entered = (await ada.post(f"{mount}/enter", FETCH)).json
    assert entered == [True, "bob@example.com", "user_bob", "bob@example.com", ["authenticated"]]


async def test_every_kind_of_scope(emulator):
    emulator.add_membership(
        "user_ada",
        "org_acme",
        role="admin",
        roles=("admin", "editor"),
        permissions=("a:b", "c"),
        entitlements=("audit-log",),
        feature_flags=("new-ui",),
    )
    browser = Browser(application(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/whoami", FETCH)).json[-1] == [
        "authenticated",
        "organization:org_acme",
        "role:admin",
        "role:editor",
        "permission:a:b",
        "permission:c",
        "entitlement:audit-log",
        "feature_flag:new-ui",
    ]


async def test_during_an_outage_nobody_is_authenticated(emulator):
    browser = Browser(application(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=503)
    answer = await browser.get("/whoami", FETCH)
    assert (answer.json, answer.set_cookies) == (NOBODY, {})


async def test_session_that_workos_has_ended_is_nobodys(emulator):
    browser = Browser(application(emulator))
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    assert (await browser.get("/whoami", FETCH)).json == NOBODY


@pytest.mark.parametrize("outer_fills_in", [True, False])
async def test_doubled_middleware_fills_in_if_either_is_told_to(emulator, outer_fills_in):
    authkit = service(emulator)
    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(AuthKitMiddleware, authkit=authkit, starlette_auth=outer_fills_in),
            Middleware(AuthKitMiddleware, authkit=authkit, starlette_auth=not outer_fills_in),
        ],
    )
    browser = Browser(app)
    assert (await browser.get("/whoami", FETCH)).json == NOBODY
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/whoami", FETCH)).json[-1] == ADA


async def test_without_it_starlettes_own_stays_as_it_is(emulator):
    browser = Browser(application(emulator, starlette_auth=False))
    with pytest.raises(AssertionError, match="AuthenticationMiddleware must be installed"):
        await browser.get("/whoami", FETCH)


async def test_together_with_protection(emulator):
    browser = Browser(application(emulator, protect=True, public=("/whoami",)))
    assert (await browser.get("/whoami", FETCH)).json == NOBODY
    assert (await browser.get("/members", FETCH)).json["code"] == "not_signed_in"
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/members", FETCH)).json[-1] == ADA
