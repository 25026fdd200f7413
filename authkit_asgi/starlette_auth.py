"""Starlette's own `request.user` and `request.auth`, for its `@requires` and what builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.authentication import AuthCredentials, BaseUser, UnauthenticatedUser
from starlette.types import Scope

from authkit_asgi.auth import Auth, User


class StarletteUser(BaseUser):
    """The signed-in user, as Starlette's authentication names them."""

    def __init__(self, user: User) -> None:
        self.user = user

    @property
    def is_authenticated(self) -> bool:
        """Always true: others are `UnauthenticatedUser`."""
        return True

    @property
    def display_name(self) -> str:
        """The user's name, or the address where WorkOS knows no name."""
        return self.user.name or self.user.first_name or self.user.email

    @property
    def identity(self) -> str:
        """The user's id."""
        return self.user.id


class _Scopes(list[str]):
    """What `@requires` looks into; finding something there lets in by the cookie, as a guard does.

    Args:
        scopes: Their names.
        decide: Notes that the cookie lets in; tells whether nothing else has done so before.
    """

    def __init__(self, scopes: Iterable[str], decide: Callable[[], bool]) -> None:
        super().__init__(scopes)
        self._decide = decide

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) and self._decide()


def fill_in_nobody(scope: Scope) -> None:
    """Set `request.user` and `request.auth` of a connection that nobody is signed in on."""
    scope["user"], scope["auth"] = UnauthenticatedUser(), AuthCredentials()


def fill_in(scope: Scope, auth: Auth, decide: Callable[[], bool]) -> None:
    """Set `request.user` and `request.auth` of a connection.

    The scopes are ``authenticated`` and, of the current organization, ``organization:org_…``,
    ``role:…``, ``permission:…``, ``entitlement:…`` and ``feature_flag:…``. Where an access token or
    an API key has let the request in, none is found among them.

    Args:
        scope: The connection's.
        auth: Who it is from.
        decide: Notes that the cookie lets in; tells whether nothing else has done so before.
    """
    fill_in_nobody(scope)
    if auth.user is None:
        return
    roles = dict.fromkeys((*((auth.role,) if auth.role else ()), *auth.roles))
    named = {
        "organization": (auth.organization_id,) if auth.organization_id else (),
        "role": tuple(roles),
        "permission": auth.permissions,
        "entitlement": auth.entitlements,
        "feature_flag": auth.feature_flags,
    }
    scopes = [f"{kind}:{name}" for kind, names in named.items() for name in names]
    scope["user"] = StarletteUser(auth.user)
    scope["auth"].scopes = _Scopes(["authenticated", *scopes], decide)
