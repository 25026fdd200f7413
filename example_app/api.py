"""What programs and scripts ask for: the user as JSON, and a WebSocket."""

from __future__ import annotations

import time

import anyio
from fastapi import APIRouter, Depends, WebSocket

from authkit_asgi import User
from authkit_asgi.fastapi import AUTH_RESPONSES, CurrentAuth, CurrentUser, require_permission

router = APIRouter()


@router.get("/api/me", responses=AUTH_RESPONSES)
async def me(user: CurrentUser) -> User:
    """Return the user who is signed in; 401 when nobody is."""
    return user


@router.get(
    "/api/export",
    dependencies=[Depends(require_permission("data:export"))],
    responses=AUTH_RESPONSES,
)
async def export(user: CurrentUser) -> dict[str, str]:
    """Return something that takes the permission; 403 says which one is missing."""
    return {"data": f"for {user.email} only"}


@router.websocket("/ws")
async def greet(websocket: WebSocket, auth: CurrentAuth) -> None:
    """Greet whoever is signed in; `CurrentAuth` refuses the handshake of all others.

    A connection outlives its handshake, so it has to end with the access token that opened it.
    """
    await websocket.accept()
    await websocket.send_json({"greeting": f"Hello, {auth.user.name or auth.user.email}!"})
    with anyio.move_on_after(auth.expires_at - time.time()):
        async for _ in websocket.iter_text():
            pass  # nothing is expected; this notices when the browser leaves
        return
    await websocket.send_json({"expired": True})
    await websocket.close()
