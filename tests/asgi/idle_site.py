"""A site whose sessions end when nobody uses them, and browsers that are signed in to it."""

from __future__ import annotations

from typing import Any

from asgi_site import SESSION, sealed_session, sign_in, site
from emulated import ORIGIN, PASSWORD
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import get_session
from authkit_asgi.errors import InvalidSessionError

ACTIVITY = f"{SESSION}-activity"
TIMEOUT = 1000
ADA = {"user": "user_ada", "organization": "org_acme"}
IDLE = {"user": None, "reason": "session_expired"}


async def revive(request: Request) -> Response:
    """Try to get the session back by asking for it."""
    session = get_session(request)
    refused = []
    for method in (session.refresh, lambda: session.switch_organization("org_globex")):
        try:
            await method()
        except InvalidSessionError:
            refused.append(True)
    return JSONResponse(refused)


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


ROUTES = [Route("/revive", revive, methods=["POST"]), WebSocketRoute("/ws", greet)]


def shop(emulator, **changes: Any):
    return site(emulator, ROUTES, **{"inactivity_timeout": TIMEOUT, **changes})


async def signed_in(emulator, **changes: Any) -> JarBrowser:
    browser = JarBrowser(shop(emulator, **changes))
    await sign_in(browser, emulator)
    return browser


async def with_long_token(emulator, password: str = PASSWORD, **changes: Any) -> JarBrowser:
    """Return a browser whose token is never refreshed, so that only the cookie tells of its use."""
    browser = JarBrowser(shop(emulator, cookie_password=password, **changes))
    cookie = sealed_session(emulator.sign_in("user_ada", lifetime=100_000), password)
    browser.jar.set(f"{SESSION}={cookie}; Path=/; Secure; HttpOnly", ORIGIN)
    answer = await browser.get("/who")
    assert (answer.json, list(answer.set_cookies)) == (ADA, [ACTIVITY])
    return browser
