"""FastAPI: the auth routes and the webhook as routers."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from authkit_asgi.config import WEBHOOK_PATH
from authkit_asgi.front_end import (
    SESSION_ROUTE,
    TOKEN_ROUTE,
    NoUserInfo,
    TokenInfo,
    UserInfo,
    describe_session,
    hand_out_token,
)
from authkit_asgi.openapi import AUTH_RESPONSES, SESSION_COOKIE
from authkit_asgi.routes import OnError, OnSuccess, auth_routes
from authkit_asgi.webhooks import OnEvent, webhook_route

_NO_OWN_SCRIPT = {
    **AUTH_RESPONSES[503],
    "description": "Something else asks than a script in a page of the same origin.",
}


def auth_router(
    *,
    prefix: str = "",
    login: str = "/login",
    sign_up: str = "/signup",
    callback: str = "/callback",
    logout: str = "/logout",
    session: str | None = None,
    token: str | None = None,
    on_success: OnSuccess | None = None,
    on_error: OnError | None = None,
) -> APIRouter:
    """Return the routes that sign people in and out, for `app.include_router`.

    The arguments are those of `authkit_asgi.auth_routes`. Of these routes, `session` and `token`
    are in the OpenAPI document: front ends have clients made from it.
    """
    router = APIRouter()
    if session is not None:
        router.add_api_route(
            prefix + session,
            describe_session,
            name=SESSION_ROUTE,
            response_model=UserInfo | NoUserInfo,
            responses={503: AUTH_RESPONSES[503]},
        )
    if token is not None:
        router.add_api_route(
            prefix + token,
            hand_out_token,
            name=TOKEN_ROUTE,
            response_model=TokenInfo,
            responses=AUTH_RESPONSES | {403: _NO_OWN_SCRIPT},
            dependencies=[SESSION_COOKIE],
        )
    routes = auth_routes(
        prefix=prefix,
        login=login,
        sign_up=sign_up,
        callback=callback,
        logout=logout,
        session=session,  # once more, for HEAD
        token=token,
        on_success=on_success,
        on_error=on_error,
    )
    router.routes.extend(routes)
    return router


def webhook_router(
    path: str = WEBHOOK_PATH,
    *,
    secret: str | Sequence[str],
    on_event: OnEvent | None = None,
) -> APIRouter:
    """Return the route that WorkOS tells of sessions that are over, for `app.include_router`.

    The arguments and errors are those of `authkit_asgi.webhook_route`.
    """
    return APIRouter(routes=[webhook_route(path, secret=secret, on_event=on_event)])
