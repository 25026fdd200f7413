"""FastAPI: dependencies that say who is signed in, and the auth routes as a router."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, overload

from fastapi import Depends
from starlette.requests import HTTPConnection

from authkit_asgi import api_key_guard, callers, guards
from authkit_asgi.access_token import AccessToken
from authkit_asgi.api_key import APIKey
from authkit_asgi.async_guard import AsyncGuard, takes_access_tokens
from authkit_asgi.auth import SignedIn, User
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.callers import Caller
from authkit_asgi.connection import get_auth, get_session
from authkit_asgi.fastapi_router import auth_router, webhook_router
from authkit_asgi.guards import Guard, require_signed_in
from authkit_asgi.openapi import (
    AUTH_RESPONSES,
    BEARER_RESPONSES,
    DocumentedAPIKey,
    DocumentedCookie,
    DocumentedToken,
)
from authkit_asgi.parentheses import called_first

__all__ = [
    "AUTH_RESPONSES",
    "BEARER_RESPONSES",
    "CurrentAPIKey",
    "CurrentAccessToken",
    "CurrentAuth",
    "CurrentCaller",
    "CurrentSession",
    "CurrentUser",
    "OptionalUser",
    "auth_router",
    "require_access_token",
    "require_api_key",
    "require_auth",
    "require_caller",
    "require_entitlement",
    "require_feature_flag",
    "require_organization",
    "require_permission",
    "require_recent_auth",
    "require_role",
    "require_user",
    "webhook_router",
]

Dependency: TypeAlias = Callable[..., Awaitable[SignedIn]]
CallerDependency: TypeAlias = Callable[..., Awaitable[Caller]]

_T = TypeVar("_T")


# These are async for speed alone: FastAPI would run a plain function in a thread.
async def require_auth(connection: HTTPConnection, _cookie: DocumentedCookie = None) -> SignedIn:
    """Return who is signed in: 401 for a program, the way to sign in for a browser.

    Raises:
        NotSignedInError: Nobody is, and a program asks (401).
        SignInRedirectError: Nobody is, and a browser asks for a page (303).
        TemporarilyUnavailableError: It cannot be told now (503 with Retry-After).
        MixedCredentialsError: Another guard has let the request in by a token or API key (403).
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    return require_signed_in(connection)


CurrentAuth = Annotated[SignedIn, Depends(require_auth)]
"""Who is signed in, with everything the session says of them."""


async def require_user(auth: CurrentAuth) -> User:
    """Return the user who is signed in; denies as `require_auth` does."""
    return auth.user


