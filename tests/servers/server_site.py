"""The site in a server's process: ``server_site:make``. The environment configures it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.fastapi import CurrentAuth, CurrentUser, auth_router

# As a program of its own, this has no pytest to find what all folders share.
sys.path.append(str(Path(__file__).parent.parent))
from asgi_breaches import collecting
from asgi_passage import observe
from asgi_spec import checked
from flood import CHUNK, CHUNKS

STARTED, STOPPED = "The site has started.", "The site has stopped."

_PAUSE_SECONDS = 0.01  # between the pieces of a stream without end

_BREACHES = contextlib.ExitStack()
_NOTES: defaultdict[str, list[str]] = defaultdict(list)  # what became of each user's requests
_GO: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)


@contextlib.asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    print(STARTED, flush=True)  # noqa: T201  # the test looks for it in the server's log
    yield
    print(STOPPED, flush=True)  # noqa: T201


def make() -> ASGIApp:
    """Return the site; a message that breaks the ASGI specification is an error in the log."""
    _BREACHES.enter_context(collecting(*filter(None, os.environ["ASGI_BREACHES"].split("|"))))
    observe()
    app = FastAPI(lifespan=_lifespan)
    app.add_middleware(AuthKitMiddleware, jwt_leeway=0)
    app.include_router(auth_router())
    _add_pages(app)
    _add_streams(app)
    _add_waiting(app)
    _add_websockets(app)
    return checked(app)


def _add_pages(app: FastAPI) -> None:
    @app.get("/me")
    async def me(auth: CurrentAuth) -> list[str]:
        return [auth.user.id, auth.access_token]

    @app.get("/notes/{user_id}")
    async def notes(user_id: str) -> list[str]:
        return _NOTES[user_id]

    @app.post("/go/{user_id}")
    async def go(user_id: str) -> None:
        _GO[user_id].set()


def _add_streams(app: FastAPI) -> None:
    @app.get("/pieces")
    async def pieces(user: CurrentUser) -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            yield b"first"
            await _GO[user.id].wait()
            yield b"second"

        return StreamingResponse(stream())

    @app.get("/flood")
    async def flood(user: CurrentUser) -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            for _ in range(CHUNKS):
                yield CHUNK
                _NOTES[user.id].append("sent")

        return StreamingResponse(stream())

    @app.post("/upload")
    async def upload(request: Request, user: CurrentUser) -> int:
        size = 0
        try:
            async for part in request.stream():
                size += len(part)
                _NOTES[user.id].append(f"{size} octets")
        except ClientDisconnect:
            _NOTES[user.id].append("client gone")
        return size


def _add_waiting(app: FastAPI) -> None:
    @app.get("/endless")
    async def endless(user: CurrentUser) -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"."
                    await asyncio.sleep(_PAUSE_SECONDS)
            finally:
                _NOTES[user.id].append("stream ended")

        return StreamingResponse(stream())

    @app.post("/hang")
    async def hang(request: Request, user: CurrentUser) -> Response:
        _NOTES[user.id].append("hanging")
        while (await request.receive())["type"] != "http.disconnect":
            pass
        _NOTES[user.id].append("client gone")
        return Response()


def _add_websockets(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    @app.websocket("/echo")
    async def echo(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(f"{user.id}: {await websocket.receive_text()}")
        except WebSocketDisconnect:
            _NOTES[user.id].append("client gone")
