"""The exchange of codes and of refresh tokens."""

from __future__ import annotations

from typing import Any

import pytest
from contract_client import (
    ADA,
    AUTHENTICATE,
    CHALLENGE,
    LOGOUT,
    VERIFIER,
    WorkOS,
    answer,
    claims_of,
    verdict,
)
from shapes import AUTHENTICATION, USER, faults

GRANTS = ("authorization_code", "refresh_token")


def test_code_gives_tokens_and_the_user(workos: WorkOS):
    body = workos.sign_in()
    assert faults(body, AUTHENTICATION) == []
    assert faults(body["user"], USER) == []
    user = body["user"]
    assert (user["id"], user["email"]) == (workos.emulator.users[ADA], ADA)
    assert (user["first_name"], user["last_name"]) == ("Ada", "Lovelace")
    assert user["email_verified"] is True
    assert user["metadata"] == {"team": "engines"}
    assert user["last_sign_in_at"] >= user["created_at"]
    assert "impersonator" not in body


def test_code_without_challenge_needs_no_verifier(workos: WorkOS):
    code = workos.code(code_challenge=None, code_challenge_method=None)
    assert workos.redeem(code, code_verifier=None).status_code == 200


def test_code_is_good_once(workos: WorkOS):
    code = workos.code()
    assert [workos.redeem(code).status_code for _ in range(3)] == [200, 400, 400]


@pytest.mark.parametrize("verifier", [None, "", VERIFIER[:-1], VERIFIER.upper(), CHALLENGE])
def test_code_is_refused_to_those_without_the_verifier(workos: WorkOS, verifier: str | None):
    response = workos.redeem(workos.code(), code_verifier=verifier)
    assert response.status_code == 400
    assert "access_token" not in response.json()


def test_code_of_another_sign_in_does_not_take_this_verifier(workos: WorkOS):
    other = "another-verifier-of-at-least-forty-three-characters"
    assert workos.redeem(workos.code(), code_verifier=other).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"grant_type": ""},
        {"code": "code_unknown"},
        *({"grant_type": grant_type} for grant_type in GRANTS),
        {"grant_type": GRANTS[0], "code": ""},
        {"grant_type": GRANTS[1], "refresh_token": ""},
    ],
    ids=str,
)
def test_request_that_lacks_something_is_invalid(workos: WorkOS, fields: dict[str, Any]):
    response = workos.authenticate(**fields)
    assert verdict(response) == "400 invalid_request"
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("content", ["[]", '"text"', "null", "1"])
def test_body_that_is_no_object_is_invalid(workos: WorkOS, content: str):
    headers = {"Content-Type": "application/json"}
    response = workos.request("POST", AUTHENTICATE, content=content, headers=headers)
    assert verdict(response) == "400 invalid_request"


def test_impersonated_session_names_the_impersonator_after_a_refresh_too(workos: WorkOS):
    session = workos.sign_in_impersonated()
    impersonator = {"email": "eve@example.com", "reason": "a support case"}
    assert session["impersonator"] == impersonator
    assert answer(workos.refresh(session["refresh_token"]))["impersonator"] == impersonator


def test_refresh_gives_another_pair_for_the_same_user(workos: WorkOS):
    session = workos.sign_in()
    refreshed = answer(workos.refresh(session["refresh_token"]))
    assert faults(refreshed, AUTHENTICATION) == []
    assert refreshed["refresh_token"] != session["refresh_token"]
    assert refreshed["access_token"] != session["access_token"]
    assert refreshed["user"]["id"] == session["user"]["id"]
    assert refreshed["authentication_method"] == session["authentication_method"]


def test_refresh_token_is_good_once_and_its_successor_too(workos: WorkOS):
    first = workos.sign_in()["refresh_token"]
    second = answer(workos.refresh(first))["refresh_token"]
    assert verdict(workos.refresh(first)) == "400 invalid_grant"
    assert answer(workos.refresh(second))["refresh_token"] not in {first, second}
    assert verdict(workos.refresh(second)) == "400 invalid_grant"


@pytest.mark.parametrize("token", ["ref_unknown", "x", "é" * 50])
def test_refresh_token_unknown_is_refused(workos: WorkOS, token: str):
    assert verdict(workos.refresh(token)) == "400 invalid_grant"


def test_refresh_token_is_no_code_and_a_code_no_refresh_token(workos: WorkOS):
    assert workos.redeem(workos.sign_in()["refresh_token"]).status_code == 400
    assert verdict(workos.refresh(workos.code())) == "400 invalid_grant"


@pytest.mark.parametrize("organization", ["Acme", "Globex", "Initech"])
def test_refresh_switches_the_organization_and_stays_in_it(workos: WorkOS, organization: str):
    organization_id = workos.emulator.organizations[organization]
    switched = workos.switch(workos.sign_in(), organization)
    later = answer(workos.refresh(switched["refresh_token"]))
    for session in (switched, later):
        assert session["organization_id"] == organization_id
        assert claims_of(session)["org_id"] == organization_id


def test_refresh_of_one_session_leaves_the_others(workos: WorkOS):
    one, other = workos.sign_in(), workos.sign_in()
    answer(workos.refresh(one["refresh_token"]))
    workos.get(LOGOUT, session_id=claims_of(one)["sid"])
    assert answer(workos.refresh(other["refresh_token"]))["user"]["email"] == ADA
