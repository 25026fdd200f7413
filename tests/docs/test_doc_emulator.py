"""The emulator's page: who is in the demo, people of one's own, and changes while it runs."""

from __future__ import annotations

import json

import httpx
from doc_pages import Page
from starlette.testclient import TestClient

from authkit_asgi.testing import WorkOSEmulator

PAGE = Page("emulator.md")
SOREN = "user_01DEMOSOREN000000000000000"
Person = tuple[str, str, str, str]


def people_in_the_table() -> list[Person]:
    """Return address, organization, role and permissions of each row."""
    table = PAGE.text.partition("| sign in as |")[2].partition("\n\n")[0]
    people: list[Person] = []
    for row in table.splitlines()[2:]:
        address, organization, role, rights = (cell.strip() for cell in row.split("|")[1:5])
        people.append((address or people[-1][0], organization.partition(",")[0], role, rights))
    return people


def people_of_the_demo() -> list[Person]:
    directory = WorkOSEmulator.demo()._state.directory
    people: list[Person] = []
    for user in directory.users.values():
        memberships = directory.memberships_of(user.id)
        for one in memberships:
            more = [f"the entitlement {name}" for name in one.entitlements]
            more += [f"the feature flag {name}" for name in one.feature_flags]
            rights = "; ".join([", ".join(one.permissions), *more])
            organization = directory.organizations[one.organization_id].name
            people.append((user.email, organization, one.role, rights))
        if not memberships:
            people.append((user.email, "none", "", ""))
    return people


def test_table_shows_the_people_of_the_demo() -> None:
    assert people_in_the_table() == people_of_the_demo()


def test_emulator_of_ones_own_has_ones_own_people() -> None:
    module = PAGE.run("workos_emulator.py")
    claims = module.emulator._state.directory.memberships_of(module.rita.id)[0].as_claims()
    assert (claims["role"], claims["permissions"]) == ("analyst", ["invoices:read"])
    with TestClient(module.app, base_url="http://127.0.0.1:8010") as client:
        keys = client.get(f"/sso/jwks/{module.emulator.client_id}")
    assert keys.json() == module.emulator.jwks


def test_role_changes_over_http_while_the_emulator_runs() -> None:
    (command,) = (one for one in PAGE.blocks("sh") if one.startswith("curl "))
    url, _, body = command.removeprefix("curl ").strip().removesuffix("'").partition(" --json '")
    emulator = WorkOSEmulator.demo()
    with emulator.serve() as base_url:
        address = url.replace("http://127.0.0.1:8010", base_url)
        answer = httpx.post(address, json=json.loads(body), headers={"accept": "*/*"})
    assert answer.status_code == 200
    (membership,) = emulator._state.directory.memberships_of(SOREN)
    assert (membership.role, membership.permissions) == ("admin", ("data:export",))
