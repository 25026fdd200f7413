"""Users, organizations and who is a member of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from authkit_asgi.testing.identifiers import new_identifier, timestamp
from authkit_asgi.testing.refusal import Refusal, invalid_grant


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedUser:
    """A user as of the moment it was read.

    Beside the fields of the WorkOS User object: ``claims`` go into the user's access tokens (as a
    JWT template puts them there), ``oauth_tokens`` into the answer to a code,
    ``authentication_method`` is what sign-ins on the page report, and ``password`` what
    applications with a sign-in form of their own may send; on the page nobody asks for it.
    """

    id: str
    email: str
    first_name: str | None = None
    last_name: str | None = None
    email_verified: bool = True
    profile_picture_url: str | None = None
    last_sign_in_at: float | None = None
    locale: str | None = None
    external_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float
    updated_at: float
    claims: Mapping[str, Any] = field(default_factory=dict)
    oauth_tokens: Mapping[str, Any] | None = None
    authentication_method: str = "Password"
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str | None:
        """First and last name, or ``None`` when neither is known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or None

    def as_json(self) -> dict[str, Any]:
        """Return the WorkOS User object."""
        signed_in = self.last_sign_in_at
        return {
            "object": "user",
            "id": self.id,
            "email": self.email,
            "email_verified": self.email_verified,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "name": self.name,
            "profile_picture_url": self.profile_picture_url,
            "last_sign_in_at": None if signed_in is None else timestamp(signed_in),
            "locale": self.locale,
            "external_id": self.external_id,
            "metadata": dict(self.metadata),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization; switching to one with a requirement is refused with 403."""

    id: str
    name: str
    sso_required: bool = False
    mfa_required: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the organization with its requirements."""
        return {
            "object": "organization",
            "id": self.id,
            "name": self.name,
            "sso_required": self.sso_required,
            "mfa_required": self.mfa_required,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a user is and may do in an organization: the source of the organization claims."""

    id: str
    user_id: str
    organization_id: str
    created_at: float
    updated_at: float
    role: str = "member"
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    feature_flags: tuple[str, ...] = ()

    def as_claims(self) -> dict[str, Any]:
        """Return the organization part of an access token."""
        claims: dict[str, Any] = {
            "org_id": self.organization_id,
            "role": self.role,
            "roles": list(self.roles or (self.role,)),
            "permissions": list(self.permissions),
        }
        if self.entitlements:
            claims["entitlements"] = list(self.entitlements)
        if self.feature_flags:
            claims["feature_flags"] = list(self.feature_flags)
        return claims

    def as_json(self) -> dict[str, Any]:
        """Return the membership with what it allows."""
        return {
            "object": "organization_membership",
            "id": self.id,
            "user_id": self.user_id,
            **self.as_claims(),
        }


class Directory:
    """All users, organizations and memberships, in the order they were added."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.users: dict[str, EmulatedUser] = {}
        self.organizations: dict[str, Organization] = {}
        self._memberships: dict[tuple[str, str], Membership] = {}

    def clear(self) -> None:
        """Forget everybody."""
        self.users.clear()
        self.organizations.clear()
        self._memberships.clear()

    def add_user(self, *, email: str, user_id: str | None = None, **more: Any) -> EmulatedUser:
        """Add a user; `ValueError` if the email address or the id is taken."""
        if self.user_by_email(email) is not None:
            raise ValueError(f"there is a user with the address {email!r} already")
        now = self._clock()
        user_id = user_id or new_identifier("user")
        if user_id in self.users:
            raise ValueError(f"there is a user {user_id!r} already")
        user = EmulatedUser(id=user_id, email=email, created_at=now, updated_at=now, **more)
        # A wrong type shows here rather than later on some page.
        user.as_json()
        self.users[user.id] = user
        return user

    def update_user(self, user_id: str, **changes: Any) -> EmulatedUser:
        """Change fields of a user; `KeyError` if there is none."""
        user = replace(self.users[user_id], updated_at=self._clock(), **changes)
        self.users[user_id] = user
        return user

    def remove_user(self, user_id: str) -> None:
        """Delete a user with all memberships; `KeyError` if there is none."""
        del self.users[user_id]
        for membership in self.memberships_of(user_id):
            self.remove_membership(user_id, membership.organization_id)

    def user_by_email(self, email: str) -> EmulatedUser | None:
        """Return the user with this address; case does not matter."""
        wanted = email.casefold()
        return next((u for u in self.users.values() if u.email.casefold() == wanted), None)

    def add_organization(
        self,
        name: str,
        *,
        organization_id: str | None = None,
        sso_required: bool = False,
        mfa_required: bool = False,
    ) -> Organization:
        """Add an organization; an id that is taken replaces the one there."""
        organization = Organization(
            id=organization_id or new_identifier("org"),
            name=name,
            sso_required=sso_required,
            mfa_required=mfa_required,
        )
        self.organizations[organization.id] = organization
        return organization

    def add_membership(self, user_id: str, organization_id: str, **more: Any) -> Membership:
        """Make a user a member, or change the membership; `KeyError` if either is unknown."""
        user = self.users[user_id]
        organization = self.organizations[organization_id]
        role = more.pop("role", "member")
        lists = {name: _texts(value) for name, value in more.items()}
        known = self.membership(user.id, organization.id)
        now = self._clock()
        membership = Membership(
            id=new_identifier("om") if known is None else known.id,
            user_id=user.id,
            organization_id=organization.id,
            created_at=now if known is None else known.created_at,
            updated_at=now,
            role=role,
            **lists,
        )
        self._memberships[user.id, organization.id] = membership
        return membership

    def remove_membership(self, user_id: str, organization_id: str) -> Membership:
        """End a membership and return it; `KeyError` if there is none."""
        return self._memberships.pop((user_id, organization_id))

    def memberships_of(self, user_id: str) -> tuple[Membership, ...]:
        """Return a user's memberships, the first one first."""
        return self.find_memberships(user_id, None)

    def find_memberships(
        self, user_id: str | None, organization_id: str | None
    ) -> tuple[Membership, ...]:
        """Return the memberships of a user, an organization or both, the first one first."""
        return tuple(
            membership
            for membership in self._memberships.values()
            if user_id in {None, membership.user_id}
            and organization_id in {None, membership.organization_id}
        )

    def membership(self, user_id: str, organization_id: str) -> Membership | None:
        """Return one membership."""
        return self._memberships.get((user_id, organization_id))

    def default_organization(self, user_id: str) -> str | None:
        """Return the organization of a sign-in that names none: the user's first."""
        return next((m.organization_id for m in self.memberships_of(user_id)), None)

    def check_member(self, user_id: str, organization_id: str) -> None:
        """Refuse a session in an organization the user is no member of."""
        if self.membership(user_id, organization_id) is None:
            raise invalid_grant("The user is not a member of the organization.")

    def check_switch(self, user: EmulatedUser, organization_id: str) -> None:
        """Refuse a switch to an organization that asks for more than the session has."""
        organization = self.organizations[organization_id]
        pending = {"pending_authentication_token": new_identifier("pending")}
        if organization.sso_required:
            connection = f"conn_{organization.id.removeprefix('org_')}"
            extra = {**pending, "email": user.email, "connection_ids": [connection]}
            message = "User must authenticate using one of the matching connections."
            raise Refusal(403, "sso_required", message, extra)
        if organization.mfa_required:
            message = "The user must enroll in MFA to finish authenticating."
            raise Refusal(403, "mfa_enrollment", message, {**pending, "user": user.as_json()})


def _texts(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError("expected a list of texts, not one text")
    return tuple(value)
