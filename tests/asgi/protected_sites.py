"""Protected applications, and what reaches them: each path in every way it could be read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from emulated import service
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, auth_routes
from authkit_asgi.testing import WorkOSEmulator

PUBLIC = ("/", "/about", "/assets/*")
SECRET = "for members only"

# A stranger's preflight is the one request whose answer the middleware changes.
OF_PREFLIGHTS = (
    "The application's scope is another object",
    "The middleware has changed 'extensions'",
    "The middleware has changed http.response.start",
    "The middleware has changed http.response.body",
)


def readings(path: str) -> frozenset[str]:
    """Return the paths that some server, proxy or application may take `path` for."""
    found = {path}
    waiting = [path]
    while waiting:
        for other in _read_otherwise(waiting.pop()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return frozenset(found)


def _read_otherwise(path: str) -> Iterator[str]:
    yield unquote(path, "latin-1")
    yield path.replace("\\", "/")
    yield "/" + posixpath.normpath(path).lstrip("/")
    yield "/".join(segment.partition(";")[0] for segment in path.split("/"))
    for end in ("\0", "\n", "\r", "?", "#", ";"):
        yield path.partition(end)[0]
    yield path.strip()
    yield path.translate(dict.fromkeys(range(33)))
    yield path.rstrip("/") or "/"


def is_secret(path: str) -> bool:
    path = path.removeprefix("/app").removeprefix("/api")
    return f"{path}/".startswith("/admin/")


async def lenient(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve what is asked for by any reading of the path, whatever the method: an old application.

    Below a mount it looks at the whole path.
    """
    secret = any(is_secret(reading) for reading in readings(scope["path"]))
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text(SECRET if secret else "public")
        await socket.close()
    else:
        await PlainTextResponse(SECRET if secret else "public")(scope, receive, send)


async def public(*_: object) -> Response:
    return PlainTextResponse("public")


async def secret(*_: object) -> Response:
    return PlainTextResponse(SECRET)


async def secret_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(SECRET)
    await websocket.close()


def routes() -> list[Any]:
    return [
        *auth_routes(),
        Route("/", public),
        Route("/about", public),
        Route("/admin", secret, methods=["GET", "POST", "OPTIONS"]),
        Route("/admin/{rest:path}", secret),
        WebSocketRoute("/admin/ws", secret_socket),
        Mount("/assets", lenient),
        Mount("/", lenient),
    ]


def middleware(emulator: WorkOSEmulator, **options: Any) -> Middleware:
    options = {"protect": True, "public": PUBLIC, **options}
    return Middleware(AuthKitMiddleware, authkit=service(emulator), **options)


def starlette(emulator: WorkOSEmulator) -> ASGIApp:
    return Starlette(routes=routes(), middleware=[middleware(emulator)])


def fastapi(emulator: WorkOSEmulator) -> ASGIApp:
    return FastAPI(
        routes=routes(), middleware=[middleware(emulator)], openapi_url=None, docs_url=None
    )


def outside(emulator: WorkOSEmulator) -> ASGIApp:
    """The middleware around the whole application, before it is told its root path."""
    app = FastAPI(routes=routes(), openapi_url=None, docs_url=None)
    app.root_path = "/api"
    return AuthKitMiddleware(app, authkit=service(emulator), protect=True, public=PUBLIC)


def twice(emulator: WorkOSEmulator) -> ASGIApp:
    """The middleware a second time within, which asks for nothing."""
    inner = Middleware(AuthKitMiddleware, authkit=service(emulator))
    return Starlette(routes=routes(), middleware=[middleware(emulator), inner])


def within(emulator: WorkOSEmulator) -> ASGIApp:
    """The protecting middleware as the second, inside one that asks for nothing."""
    authkit = service(emulator)
    inner = Middleware(AuthKitMiddleware, authkit=authkit, protect=True, public=PUBLIC)
    return Starlette(
        routes=routes(), middleware=[Middleware(AuthKitMiddleware, authkit=authkit), inner]
    )


def with_skip(emulator: WorkOSEmulator) -> ASGIApp:
    skipping = middleware(emulator, public=("/", "/about"), skip=("/assets",))
    return Starlette(routes=routes(), middleware=[skipping])


def mounted(emulator: WorkOSEmulator) -> ASGIApp:
    """The protected application below /app, where nothing else is."""
    return Starlette(routes=[Mount("/app", starlette(emulator))])


def around_a_mount(emulator: WorkOSEmulator) -> ASGIApp:
    """The middleware outside, and the application below it mounted at the root."""
    inner = Starlette(routes=routes())
    return Starlette(routes=[Mount("/", inner)], middleware=[middleware(emulator)])


SITES = [starlette, fastapi, outside, twice, within, with_skip, mounted, around_a_mount]
