"""A site in a process of its own: prints its address and serves. The environment configures it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket
from starlette.types import ASGIApp

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.fastapi import CurrentAuth, CurrentUser, auth_router

# As a program of its own, this has no pytest to find what all folders share.
sys.path.append(str(Path(__file__).parent.parent))
from asgi_passage import observe
from asgi_spec import checked


def application() -> ASGIApp:
    """The site; a message that breaks the ASGI specification is an error in the server's log."""
    observe()
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, jwt_leeway=0)
    app.include_router(auth_router())

    @app.get("/me")
    async def me(auth: CurrentAuth) -> list[str]:
        return [auth.user.id, auth.access_token]

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    return checked(app)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        os.environ["WORKOS_REDIRECT_URI"] = f"{address}/callback"
        print(address, flush=True)  # noqa: T201  # the test waits for this line
        uvicorn.Server(uvicorn.Config(application(), log_level="debug")).run([listener])


if __name__ == "__main__":
    main()
