"""What a request must have before an endpoint sees it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection

from authkit_asgi.auth import SignedIn
from authkit_asgi.connection import get_auth, get_session
from authkit_asgi.denials import (
    ForbiddenError,
    RecentSignInRequiredError,
    raised,
    redirected,
    signed_out_denial,
)
from authkit_asgi.parentheses import called_first

Guard: TypeAlias = Callable[[HTTPConnection], SignedIn]
"""Returns who is signed in, or raises what the request gets instead."""

_T = TypeVar("_T")

_MIN_MAX_AGE, _MAX_MAX_AGE = 10, 34_560_000  # seconds; the longest is a cookie's, 400 days
_CONNECTIONS = frozenset({"request", "websocket", "connection"})


def require_signed_in(connection: HTTPConnection) -> SignedIn:
    """Return who is signed in on `connection`.

    Raises:
        NotSignedInError: Nobody is, and a program asks (401).
        SignInRedirectError: Nobody is, and a browser asks for a page (303).
        TemporarilyUnavailableError: It cannot be told now (503 with Retry-After).
        WebSocketException: Any of these, on a WebSocket whose server cannot send a response.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    auth = get_auth(connection)
    if auth.user is None:
        raise raised(connection.scope, signed_out_denial(connection.scope, auth))
    return auth


@called_first
def require_role(*roles: str) -> Guard:
    """Return a guard that asks for any of `roles` in the current organization.

    Its errors are those of `require_signed_in`, and `ForbiddenError` (403).
    """
    _check_names("require_role", roles)
    return _guard("roles", lambda auth: () if auth.has_role(*roles) else roles, any_of=True)


@called_first
def require_permission(*permissions: str, any_of: bool = False) -> Guard:
    """Return a guard that asks for all of `permissions`, or with `any_of` for one of them.

    Its errors are those of `require_role`.
    """
    _check_names("require_permission", permissions)

    def missing(auth: SignedIn) -> tuple[str, ...]:
        lacking = tuple(name for name in permissions if not auth.has_permission(name))
        return () if any_of and len(lacking) < len(permissions) else lacking

    return _guard("permissions", missing, any_of=any_of)


@called_first
def require_entitlement(*entitlements: str) -> Guard:
    """Return a guard that asks for all of `entitlements`; errors as `require_role`."""
    _check_names("require_entitlement", entitlements)
    return _guard(
        "entitlements",
        lambda auth: tuple(name for name in entitlements if not auth.has_entitlement(name)),
    )


@called_first
def require_feature_flag(*flags: str) -> Guard:
    """Return a guard that asks for all of `flags` to be on; errors as `require_role`."""
    _check_names("require_feature_flag", flags)
    return _guard(
        "feature_flags",
        lambda auth: tuple(name for name in flags if not auth.has_feature_flag(name)),
    )


@called_first
def require_organization(*organization_ids: str, path_param: str | None = None) -> Guard:
    """Return a guard that asks for a session in one of the organizations.

    Args:
        organization_ids: Their ids. With neither argument, any organization will do.
        path_param: The parameter of the route's path that holds the id instead.

    Its errors are those of `require_role`.
    """
    if organization_ids or path_param is not None:
        given = organization_ids if path_param is None else (path_param, *organization_ids)
        _check_names("require_organization", given)
    if organization_ids and path_param is not None:
        raise TypeError("require_organization takes ids or path_param")

    def guard(connection: HTTPConnection) -> SignedIn:
        auth = require_signed_in(connection)
        wanted = organization_ids
        if path_param is not None:
            # A route without it is a mistake of the application's, and lets nobody in.
            wanted = (str(connection.path_params[path_param]),)
        if auth.organization_id is None or (wanted and auth.organization_id not in wanted):
            # Which one is in the address, or nobody else's business.
            denial = ForbiddenError("This needs another organization", {"organizations": ()})
            raise raised(connection.scope, denial)
        return auth

    return guard


