"""Applications as users of the pytest plugin have them: all settings from the environment."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import (
    AuthKitMiddleware,
    auth_routes,
    get_auth,
    get_session,
    require,
    require_permission,
    require_recent_auth,
)


async def who(request: Request) -> Response:
    auth = get_auth(request)
    if auth.user is None:
        return JSONResponse({"user": None, "reason": auth.reason})
    facts = {
        "user": auth.user.id,
        "email": auth.user.email,
        "organization": auth.organization_id,
        "role": auth.role,
        "roles": auth.roles,
        "permissions": auth.permissions,
        "feature_flags": auth.feature_flags,
        "entitlements": auth.entitlements,
        "impersonator": auth.impersonator and [auth.impersonator.email, auth.impersonator.reason],
        "session": auth.session_id,
        "life": auth.claims["exp"] - auth.claims["iat"],
    }
    return JSONResponse({name: _plain(value) for name, value in facts.items()})


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset | tuple) else value


@require(require_permission("data:export"))
async def export(request: Request) -> Response:
    return Response("…")


@require(require_recent_auth(max_age=300))
async def danger(request: Request) -> Response:
    return Response("…")


async def greet(websocket: WebSocket) -> None:
    auth = get_auth(websocket)
    await websocket.accept()
    await websocket.send_text(auth.user.email if auth.user else "nobody")
    await websocket.close()


async def switch(request: Request) -> Response:
    auth = await get_session(request).switch_organization(request.query_params["to"])
    return JSONResponse({"organization": auth.organization_id})


def routes() -> list[Any]:
    return [
        Route("/who", who),
        Route("/export", export, methods=["POST"]),
        Route("/danger", danger),
        WebSocketRoute("/ws", greet),
        Route("/switch", switch, methods=["POST"]),
        *auth_routes(),
    ]


def app(**options: Any) -> Starlette:
    return Starlette(routes=routes(), middleware=[Middleware(AuthKitMiddleware, **options)])
