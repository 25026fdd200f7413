"""FastAPI: dependencies that say who is signed in, and the auth routes as a router."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Security
from fastapi.security import APIKeyCookie
from starlette.requests import HTTPConnection

from authkit_asgi import guards
from authkit_asgi.auth import SignedIn, User
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.connection import get_auth, get_session
from authkit_asgi.front_end import (
    SESSION_ROUTE,
    TOKEN_ROUTE,
    NoUserInfo,
    TokenInfo,
    UserInfo,
    describe_session,
    hand_out_token,
)
from authkit_asgi.guards import Guard, require_signed_in
from authkit_asgi.parentheses import called_first
from authkit_asgi.routes import OnError, OnSuccess, auth_routes


class _SessionCookie(APIKeyCookie):
    """Puts the session cookie into OpenAPI; the middleware is what reads it."""

    async def __call__(self, request: HTTPConnection) -> None:  # noqa: ARG002  # FastAPI's protocol
        return None


_SESSION_COOKIE = Security(
    _SessionCookie(
        name="wos-session",
        scheme_name="AuthKitSession",
        description="The sealed session that signing in sets. "
        "The setting `cookie_name` may name it otherwise.",
    )
)
_Documented = Annotated[None, _SESSION_COOKIE]

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}

AUTH_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    }
    for status, description in {
        401: "Nobody is signed in.",
        403: "Whoever is signed in may not do this.",
        503: "It cannot be told who is signed in; see Retry-After.",
    }.items()
}
"""For `responses=` of routes and routers whose dependencies are guards."""

_NO_OWN_SCRIPT = {
    **AUTH_RESPONSES[403],
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
            dependencies=[_SESSION_COOKIE],
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


# These are async for speed alone: FastAPI would run a plain function in a thread.
async def require_auth(connection: HTTPConnection, _cookie: _Documented = None) -> SignedIn:
    """Return who is signed in: 401 for a program, the way to sign in for a browser.

    Raises:
        NotSignedInError: Nobody is, and a program asks (401).
        SignInRedirectError: Nobody is, and a browser asks for a page (303).
        TemporarilyUnavailableError: It cannot be told now (503 with Retry-After).
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    return require_signed_in(connection)


CurrentAuth = Annotated[SignedIn, Depends(require_auth)]
"""Who is signed in, with everything the session says of them."""


async def require_user(auth: CurrentAuth) -> User:
    """Return the user who is signed in; denies as `require_auth` does."""
    return auth.user


def _dependency(guard: Guard) -> Callable[..., Awaitable[SignedIn]]:
    async def dependency(connection: HTTPConnection, _cookie: _Documented = None) -> SignedIn:
        return guard(connection)

    return dependency


@called_first
def require_role(*roles: str) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for any of `roles`: the guard `authkit_asgi.require_role` as a dependency."""
    return _dependency(guards.require_role(*roles))


@called_first
def require_permission(
    *permissions: str, any_of: bool = False
) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for permissions: the guard `authkit_asgi.require_permission` as a dependency."""
    return _dependency(guards.require_permission(*permissions, any_of=any_of))


@called_first
def require_entitlement(*entitlements: str) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for entitlements: the guard `authkit_asgi.require_entitlement` as a dependency."""
    return _dependency(guards.require_entitlement(*entitlements))


@called_first
def require_feature_flag(*flags: str) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for flags to be on: the guard `authkit_asgi.require_feature_flag` as a dependency."""
    return _dependency(guards.require_feature_flag(*flags))


@called_first
def require_organization(
    *organization_ids: str, path_param: str | None = None
) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for an organization: the guard `authkit_asgi.require_organization` as a dependency."""
    return _dependency(guards.require_organization(*organization_ids, path_param=path_param))


@called_first
def require_recent_auth(*, max_age: int = 300) -> Callable[..., Awaitable[SignedIn]]:
    """Ask for a recent sign-in: the guard `authkit_asgi.require_recent_auth` as a dependency."""
    return _dependency(guards.require_recent_auth(max_age=max_age))


async def _optional_user(connection: HTTPConnection, _cookie: _Documented = None) -> User | None:
    return get_auth(connection).user


async def _current_session(connection: HTTPConnection, _cookie: _Documented = None) -> AuthSession:
    return get_session(connection)


CurrentUser = Annotated[User, Depends(require_user)]
"""The user who is signed in."""

OptionalUser = Annotated[User | None, Depends(_optional_user)]
"""The user who is signed in, or `None`."""

CurrentSession = Annotated[AuthSession, Depends(_current_session)]
"""The connection's `AuthSession`, whoever it is from."""