@called_first
def require_recent_auth(*, max_age: int = 300) -> Guard:
    """Return a guard that asks for a sign-in at most `max_age` seconds ago.

    A browser that asks for a page is sent to sign in again, which WorkOS does not skip and the
    callback checks; a program gets 401 (`RecentSignInRequiredError`). A token that does not say
    when the user signed in (`auth_time`) is never recent. Else its errors are those of
    `require_role`.

    Args:
        max_age: Whole seconds, 10 to 34,560,000: it takes some to come back from a sign-in. The
            setting `jwt_leeway` is added, since `auth_time` is by WorkOS's clock.
    """
    given: object = max_age  # NaN would be less than nothing, and let everybody in
    if not isinstance(given, int) or not _MIN_MAX_AGE <= given <= _MAX_MAX_AGE:
        raise ValueError(f"max_age has to be {_MIN_MAX_AGE} to {_MAX_MAX_AGE} whole seconds")

    def guard(connection: HTTPConnection) -> SignedIn:
        auth = require_signed_in(connection)
        if not get_session(connection).has_signed_in_within(max_age):
            scope = connection.scope
            raise raised(scope, redirected(scope, RecentSignInRequiredError(max_age)))
        return auth

    return guard


def require(*guards: Guard) -> Callable[[_T], _T]:
    """Decorate an endpoint of Starlette's: all `guards` have to pass before it is called.

    It takes functions with a `request` or `websocket`, plain or async, methods of `HTTPEndpoint`,
    and the classes `HTTPEndpoint` and `WebSocketEndpoint`. A WebSocket is denied before it is
    accepted. Without guards, somebody has to be signed in. Of several decorators it stands below
    those that register the endpoint.

    Raises:
        TypeError: What it decorates is none of these, or a guard is a dependency of FastAPI's.
    """
    checks = guards or (require_signed_in,)
    if any(inspect.iscoroutinefunction(guard) for guard in checks):
        raise TypeError("require takes the guards of authkit_asgi, not those of .fastapi")

    def decorate(endpoint: Any) -> Any:
        if inspect.isclass(endpoint):
            return _guarded_class(endpoint, checks)
        return _guarded_function(endpoint, checks)

    return cast("Callable[[_T], _T]", decorate)


def _check(connection: HTTPConnection, checks: tuple[Guard, ...]) -> None:
    for guard in checks:
        # Whatever else comes back is no verdict: one made by a function that was not called first.
        if not isinstance(guard(connection), SignedIn):
            raise TypeError("A guard returns who is signed in, or raises")


def _guarded_function(function: Callable[..., Any], checks: tuple[Guard, ...]) -> Any:
    if _CONNECTIONS.isdisjoint(inspect.signature(function).parameters):
        raise TypeError(f"{function!r} has no parameter request or websocket")

    def check(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        values = (*args, *kwargs.values())
        connection = next((one for one in values if isinstance(one, HTTPConnection)), None)
        if connection is None:
            raise TypeError(f"{function!r} was called without a request or websocket")
        _check(connection, checks)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            check(args, kwargs)
            return await function(*args, **kwargs)

        return guarded

    @functools.wraps(function)
    def guarded_in_thread(*args: Any, **kwargs: Any) -> Any:
        check(args, kwargs)
        return function(*args, **kwargs)

    return guarded_in_thread


def _guarded_class(endpoint: Any, checks: tuple[Guard, ...]) -> Any:
    if not issubclass(endpoint, HTTPEndpoint | WebSocketEndpoint):
        raise TypeError(f"{endpoint!r} is no endpoint of Starlette's")
    # Where everything begins: a subclass with a `dispatch` of its own is guarded as well.
    begin = endpoint.__await__

    def guarded(self: Any) -> Any:
        _check(HTTPConnection(self.scope), checks)
        return begin(self)

    endpoint.__await__ = guarded
    return endpoint


def _guard(
    kind: str,
    missing: Callable[[SignedIn], tuple[str, ...]],
    *,
    any_of: bool = False,
) -> Guard:
    def guard(connection: HTTPConnection) -> SignedIn:
        auth = require_signed_in(connection)
        if lacking := missing(auth):
            joint = " or " if any_of else " and "
            words = kind.replace("_", " ")
            detail = f"This needs the {words} {joint.join(lacking)}"
            if len(lacking) == 1:
                detail = f"This needs the {words.removesuffix('s')} {lacking[0]}"
            raise raised(connection.scope, ForbiddenError(detail, {kind: lacking}))
        return auth

    return guard


def _check_names(guard: str, names: tuple[object, ...]) -> None:
    # One that asks for nothing would let everybody in.
    if not names or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"{guard} takes names, one at least")
