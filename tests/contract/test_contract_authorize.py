"""The redirect that a sign-in begins with."""

from __future__ import annotations

import pytest
from contract_client import ADA, BOB, REDIRECT_URI, WorkOS, answer, location, verdict


def test_authorize_redirects_with_code_and_state(workos: WorkOS):
    response = workos.authorize()
    assert response.status_code == 302
    target = location(response)
    assert target.copy_with(query=None) == REDIRECT_URI
    assert set(target.params) == {"code", "state"}
    assert target.params["state"] == "a state"


@pytest.mark.parametrize(
    "state", ["Fe26.2*1*0f~2", "a b&c=d", "%41+%", "ø=ゆ&", "x" * 3000], ids=ascii
)
def test_authorize_returns_the_state(workos: WorkOS, state: str):
    assert location(workos.authorize(state=state)).params["state"] == state


def test_authorize_without_state_returns_none(workos: WorkOS):
    assert set(location(workos.authorize(state=None)).params) == {"code"}


def test_authorize_keeps_the_query_of_the_redirect_uri(workos: WorkOS):
    target = location(workos.authorize(redirect_uri=f"{REDIRECT_URI}?a=1&b=2"))
    assert target.copy_with(query=None) == REDIRECT_URI
    assert target.query.startswith(b"a=1&b=2&code=")


@pytest.mark.parametrize("email", [ADA, BOB])
def test_authorize_signs_in_who_is_hinted_at(workos: WorkOS, email: str):
    body = answer(workos.redeem(workos.code(login_hint=email)))
    assert body["user"]["id"] == workos.emulator.users[email]


def test_authorize_issues_another_code_each_time(workos: WorkOS):
    assert len({workos.code() for _ in range(3)}) == 3


@pytest.mark.parametrize("redirect_uri", ["", "/callback", "javascript:alert(1)"])
def test_authorize_does_not_redirect_to_what_is_no_address(workos: WorkOS, redirect_uri: str):
    response = workos.authorize(redirect_uri=redirect_uri)
    assert response.status_code == 400
    assert "location" not in response.headers


def test_authorize_answers_head_as_get_without_a_body(workos: WorkOS):
    response = workos.authorize("HEAD")
    assert verdict(response) == "302 code"
    assert response.content == b""
