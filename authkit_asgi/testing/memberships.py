"""GET /user_management/organization_memberships: who belongs to which organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.directory import Membership
from authkit_asgi.testing.identifiers import timestamp
from authkit_asgi.testing.paging import one_page, unprocessable
from authkit_asgi.testing.state import EmulatorState

# Every membership has this status: the emulator knows no invitations and no deactivation.
_STATUS = "active"


class MembershipEndpoints:
    """The list of organization memberships."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        return (
            Endpoint(
                name="memberships",
                method="GET",
                path="/user_management/organization_memberships",
                handler=self._list,
                api_key=True,
            ),
        )

    def _list(self, call: Call) -> Response:
        """List the memberships of a user, an organization, or both; the newest first."""
        user_id = call.query.get("user_id") or None
        organization_id = call.query.get("organization_id") or None
        if user_id is None and organization_id is None:
            raise unprocessable("Give a user_id, an organization_id, or both.")
        found = self._state.directory.find_memberships(user_id, organization_id)
        # The SDKs send one parameter, its values joined by commas.
        if _STATUS not in (call.query.get("statuses") or _STATUS).split(","):
            found = ()
        page, list_metadata = one_page(_sorted(found, call.query), call.query)
        data = [self._as_json(membership) for membership in page]
        return JSONResponse({"object": "list", "data": data, "list_metadata": list_metadata})

    def _as_json(self, membership: Membership) -> dict[str, Any]:
        """Return the WorkOS OrganizationMembership object."""
        directory = self._state.directory
        return {
            "object": "organization_membership",
            "id": membership.id,
            "user_id": membership.user_id,
            "organization_id": membership.organization_id,
            "organization_name": directory.organizations[membership.organization_id].name,
            "status": _STATUS,
            "directory_managed": False,
            "custom_attributes": {},
            "role": {"slug": membership.role},
            "roles": [{"slug": slug} for slug in membership.roles or (membership.role,)],
            "user": directory.users[membership.user_id].as_json(),
            "created_at": timestamp(membership.created_at),
            "updated_at": timestamp(membership.updated_at),
        }


def _sorted(found: Sequence[Membership], query: Mapping[str, str]) -> Sequence[Membership]:
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise unprocessable("order must be asc or desc.")
    return found if order == "asc" else found[::-1]
