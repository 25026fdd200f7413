"""Starlette's own `request.user` and `request.auth`, for its `@requires` and what builds on it."""

from __future__ import annotations

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


def fill_in(scope: Scope, auth: Auth) -> None:
    """Set `request.user` and `request.auth` of a connection.

    The scopes are ``authenticated`` and, of the current organization, ``organization:org_…``,
    ``role:…``, ``permission:…``, ``entitlement:…`` and ``feature_flag:…``.
    """
    if auth.user is None:
        scope["user"], scope["auth"] = UnauthenticatedUser(), AuthCredentials()
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
    scope["user"], scope["auth"] = (
        StarletteUser(auth.user),
        AuthCredentials(["authenticated", *scopes]),
    )
