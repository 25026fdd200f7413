"""A site whose users look after their sessions on other devices."""

from __future__ import annotations

from typing import Any

from asgi_driver import Browser, drive, http_scope
from asgi_site import sealed_session, site
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, get_session
from authkit_asgi.auth_session import AuthSession

SIGNED_OUT = {"user": None, "reason": "signed_out"}
SUPPORT = {"email": "support@workos.com", "reason": "ticket 7"}


async def listed(request: Request) -> Response:
    return JSONResponse([each.id for each in await get_session(request).list_sessions()])


async def revoke(request: Request) -> Response:
    await get_session(request).revoke_session(request.query_params["id"])
    return JSONResponse("done")


async def revoke_others(request: Request) -> Response:
    return JSONResponse(await get_session(request).revoke_other_sessions())


async def revoke_on_socket(websocket: WebSocket) -> None:
    await get_session(websocket).revoke_session(websocket.query_params["id"])


def devices(emulator: Any, **changes: Any) -> Any:
    routes = [
        Route("/sessions", listed),
        Route("/revoke", revoke, methods=["POST"]),
        Route("/others", revoke_others, methods=["POST"]),
        WebSocketRoute("/socket", revoke_on_socket),
    ]
    return site(emulator, routes, **changes)


def device(app: Any, emulator: Any, user: str = "user_ada", **more: Any) -> tuple[Browser, str]:
    """Sign in on one more device; return it and the session's id."""
    answer = emulator.sign_in(user, **more)
    browser = Browser(app)
    browser.cookies["wos-session"] = sealed_session(answer)
    return browser, emulator._state.sessions.active_of(user)[0].id


async def seen(browser: Browser) -> Any:
    return (await browser.get("/who")).json


def active(emulator: Any, user: str = "user_ada") -> list[str]:
    return [each.id for each in emulator._state.sessions.active_of(user)]


async def session_of(browser: Browser) -> AuthSession:
    """Return what an endpoint finds on its request's state."""
    found: list[AuthSession] = []

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope["state"]["authkit"])
        await Response()(scope, receive, send)

    middleware = browser.app.user_middleware[0]
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    app = AuthKitMiddleware(keep, authkit=middleware.kwargs["authkit"])
    await drive(app, http_scope("GET", "/", [("cookie", cookie)]))
    return found[0]
