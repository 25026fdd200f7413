"""What a request must have before an endpoint sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, overload

from starlette.requests import HTTPConnection

from authkit_asgi.async_guard import AsyncGuard, takes_access_tokens
from authkit_asgi.auth import SignedIn
from authkit_asgi.callers import (
    Caller,
    find_caller,
    find_signed_in,
    refused,
    require_signed_in,
)
from authkit_asgi.connection import session_of
from authkit_asgi.deciding_credential import let_in
from authkit_asgi.denials import ForbiddenError, RecentSignInRequiredError
from authkit_asgi.guarded_endpoints import Guard, require
from authkit_asgi.parentheses import called_first
from authkit_asgi.required_names import check_names, lacking_words, missing_names

__all__ = [
    "CallerGuard",
    "Guard",
    "require",
    "require_entitlement",
    "require_feature_flag",
    "require_organization",
    "require_permission",
    "require_recent_auth",
    "require_role",
    "require_signed_in",
]

CallerGuard: TypeAlias = AsyncGuard[Caller]
"""A guard with ``bearer=True``: returns an `AccessToken` or who is signed in, or raises."""

_Denial: TypeAlias = ForbiddenError | RecentSignInRequiredError

_MIN_MAX_AGE, _MAX_MAX_AGE = 10, 34_560_000  # seconds; the longest is a cookie's, 400 days


@overload
def require_role(*roles: str, bearer: Literal[False] = False) -> Guard: ...
@overload
def require_role(*roles: str, bearer: Literal[True]) -> CallerGuard: ...
@overload
def require_role(*roles: str, bearer: bool) -> Guard | CallerGuard: ...
@called_first
def require_role(*roles: str, bearer: bool = False) -> Guard | CallerGuard:
    """Return a guard that asks for any of `roles` in the current organization.

    With ``bearer=True`` an access token in `Authorization` does as well as the session cookie, and
    decides alone where there is one; see `require_caller`.

    Its errors are those of `require_signed_in` or `require_caller`, `ForbiddenError` and
    `MixedCredentialsError` (403): all guards of a request go by the same credential.
    """
    check_names("require_role", roles)
    return _naming_guard("roles", roles, lambda who: who.has_role, any_of=True, bearer=bearer)


@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: Literal[False] = False
) -> Guard: ...
@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: Literal[True]
) -> CallerGuard: ...
@overload
def require_permission(
    *permissions: str, any_of: bool = False, bearer: bool
) -> Guard | CallerGuard: ...
@called_first
def require_permission(
    *permissions: str, any_of: bool = False, bearer: bool = False
) -> Guard | CallerGuard:
    """Return a guard that asks for all of `permissions`, or with `any_of` for one of them.

    `bearer` and its errors are those of `require_role`.
    """
    check_names("require_permission", permissions)
    return _naming_guard(
        "permissions", permissions, lambda who: who.has_permission, any_of=any_of, bearer=bearer
    )


@overload
def require_entitlement(*entitlements: str, bearer: Literal[False] = False) -> Guard: ...
@overload
def require_entitlement(*entitlements: str, bearer: Literal[True]) -> CallerGuard: ...
@overload
def require_entitlement(*entitlements: str, bearer: bool) -> Guard | CallerGuard: ...
@called_first
def require_entitlement(*entitlements: str, bearer: bool = False) -> Guard | CallerGuard:
    """Return a guard that asks for all of `entitlements`; else as `require_role`."""
    check_names("require_entitlement", entitlements)
    return _naming_guard(
        "entitlements", entitlements, lambda who: who.has_entitlement, bearer=bearer
    )


@overload
def require_feature_flag(*flags: str, bearer: Literal[False] = False) -> Guard: ...
@overload
def require_feature_flag(*flags: str, bearer: Literal[True]) -> CallerGuard: ...
@overload
def require_feature_flag(*flags: str, bearer: bool) -> Guard | CallerGuard: ...
@called_first
def require_feature_flag(*flags: str, bearer: bool = False) -> Guard | CallerGuard:
    """Return a guard that asks for all of `flags` to be on; else as `require_role`."""
    check_names("require_feature_flag", flags)
    return _naming_guard("feature_flags", flags, lambda who: who.has_feature_flag, bearer=bearer)


@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: Literal[False] = False
) -> Guard: ...
@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: Literal[True]
) -> CallerGuard: ...
@overload
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: bool
) -> Guard | CallerGuard: ...
@called_first
def require_organization(
    *organization_ids: str, path_param: str | None = None, bearer: bool = False
) -> Guard | CallerGuard:
    """Return a guard that asks for a session in one of the organizations.

    Args:
        organization_ids: Their ids. With neither argument, any organization will do.
        path_param: The parameter of the route's path that holds the id instead.
        bearer: As for `require_role`, whose errors are its, too.
    """
    if organization_ids or path_param is not None:
        given = organization_ids if path_param is None else (path_param, *organization_ids)
        check_names("require_organization", given)
    if organization_ids and path_param is not None:
        raise TypeError("require_organization takes ids or path_param")

    def check(connection: HTTPConnection, who: Caller) -> _Denial | None:
        wanted = organization_ids
        if path_param is not None:
            # A route without it is a mistake of the application's, and lets nobody in.
            if path_param not in connection.path_params:
                raise KeyError(f"the path of this route has no parameter {path_param!r}")
            wanted = (str(connection.path_params[path_param]),)
        # Which one is in the address, or nobody else's business.
        if who.organization_id is None:
            return ForbiddenError("This needs an organization", {"organizations": ()})
        if wanted and who.organization_id not in wanted:
            return ForbiddenError("This needs another organization", {"organizations": ()})
        return None

    return _guard(check, bearer=bearer)


@overload
def require_recent_auth(*, max_age: int = 300, bearer: Literal[False] = False) -> Guard: ...
@overload
def require_recent_auth(*, max_age: int = 300, bearer: Literal[True]) -> CallerGuard: ...
@overload
def require_recent_auth(*, max_age: int = 300, bearer: bool) -> Guard | CallerGuard: ...
@called_first
def require_recent_auth(*, max_age: int = 300, bearer: bool = False) -> Guard | CallerGuard:
    """Return a guard that asks for a sign-in at most `max_age` seconds ago.

    A browser that asks for a page is sent to sign in again, which WorkOS does not skip and the
    callback checks; a program gets 401 (`RecentSignInRequiredError`). A token that does not say
    when the user signed in (`auth_time`) is never recent. Else its errors are those of
    `require_role`.

    Args:
        max_age: Whole seconds, 10 to 34,560,000: it takes some to come back from a sign-in. The
            setting `jwt_leeway` is added, since `auth_time` is by WorkOS's clock.
        bearer: As for `require_role`.
    """
    given: object = max_age  # NaN would be less than nothing, and let everybody in
    if not isinstance(given, int) or not _MIN_MAX_AGE <= given <= _MAX_MAX_AGE:
        raise ValueError(f"max_age has to be {_MIN_MAX_AGE} to {_MAX_MAX_AGE} whole seconds")

    def check(connection: HTTPConnection, who: Caller) -> _Denial | None:
        is_recent = session_of(connection).was_signed_in_within(max_age, who)
        return None if is_recent else RecentSignInRequiredError(max_age)

    return _guard(check, bearer=bearer)


def _naming_guard(
    kind: str,
    names: tuple[str, ...],
    question: Callable[[Caller], Callable[[str], bool]],
    *,
    any_of: bool = False,
    bearer: bool,
) -> Guard | CallerGuard:
    def check(_connection: HTTPConnection, who: Caller) -> _Denial | None:
        lacking = missing_names(names, question(who), any_of=any_of)
        if not lacking:
            return None
        return ForbiddenError(lacking_words(kind, lacking, any_of=any_of), {kind: lacking})

    return _guard(check, bearer=bearer)


def _guard(
    check: Callable[[HTTPConnection, Caller], _Denial | None], *, bearer: bool
) -> Guard | CallerGuard:
    def checked(connection: HTTPConnection, who: Any) -> Any:
        denial = check(connection, who)
        if denial is not None:
            raise refused(connection, who, denial)
        return who

    async def guard_of_either(connection: HTTPConnection) -> Caller:
        return checked(connection, await find_caller(connection))  # type: ignore[no-any-return]

    def guard(connection: HTTPConnection) -> SignedIn:
        who = checked(connection, find_signed_in(connection))
        return let_in(connection, who)  # type: ignore[no-any-return]

    return takes_access_tokens(AsyncGuard(guard_of_either)) if bearer else guard
