"""The organizations of whoever is signed in, from the WorkOS API."""

from __future__ import annotations

from dataclasses import dataclass

from workos import AsyncWorkOSClient, WorkOSError

from authkit_asgi import SignedIn

_TIMEOUT_SECONDS = 2  # the page can do without the list, so it does not wait long for it
_MOST = 100  # memberships; the API gives no more at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One row of the switcher."""

    id: str
    name: str
    role: str | None
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizations:
    """The rows, and whether they are all; an outage leaves only what the session itself says."""

    rows: tuple[Organization, ...]
    is_complete: bool

    @property
    def current_name(self) -> str | None:
        """The name of the organization the session is in."""
        return next((row.name for row in self.rows if row.is_current), None)


async def list_organizations(client: AsyncWorkOSClient, auth: SignedIn) -> Organizations:
    """Return the organizations `auth.user` is an active member of, in the order of joining."""
    try:
        page = await client.organization_membership.list_organization_memberships(
            user_id=auth.user.id,
            limit=_MOST,
            order="asc",
            request_options={"timeout": _TIMEOUT_SECONDS},
        )
    except WorkOSError:
        return Organizations(rows=_current_only(auth), is_complete=False)
    rows = tuple(
        Organization(
            id=membership.organization_id,
            name=membership.organization_name or membership.organization_id,
            role=membership.role.slug,
            is_current=membership.organization_id == auth.organization_id,
        )
        for membership in page.data
    )
    if not any(row.is_current for row in rows):
        rows = (*_current_only(auth), *rows)
    return Organizations(rows=rows, is_complete=not page.has_more())


def _current_only(auth: SignedIn) -> tuple[Organization, ...]:
    if auth.organization_id is None:
        return ()
    name = auth.organization_id
    return (Organization(id=name, name=name, role=auth.role, is_current=True),)
