"""FastAPI: the dependencies over HTTP and WebSocket, the router, and what OpenAPI tells."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser, drive, http_scope
from asgi_site import SESSION, query_of, sign_in, signed_in_cookie
from emulated import service
from fastapi import Depends, FastAPI, WebSocket
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from authkit_asgi import AuthKitMiddleware, MiddlewareMissingError, NotSignedInError, User
from authkit_asgi import fastapi as integration
from authkit_asgi.fastapi import (
    AUTH_RESPONSES,
    CurrentAuth,
    CurrentSession,
    CurrentUser,
    OptionalUser,
    auth_router,
    require_auth,
    require_user,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


def application(emulator: WorkOSEmulator | None, **router: Any) -> FastAPI:
    """Every dependency once, over HTTP and over WebSocket; no middleware without emulator."""
    app = FastAPI()
    if emulator is not None:
        authkit = service(emulator, **router.pop("set", {}))
        app.add_middleware(AuthKitMiddleware, authkit=authkit, skip=router.pop("skip", ()))
    app.include_router(auth_router(**router))

    @app.get("/me", responses=AUTH_RESPONSES)
    async def me(user: CurrentUser) -> User:
        return user

    @app.get("/claims")
    async def claims(auth: CurrentAuth) -> Any:
        return auth.claims

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return None if user is None else user.email

    @app.post("/switch/{organization_id}")
    async def switch(organization_id: str, session: CurrentSession) -> str | None:
        return (await session.switch_organization(organization_id)).organization_id

    @app.get("/sync")
    def sync(user: CurrentUser) -> str:
        return user.id

    @app.get("/guarded", dependencies=[Depends(require_user), Depends(require_auth)])
    async def guarded() -> str:
        return "ok"

    @app.get("/public")
    async def public() -> str:
        return "ok"

    add_websockets(app)
    return app


def add_websockets(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: CurrentUser, auth: CurrentAuth) -> None:
        await socket.accept()
        await socket.send_json([user.id, auth.organization_id])
        await socket.close()

    @app.websocket("/ws-optional")
    async def ws_optional(socket: WebSocket, user: OptionalUser, session: CurrentSession) -> None:
        await socket.accept()
        await socket.send_json([user and user.id, session.has_session])
        await socket.close()


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    return Browser(application(emulator))


@pytest.fixture
def ada(browser: Browser, emulator: WorkOSEmulator) -> Browser:
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    return browser


async def test_endpoints_may_return_the_user(ada):
    answer = await ada.get("/me")
    assert answer.status == 200
    assert answer.json["id"] == "user_ada"
    assert answer.json["metadata"] == {}
    assert (await ada.get("/sync")).json == "user_ada"


async def test_endpoints_may_return_the_claims(ada):
    claims = (await ada.get("/claims")).json
    assert claims["sub"] == "user_ada"
    assert claims["permissions"] == ["data:export"]


async def test_optional_user(browser, emulator):
    assert (await browser.get("/optional")).json is None
    browser.cookies[SESSION] = signed_in_cookie(emulator, "user_bob")
    assert (await browser.get("/optional")).json == "bob@example.com"


async def test_optional_user_is_none_where_skip_applies(emulator):
    browser = Browser(application(emulator, skip=("/optional",)))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/optional")).json is None


async def test_current_session_switches(ada):
    answer = await ada.post("/switch/org_globex")
    assert (answer.json, answer.set_cookies.keys()) == ("org_globex", {SESSION})
    assert (await ada.get("/claims")).json["org_id"] == "org_globex"


@pytest.mark.parametrize("path", ["/me", "/claims", "/sync", "/guarded"])
async def test_guards_deny_programs_and_send_browsers_to_sign_in(browser, path):
    denied = await browser.get(path, FETCH)
    assert (denied.status, denied.json["code"]) == (401, "not_signed_in")
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.headers["www-authenticate"] == "Cookie"
    assert denied.headers["vary"] == "Cookie"
    sent = await browser.get(f"{path}?a=1", NAVIGATION)
    assert (sent.status, query_of(sent.location)) == (303, {"return_to": f"{path}?a=1"})


async def test_guards_during_an_outage(browser, emulator):
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=429, headers={"Retry-After": "4"}, times=None)
    answer = await browser.get("/me")
    assert (answer.status, answer.headers["retry-after"]) == (503, "4")


async def test_routes_without_a_guard_vary_on_nothing(browser):
    assert "vary" not in (await browser.get("/public")).headers


async def test_websocket_endpoints_have_the_dependencies(ada):
    assert (await ada.websocket("/ws")).messages[1]["text"] == '["user_ada","org_acme"]'
    assert (await ada.websocket("/ws-optional")).messages[1]["text"] == '["user_ada",true]'


async def test_websocket_endpoints_deny(browser):
    assert (await browser.websocket("/ws-optional")).messages[1]["text"] == "[null,false]"
    assert (await browser.websocket("/ws")).status == 401
    (message,) = (await browser.websocket("/ws", denial=False)).messages
    assert (message["type"], message["code"]) == ("websocket.close", 1008)


async def test_router_signs_in_and_out(browser, emulator):
    answer = await sign_in(browser, emulator, "/login?return_to=/me")
    assert (answer.status, answer.location) == (303, "/me")
    assert (await browser.get("/me")).json["email"] == "ada@example.com"
    assert (await browser.get("/logout")).status == 303
    assert (await browser.get("/optional")).json is None


@pytest.mark.parametrize("where", ["router", "include"])
async def test_router_with_a_prefix(emulator, where):
    changes = {"redirect_uri": "https://app.example.com/auth/callback", "login_path": "/auth/login"}
    if where == "router":
        app = application(emulator, prefix="/auth", set=changes)
    else:
        app = FastAPI()
        app.add_middleware(AuthKitMiddleware, authkit=service(emulator, **changes))
        app.include_router(auth_router(), prefix="/auth")
    browser = Browser(app)
    assert (await sign_in(browser, emulator, "/auth/login")).status == 303
    assert SESSION in browser.cookies
    assert (await browser.get("/auth/logout")).status == 303


async def test_router_takes_hooks(emulator):
    def on_success(*_: object) -> Response:
        return PlainTextResponse("welcome")

    browser = Browser(application(emulator, on_success=on_success))
    assert (await sign_in(browser, emulator)).text == "welcome"


async def test_openapi_names_the_cookie_where_a_guard_needs_it(browser):
    schema = (await browser.get("/openapi.json")).json
    assert schema["components"]["securitySchemes"] == {
        "AuthKitSession": {
            "type": "apiKey",
            "in": "cookie",
            "name": "wos-session",
            "description": "The sealed session that signing in sets. "
            "The setting `cookie_name` may name it otherwise.",
        }
    }
    secured = {
        path
        for path, operations in schema["paths"].items()
        for operation in operations.values()
        if operation.get("security") == [{"AuthKitSession": []}]
    }
    assert secured == {
        "/me",
        "/claims",
        "/optional",
        "/switch/{organization_id}",
        "/sync",
        "/guarded",
    }
    assert "/login" not in schema["paths"]
    responses = schema["paths"]["/me"]["get"]["responses"]
    assert {"401", "403", "503"} <= responses.keys()
    assert not schema["paths"]["/me"]["get"].get("parameters")


@pytest.mark.parametrize("path", ["/me", "/claims", "/optional", "/guarded", "/login", "/callback"])
async def test_without_the_middleware_the_error_says_what_to_do(path):
    with pytest.raises(MiddlewareMissingError, match=r"app\.add_middleware\(AuthKitMiddleware\)"):
        await drive(application(None), http_scope("GET", path))


async def test_denials_can_be_answered_by_the_application(emulator):
    app = application(emulator)

    @app.exception_handler(NotSignedInError)
    async def handler(_: Request, error: NotSignedInError) -> Response:
        return PlainTextResponse(error.reason, 418)

    answer = await Browser(app).get("/me", FETCH)
    assert (answer.status, answer.text) == (418, "no_session_cookie_provided")


async def test_root_path_of_the_application_leads_to_its_login(emulator):
    app = application(emulator)
    app.root_path = "/api"
    for target in ("/me", "/api/me"):  # a proxy strips the prefix, or does not
        answer = await Browser(app).get(target)
        assert answer.location == "/api/login?return_to=%2Fapi%2Fme"


DEPENDENCIES = [
    require_auth,
    require_user,
    integration._optional_user,
    integration._current_session,
]


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_dependencies_need_no_thread(dependency):
    assert inspect.iscoroutinefunction(dependency)
