"""Signing out, and what applications ask with their API key."""

from __future__ import annotations

from typing import Any

import pytest
from contract_client import (
    ADA,
    BOB,
    CY,
    LOGOUT,
    MEMBERSHIPS,
    REVOKE,
    USERS,
    WorkOS,
    answer,
    claims_of,
    verdict,
)
from shapes import MEMBERSHIP, SESSION, USER, faults

NO_PAGES = {"before": None, "after": None}


def session_ids(workos: WorkOS) -> list[str]:
    return [session["id"] for session in workos.sessions()]


def organizations(workos: WorkOS, **params: Any) -> list[str]:
    data = answer(workos.memberships(**params))["data"]
    return [workos.organization_name(one["organization_id"]) for one in data]


@pytest.mark.parametrize(
    "return_to", ["http://localhost:8000/", "http://127.0.0.1:8000/signed-out?a=b%20c"]
)
def test_sign_out_ends_the_session_and_returns(workos: WorkOS, return_to: str):
    session_id = claims_of(workos.sign_in())["sid"]
    assert session_id in session_ids(workos)
    response = workos.get(LOGOUT, session_id=session_id, return_to=return_to)
    assert (response.status_code, response.headers["location"]) == (302, return_to)
    assert session_id not in session_ids(workos)


def test_sign_out_twice_returns_all_the_same(workos: WorkOS):
    query = {"session_id": claims_of(workos.sign_in())["sid"], "return_to": "http://localhost/"}
    assert [verdict(workos.get(LOGOUT, **query)) for _ in range(2)] == ["302 http://localhost/"] * 2


def test_sign_out_without_a_session_is_refused(workos: WorkOS):
    response = workos.get(LOGOUT, return_to="http://localhost:8000/")
    assert response.status_code == 422
    assert "location" not in response.headers


@pytest.mark.parametrize("return_to", ["javascript:alert(1)", "/relative", "http://"])
def test_sign_out_does_not_redirect_to_what_is_no_address(workos: WorkOS, return_to: str):
    session_id = claims_of(workos.sign_in())["sid"]
    response = workos.get(LOGOUT, session_id=session_id, return_to=return_to)
    assert "location" not in response.headers
    assert session_id not in session_ids(workos)


def test_session_revoked_is_gone(workos: WorkOS):
    body = {"session_id": claims_of(workos.sign_in())["sid"]}
    assert answer(workos.api("POST", REVOKE, json=body)) == {"success": True}
    assert body["session_id"] not in session_ids(workos)
    assert workos.api("POST", REVOKE, json=body).status_code == 404


def test_session_to_revoke_has_to_be_named(workos: WorkOS):
    assert verdict(workos.api("POST", REVOKE, json={})) == "400 invalid_request"


def test_sessions_of_a_user_are_a_list(workos: WorkOS):
    session_id = claims_of(workos.sign_in())["sid"]
    body = answer(workos.api("GET", f"{USERS}/{workos.emulator.users[ADA]}/sessions"))
    assert (body["object"], body["list_metadata"]) == ("list", NO_PAGES)
    (session,) = (one for one in body["data"] if one["id"] == session_id)
    assert faults(session, SESSION) == []
    assert session["user_id"] == workos.emulator.users[ADA]
    assert session["user_agent"].startswith("python-httpx/")


def test_user_is_the_one_of_the_sign_in(workos: WorkOS):
    user = workos.sign_in()["user"]
    read = answer(workos.api("GET", f"{USERS}/{user['id']}"))
    assert faults(read, USER) == []
    assert read == user


def test_user_that_is_not_there_is_not_found(workos: WorkOS):
    response = workos.api("GET", f"{USERS}/user_nobody")
    assert response.status_code == 404  # the word is one of the differences
    assert set(response.json()) == {"code", "message"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, ["Initech", "Globex", "Acme"]),
        ({"order": "desc"}, ["Initech", "Globex", "Acme"]),
        ({"order": "asc"}, ["Acme", "Globex", "Initech"]),
    ],
    ids=str,
)
def test_memberships_of_a_user_are_a_list(
    workos: WorkOS, order: dict[str, str], expected: list[str]
):
    body = answer(workos.memberships(**order))
    assert (body["object"], body["list_metadata"]) == ("list", NO_PAGES)
    assert organizations(workos, **order) == expected
    for membership in body["data"]:
        assert faults(membership, MEMBERSHIP) == []
        assert membership["user_id"] == workos.emulator.users[ADA]
    roles = [membership["role"] for membership in body["data"]]
    assert roles == [{"slug": "admin" if one == "Acme" else "member"} for one in expected]


def test_memberships_are_those_of_user_and_organization(workos: WorkOS):
    globex = workos.emulator.organizations["Globex"]
    found = answer(workos.api("GET", MEMBERSHIPS, params={"organization_id": globex}))["data"]
    assert [one["user_id"] for one in found] == [workos.emulator.users[one] for one in (CY, ADA)]
    assert {one["organization_id"] for one in found} == {globex}
    assert organizations(workos, email=ADA, organization_id=globex) == ["Globex"]
    assert organizations(workos, email=CY, organization_id=globex) == ["Globex"]
    assert organizations(workos, email=BOB, organization_id=globex) == []


def test_memberships_of_nobody_are_an_empty_list(workos: WorkOS):
    assert answer(workos.memberships(BOB)) == {
        "object": "list",
        "data": [],
        "list_metadata": NO_PAGES,
    }


def test_memberships_come_in_pages(workos: WorkOS):
    first = answer(workos.memberships(limit=2, order="asc"))
    (_, middle) = first["data"]
    assert first["list_metadata"] == {"before": None, "after": middle["id"]}
    last = answer(workos.memberships(limit=2, order="asc", after=middle["id"]))
    (only,) = last["data"]
    assert last["list_metadata"] == {"before": only["id"], "after": None}
    assert workos.organization_name(only["organization_id"]) == "Initech"
    assert organizations(workos, limit=2, order="asc", before=only["id"]) == ["Acme", "Globex"]


@pytest.mark.parametrize("header", [None, "Bearer sk_test_wrong", "Bearer", "Basic c2s6"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{USERS}/user_1"), ("GET", MEMBERSHIPS), ("POST", REVOKE)],
    ids=str,
)
def test_api_is_refused_to_those_without_the_key(
    workos: WorkOS, method: str, path: str, header: str | None
):
    headers = {} if header is None else {"Authorization": header}
    response = workos.request(method, path, headers=headers)
    assert verdict(response) == "401 unauthorized"
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"code", "message"}


@pytest.mark.parametrize("path", ["/nothing", f"{USERS}/a/b/c", "/user_management"])
def test_endpoint_that_does_not_exist_is_not_found(workos: WorkOS, path: str):
    response = workos.api("GET", path)
    assert verdict(response) == "404 not_found"
    assert set(response.json()) == {"code", "message"}


def test_answers_have_an_id_each(workos: WorkOS):
    responses = [
        workos.authorize(),
        workos.authenticate(),
        workos.get(LOGOUT),
        workos.get(f"/sso/jwks/{workos.emulator.client_id}"),
        *(workos.api("GET", path) for path in (MEMBERSHIPS, f"{USERS}/user_1", "/nothing")),
    ]
    ids = [response.headers["x-request-id"] for response in responses]
    assert all(one.startswith("req_") for one in ids)
    assert len(set(ids)) == len(ids)
