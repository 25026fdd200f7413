"""Endpoints of every kind with several guards, and requests with several credentials."""

from collections.abc import Callable
from typing import Any, TypeAlias

from asgi_driver import Answer, Browser
from asgi_site import SESSION, sealed_session
from bearer_site import authorization
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from authkit_asgi import AuthKit, AuthKitMiddleware, guards, require
from authkit_asgi import fastapi as dependencies
from authkit_asgi.testing import WorkOSEmulator

Chosen: TypeAlias = Callable[[Any], tuple[Any, ...]]
"""Picks guards from `authkit_asgi.guards` or, by the same names, from `authkit_asgi.fastapi`."""
Way: TypeAlias = Callable[..., ASGIApp]

PATH = "/organizations/{org_id}"
ACME, GLOBEX = "/organizations/org_acme", "/organizations/org_globex"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "require_role": {"names": ("admin",)},
    "require_permission": {"names": ("data:export",)},
    "require_entitlement": {"names": ("audit-log",)},
    "require_feature_flag": {"names": ("new-ui",)},
    "require_organization": {"path_param": "org_id"},
    "require_recent_auth": {"max_age": 300},
}


async def page(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


def plain_page(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def with_dependencies(kit: AuthKit, chosen: Chosen, **options: Any) -> ASGIApp:
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=kit, **options)
    depends = [Depends(guard) for guard in chosen(dependencies)]
    app.add_api_route(PATH, page, dependencies=depends, response_class=Response)
    app.add_api_websocket_route(f"{PATH}/ws", socket, dependencies=depends)
    return app


def with_async_functions(kit: AuthKit, chosen: Chosen, **options: Any) -> ASGIApp:
    guard = require(*chosen(guards))
    return _starlette(kit, guard(page), guard(socket), **options)


def with_plain_functions(kit: AuthKit, chosen: Chosen, **options: Any) -> ASGIApp:
    guard = require(*chosen(guards))
    return _starlette(kit, guard(plain_page), guard(socket), **options)


def with_several_decorators(kit: AuthKit, chosen: Chosen, **options: Any) -> ASGIApp:
    endpoint, web_socket = page, socket
    for guard in reversed(chosen(guards)):
        endpoint, web_socket = require(guard)(endpoint), require(guard)(web_socket)
    return _starlette(kit, endpoint, web_socket, **options)


def with_classes(kit: AuthKit, chosen: Chosen, **options: Any) -> ASGIApp:
    class Page(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return await page(request)

    class Socket(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await socket(websocket)

    guard = require(*chosen(guards))
    return _starlette(kit, guard(Page), guard(Socket), **options)


def _starlette(kit: AuthKit, endpoint: Any, web_socket: Any, **options: Any) -> ASGIApp:
    routes = [Route(PATH, endpoint), WebSocketRoute(f"{PATH}/ws", web_socket)]
    return Starlette(
        routes=routes, middleware=[Middleware(AuthKitMiddleware, authkit=kit, **options)]
    )


WAYS: tuple[Way, ...] = (
    with_dependencies,
    with_async_functions,
    with_plain_functions,
    with_several_decorators,
    with_classes,
)


def made(module: Any, name: str, *, bearer: bool) -> Any:
    options = dict(ARGUMENTS[name])
    return getattr(module, name)(*options.pop("names", ()), **options, bearer=bearer)


def token(emulator: WorkOSEmulator, organization: str = "org_acme") -> tuple[str, str]:
    return authorization(emulator.sign_in("user_ada", organization)["access_token"])


def browser_of(app: ASGIApp, emulator: WorkOSEmulator, organization: str | None = None) -> Browser:
    browser = Browser(app)
    if organization is not None:
        browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada", organization))
    return browser


def assert_mixed(answer: Answer) -> None:
    assert (answer.status, answer.json["code"]) == (403, "mixed_credentials")
    assert answer.json["detail"] == (
        "This goes by a session cookie or by Authorization, never by both at once."
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "Cookie, Authorization"
    assert "www-authenticate" not in answer.headers
    assert answer.set_cookies == {}
