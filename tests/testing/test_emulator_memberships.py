"""The list of organization memberships, as the SDK and as plain HTTP ask for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest
from emulator_client import Clock, EmulatorClient
from workos import AsyncWorkOSClient, UnprocessableEntityError
from workos.organization_membership.models import OrganizationMembership

from authkit_asgi.testing import WorkOSEmulator

URL = "/user_management/organization_memberships"


def test_sdk_reads_the_memberships_of_a_user(emulator: WorkOSEmulator, clock: Clock) -> None:
    globex, acme = _list(emulator, user_id="user_ada")
    assert (acme.organization_id, acme.organization_name) == ("org_acme", "Acme")
    assert (acme.object, acme.status, acme.directory_managed) == (
        "organization_membership",
        "active",
        False,
    )
    assert acme.role.slug == "admin"
    assert [role.slug for role in acme.roles] == ["admin"]
    assert (acme.user_id, acme.user.id, acme.user.email) == (
        "user_ada",
        "user_ada",
        "ada@example.com",
    )
    assert acme.created_at.timestamp() == acme.updated_at.timestamp() == clock.now
    assert globex.organization_name == "Globex"
    assert [role.slug for role in globex.roles] == ["member", "auditor"]
    assert acme.id.startswith("om_")
    assert acme.id != globex.id


def test_sdk_reads_the_order_it_asks_for(emulator: WorkOSEmulator) -> None:
    assert _organizations(emulator, order="asc") == ["org_acme", "org_globex"]
    assert _organizations(emulator, order="desc") == ["org_globex", "org_acme"]


def test_memberships_are_those_of_the_organization(emulator: WorkOSEmulator) -> None:
    emulator.add_membership("user_bob", "org_acme")
    found = _list(emulator, organization_id="org_acme", order="asc")
    assert [membership.user_id for membership in found] == ["user_ada", "user_bob"]
    assert len(_list(emulator, user_id="user_bob", organization_id="org_acme")) == 1
    assert _list(emulator, user_id="user_bob", organization_id="org_globex") == []


@pytest.mark.parametrize("user_id", ["user_bob", "user_eve"])
def test_memberships_of_somebody_without_any_are_an_empty_list(
    client: EmulatorClient, user_id: str
) -> None:
    response = client.api("GET", URL, params={"user_id": user_id})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "object": "list",
        "data": [],
        "list_metadata": {"before": None, "after": None},
    }


@pytest.mark.parametrize(
    ("statuses", "count"),
    [(["active"], 2), (["pending", "active"], 2), (["pending", "inactive"], 0)],
)
def test_memberships_are_all_active(
    emulator: WorkOSEmulator, statuses: list[str], count: int
) -> None:
    assert len(_list(emulator, user_id="user_ada", statuses=statuses)) == count


def test_membership_changed_stays_the_same_one(emulator: WorkOSEmulator, clock: Clock) -> None:
    (_, before) = _list(emulator, user_id="user_ada")
    clock.now += 60
    emulator.add_membership("user_ada", "org_acme", role="member")
    (_, after) = _list(emulator, user_id="user_ada")
    assert (after.id, after.created_at) == (before.id, before.created_at)
    assert (after.updated_at - before.updated_at).total_seconds() == 60
    assert after.role.slug == "member"


def test_membership_ended_is_listed_no_more(emulator: WorkOSEmulator) -> None:
    emulator.remove_membership("user_ada", "org_acme")
    assert _organizations(emulator) == ["org_globex"]
    emulator.remove_user("user_ada")
    assert _organizations(emulator) == []


def test_sdk_walks_through_the_pages(emulator: WorkOSEmulator) -> None:
    names = _join_organizations(emulator, 12)

    async def walk(workos: AsyncWorkOSClient) -> list[str | None]:
        page = await workos.organization_membership.list_organization_memberships(
            user_id="user_bob", order="asc"
        )
        assert len(page.data) == 10
        assert page.has_more()
        return [membership.organization_name async for membership in page.auto_paging_iter()]

    assert _ask(emulator, walk) == names


def test_memberships_are_cut_to_a_page_on_either_side(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    names = _join_organizations(emulator, 6)

    def ask(**query: str | int) -> tuple[list[str], dict[str, str | None]]:
        fixed = {"user_id": "user_bob", "order": "asc"}
        body = client.api("GET", URL, params={**fixed, **query}).json()
        return [item["organization_name"] for item in body["data"]], body["list_metadata"]

    first, cursors = ask(limit=2)
    assert first == names[:2]
    assert cursors["before"] is None
    assert cursors["after"] is not None
    second, cursors = ask(limit=2, after=cursors["after"])
    assert second == names[2:4]
    assert cursors["before"] is not None
    assert cursors["after"] is not None
    third, last = ask(limit=100, after=cursors["after"])
    assert third == names[4:]
    assert last["before"] is not None
    assert last["after"] is None
    assert ask(limit=2, before=last["before"])[0] == names[2:4]
    assert ask(limit=2, before=cursors["before"])[0] == names[:2]
    assert ask(after=cursors["before"], before=last["before"])[0] == names[3:4]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "user_ada", "limit": "0"}, "limit"),
        ({"user_id": "user_ada", "limit": "101"}, "limit"),
        ({"user_id": "user_ada", "limit": "-1"}, "limit"),
        ({"user_id": "user_ada", "limit": "9" * 5000}, "limit"),
        ({"user_id": "user_ada", "order": "sideways"}, "order"),
        ({"user_id": "user_ada", "after": "om_unknown"}, "after"),
        ({"user_id": "user_ada", "before": "om_unknown"}, "before"),
    ],
)
def test_memberships_say_what_is_wrong(
    client: EmulatorClient, query: dict[str, str], message: str
) -> None:
    response = client.api("GET", URL, params=query)
    assert response.status_code == 422
    assert response.json()["code"] == "unprocessable_entity"
    assert message in response.json()["message"]


def test_sdk_raises_what_the_emulator_refuses(emulator: WorkOSEmulator) -> None:
    with pytest.raises(UnprocessableEntityError, match="user_id"):
        _list(emulator)


def test_memberships_are_counted_and_struck_by_faults(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.fail("memberships", status=503)
    query = {"user_id": "user_ada"}
    assert client.api("GET", URL, params=query).json()["code"] == "emulated_fault"
    assert client.api("GET", URL, params=query).status_code == 200
    assert emulator.count("memberships") == 2
    assert emulator.count("memberships", status=503) == 1


def _join_organizations(emulator: WorkOSEmulator, count: int) -> list[str]:
    names = [f"Organization {number}" for number in range(count)]
    for name in names:
        emulator.add_membership("user_bob", emulator.add_organization(name))
    return names


def _organizations(emulator: WorkOSEmulator, **options: Any) -> list[str]:
    found = _list(emulator, user_id="user_ada", **options)
    return [membership.organization_id for membership in found]


def _list(emulator: WorkOSEmulator, **options: Any) -> list[OrganizationMembership]:
    async def ask(workos: AsyncWorkOSClient) -> list[OrganizationMembership]:
        page = await workos.organization_membership.list_organization_memberships(**options)
        return page.data

    return _ask(emulator, ask)


def _ask(emulator: WorkOSEmulator, ask: Callable[[AsyncWorkOSClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app)) as http:
            workos = AsyncWorkOSClient(
                api_key=emulator.api_key,
                client_id=emulator.client_id,
                base_url="http://testserver",
                http_client=http,
            )
            return await ask(workos)

    return anyio.run(run)