@takes_access_tokens
async def require_access_token(
    connection: HTTPConnection, _token: DocumentedToken = None
) -> AccessToken:
    """Return the access token in `Authorization`: `authkit_asgi.require_access_token`.

    Raises:
        BearerTokenMissingError: There is none (401).
        BearerTokenMalformedError: The header is malformed or there twice (400).
        BearerTokenRefusedError: The token does not count (401).
        TemporarilyUnavailableError: It cannot be verified now (503 with Retry-After).
        MixedCredentialsError: Another guard has let the request in by the session cookie (403).
        ConfigurationError: The setting `issuers` is empty.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    return await callers.require_access_token(connection)


@takes_access_tokens
async def require_caller(
    connection: HTTPConnection, _cookie: DocumentedCookie = None, _token: DocumentedToken = None
) -> Caller:
    """Return the access token in `Authorization`, else who is signed in.

    Its errors are those of `require_access_token` with a bearer token, of `require_auth` without.
    """
    return await callers.require_caller(connection)


@called_first
def require_api_key(*permissions: str, any_of: bool = False) -> Callable[..., Awaitable[APIKey]]:
    """Ask for an API key: the guard `authkit_asgi.require_api_key` as a dependency."""
    guard = api_key_guard.require_api_key(*permissions, any_of=any_of)

    async def dependency(connection: HTTPConnection, _key: DocumentedAPIKey = None) -> APIKey:
        return await guard(connection)

    return dependency


@overload
def _dependency(guard: Guard) -> Dependency: ...
@overload
def _dependency(guard: AsyncGuard[_T]) -> Callable[..., Awaitable[_T]]: ...
def _dependency(guard: Guard | AsyncGuard[Any]) -> Callable[..., Awaitable[Any]]:
    if isinstance(guard, AsyncGuard):
        return _caller_dependency(guard)

    async def dependency(connection: HTTPConnection, _cookie: DocumentedCookie = None) -> SignedIn:
        return guard(connection)

    return dependency


def _caller_dependency(guard: AsyncGuard[_T]) -> Callable[..., Awaitable[_T]]:
    async def dependency(
        connection: HTTPConnection,
        _cookie: DocumentedCookie = None,
        _token: DocumentedToken = None,
    ) -> _T:
        return await guard(connection)

    return takes_access_tokens(dependency)


@overload
def require_role(*roles: str, bearer: Literal[False] = False) -> Dependency: ...
@overload
def require_role(*roles: str, bearer: Literal[True]) -> CallerDependency: ...
@overload
def require_role(*roles: str, bearer: bool) -> Dependency | CallerDependency: ...
@called_first
def require_role(*roles: str, bearer: bool = False) -> Dependency | CallerDependency:
    """Ask for any of `roles`: the guard `authkit_asgi.require_role` as a dependency."""
    return _dependency(guards.require_role(*roles, bearer=bearer))


@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: Literal[False] = False
) -> Dependency: ...
@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: Literal[True]
) -> CallerDependency: ...
@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: bool
) -> Dependency | CallerDependency: ...
@called_first
def require_permission(
    *permissions: str, any_of: bool = False, bearer: bool = False
) -> Dependency | CallerDependency:
    """Ask for permissions: the guard `authkit_asgi.require_permission` as a dependency."""
    return _dependency(guards.require_permission(*permissions, any_of=any_of, bearer=bearer))


@overload
def require_entitlement(*entitlements: str, bearer: Literal[False] = False) -> Dependency: ...
@overload
def require_entitlement(*entitlements: str, bearer: Literal[True]) -> CallerDependency: ...
@overload
def require_entitlement(*entitlements: str, bearer: bool) -> Dependency | CallerDependency: ...
@called_first
def require_entitlement(*entitlements: str, bearer: bool = False) -> Dependency | CallerDependency:
    """Ask for entitlements: the guard `authkit_asgi.require_entitlement` as a dependency."""
    return _dependency(guards.require_entitlement(*entitlements, bearer=bearer))


@overload
def require_feature_flag(*flags: str, bearer: Literal[False] = False) -> Dependency: ...
@overload
def require_feature_flag(*flags: str, bearer: Literal[True]) -> CallerDependency: ...
@overload
def require_feature_flag(*flags: str, bearer: bool) -> Dependency | CallerDependency: ...
@called_first
def require_feature_flag(*flags: str, bearer: bool = False) -> Dependency | CallerDependency:
    """Ask for flags to be on: the guard `authkit_asgi.require_feature_flag` as a dependency."""
    return _dependency(guards.require_feature_flag(*flags, bearer=bearer))


@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: Literal[False] = False
) -> Dependency: ...
@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: Literal[True]
) -> CallerDependency: ...
@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: bool
) -> Dependency | CallerDependency: ...
@called_first
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: bool = False
) -> Dependency | CallerDependency:
    """Ask for an organization: the guard `authkit_asgi.require_organization` as a dependency."""
    guard = guards.require_organization(*organization_ids, path_param=path_param, bearer=bearer)
    return _dependency(guard)


@overload
def require_recent_auth(*, max_age: int = 300, bearer: Literal[False] = False) -> Dependency: ...
@overload
def require_recent_auth(*, max_age: int = 300, bearer: Literal[True]) -> CallerDependency: ...
@overload
def require_recent_auth(*, max_age: int = 300, bearer: bool) -> Dependency | CallerDependency: ...
@called_first
def require_recent_auth(
    *, max_age: int = 300, bearer: bool = False
) -> Dependency | CallerDependency:
    """Ask for a recent sign-in: the guard `authkit_asgi.require_recent_auth` as a dependency."""
    return _dependency(guards.require_recent_auth(max_age=max_age, bearer=bearer))


async def _optional_user(
    connection: HTTPConnection, _cookie: DocumentedCookie = None
) -> User | None:
    return get_auth(connection).user


async def _current_session(
    connection: HTTPConnection, _cookie: DocumentedCookie = None
) -> AuthSession:
    return get_session(connection)


CurrentUser = Annotated[User, Depends(require_user)]
"""The user who is signed in."""

OptionalUser = Annotated[User | None, Depends(_optional_user)]
"""The user who is signed in, or `None`; by the cookie, whatever a guard goes by."""

CurrentAccessToken = Annotated[AccessToken, Depends(require_access_token)]
"""The access token in `Authorization`."""

CurrentCaller = Annotated[Caller, Depends(require_caller)]
"""The access token in `Authorization`, else who is signed in."""

CurrentAPIKey = Annotated[APIKey, Depends(require_api_key())]
"""The customer's API key in `Authorization`, whatever it may do."""

CurrentSession = Annotated[AuthSession, Depends(_current_session)]
"""The `AuthSession` of the connection's cookie, whoever it is from and a guard goes by."""
