"""The part of the emulator's interface that is about users and organizations."""

from __future__ import annotations

from typing import Any, TypeAlias

from authkit_asgi.testing.directory import EmulatedUser, Membership, Organization
from authkit_asgi.testing.state import EmulatorState

UserReference: TypeAlias = EmulatedUser | str
OrganizationReference: TypeAlias = Organization | str


def identifier(reference: EmulatedUser | Organization | str) -> str:
    """Return the id of something that may be given as an object or by its id."""
    return reference if isinstance(reference, str) else reference.id


class People:
    """Who is there. Users and organizations may be given as objects or by their ids."""

    __slots__ = ("_state",)

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def add_user(
        self,
        *,
        email: str,
        first_name: str | None = None,
        last_name: str | None = None,
        user_id: str | None = None,
        **more: Any,
    ) -> EmulatedUser:
        """Add a user; `more` are further fields of `EmulatedUser`.

        Raises:
            ValueError: The email address or the id is taken.
        """
        names = {"first_name": first_name, "last_name": last_name}
        with self._state.lock:
            return self._state.directory.add_user(email=email, user_id=user_id, **names, **more)

    def user(self, user: UserReference) -> EmulatedUser:
        """Return a user as of now; `KeyError` if there is none."""
        with self._state.lock:
            return self._state.directory.users[identifier(user)]

    def one_time_code(self, email: str) -> str:
        """Return the last code of six digits sent to an address: its owner's look into the mail.

        Raises:
            KeyError: None was sent.
        """
        with self._state.lock:
            sent = self._state.one_time_codes.last_sent_to(email)
        if sent is None:
            raise KeyError(email)
        return sent.code

    def update_user(self, user: UserReference, **changes: Any) -> EmulatedUser:
        """Change fields of a user; tokens and answers made from now on show it."""
        with self._state.lock:
            return self._state.directory.update_user(identifier(user), **changes)

    def remove_user(self, user: UserReference) -> None:
        """Delete a user; refreshes of the user's sessions fail from now on."""
        with self._state.lock:
            removed = self._state.directory.users[identifier(user)]
            self._state.directory.remove_user(removed.id)
            self._state.webhooks.send("user.deleted", removed.as_json())

    def add_organization(
        self,
        name: str,
        *,
        sso_required: bool = False,
        mfa_required: bool = False,
        organization_id: str | None = None,
    ) -> Organization:
        """Add an organization. A switch to one that requires something is refused with 403."""
        with self._state.lock:
            return self._state.directory.add_organization(
                name,
                organization_id=organization_id,
                sso_required=sso_required,
                mfa_required=mfa_required,
            )

    def add_membership(
        self, user: UserReference, organization: OrganizationReference, **more: Any
    ) -> Membership:
        """Make a user a member of an organization, or change the membership there is.

        Args:
            user: Who.
            organization: Of what. A user's first one is that of sign-ins which name none.
            **more: ``role``, ``roles`` (default: the one role), ``permissions``,
                ``entitlements``, ``feature_flags``.
        """
        with self._state.lock:
            return self._state.directory.add_membership(
                identifier(user), identifier(organization), **more
            )

    def enroll(
        self,
        user: UserReference = "ada@example.com",
        organization: OrganizationReference | None = None,
        **rights: Any,
    ) -> tuple[EmulatedUser, str | None]:
        """Return a user who is there, with these rights, and the organization's id.

        Args:
            user: A user, the id of one, or an email address. Who is not there is added.
            organization: An organization or its id; one that is not there is added. ``None`` is
                the user's first, or a new one where `rights` need one.
            **rights: As for `add_membership`. Those that are not named, or are ``None``, stay as
                they are.
        """
        given = {name: value for name, value in rights.items() if value is not None}
        if "role" in given:
            given.setdefault("roles", ())  # else those of another role would stay
        with self._state.lock:
            directory = self._state.directory
            member = self._enrolled(identifier(user))
            place = None if organization is None else identifier(organization)
            if place is None:
                place = directory.default_organization(member.id)
            if place is None and given:
                place = directory.add_organization("Acme").id
            if place is None:
                return member, None
            if place not in directory.organizations:
                directory.add_organization(place, organization_id=place)
            known = directory.membership(member.id, place)
            if given or known is None:
                directory.add_membership(member.id, place, **{**_rights(known), **given})
            return member, place

    def _enrolled(self, reference: str) -> EmulatedUser:
        directory = self._state.directory
        if reference in directory.users:
            return directory.users[reference]
        if "@" not in reference:
            return directory.add_user(email=f"{reference}@example.com", user_id=reference)
        return directory.user_by_email(reference) or directory.add_user(email=reference)

    def remove_membership(self, user: UserReference, organization: OrganizationReference) -> None:
        """End a membership; refreshes into that organization fail from now on."""
        user_id, organization_id = identifier(user), identifier(organization)
        with self._state.lock:
            removed = self._state.directory.remove_membership(user_id, organization_id)
            event = {**removed.as_json(), "organization_id": organization_id}
            self._state.webhooks.send("organization_membership.deleted", event)


def _rights(membership: Membership | None) -> dict[str, Any]:
    if membership is None:
        return {}
    names = ("role", "roles", "permissions", "entitlements", "feature_flags")
    return {name: getattr(membership, name) for name in names}
