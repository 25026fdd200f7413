"""`sign_in` of the pytest plugin: who the application sees, and that the session is a real one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from plugin_site import app
from starlette.testclient import TestClient

from authkit_asgi.errors import SessionTooLargeError
from authkit_asgi.testing import Impersonator


@pytest.fixture
def client(authkit_env: dict[str, str]) -> TestClient:
    return TestClient(app())


def who(client: TestClient) -> Any:
    return client.get("/who").json()


def test_guarded_route_takes_a_permission(sign_in, client) -> None:
    sign_in(client, permissions=["data:export"])
    assert client.post("/export").status_code == 200


def test_guarded_route_refuses_without_the_permission(sign_in, client) -> None:
    assert client.post("/export").status_code == 401
    sign_in(client)
    assert client.post("/export").status_code == 403


def test_somebody_is_signed_in_when_nobody_is_named(sign_in, client) -> None:
    session = sign_in(client)
    seen = who(client)
    assert seen["email"] == session.user.email == "ada@example.com"
    assert seen["session"] == session.session_id
    assert (seen["organization"], seen["role"], seen["permissions"]) == (None, None, [])


@pytest.mark.parametrize("times", [1, 2])
def test_user_may_be_given_in_any_way(sign_in, client, authkit_emulator, times) -> None:
    known = authkit_emulator.add_user(email="bob@example.com", user_id="user_bob")
    for _ in range(times):
        for reference in (known, "user_bob", "Bob@Example.com"):
            assert sign_in(client, user=reference).user.id == "user_bob"
            assert who(client)["user"] == "user_bob"
        assert sign_in(client, user="eve@example.com").user.email == "eve@example.com"
        assert sign_in(client, user="user_from_a_database").user.id == "user_from_a_database"
        assert who(client)["email"] == "user_from_a_database@example.com"


def test_rights_are_those_given_in_the_organization_given(sign_in, client) -> None:
    session = sign_in(
        client,
        organization="org_1",
        role="admin",
        permissions=["b", "a"],
        feature_flags=["new-ui"],
        entitlements=["audit-log"],
    )
    assert session.organization_id == "org_1"
    seen = who(client)
    assert seen["organization"] == "org_1"
    assert (seen["role"], seen["roles"], seen["permissions"]) == ("admin", ["admin"], ["a", "b"])
    assert (seen["feature_flags"], seen["entitlements"]) == (["new-ui"], ["audit-log"])


def test_organization_may_be_an_object_and_alone(sign_in, client, authkit_emulator) -> None:
    acme = authkit_emulator.add_organization("Acme")
    sign_in(client, organization=acme)
    assert (who(client)["organization"], who(client)["role"]) == (acme.id, "member")


def test_rights_without_an_organization_are_those_in_a_new_one(sign_in, client) -> None:
    session = sign_in(client, role="editor")
    assert session.organization_id is not None
    assert (who(client)["organization"], who(client)["role"]) == (session.organization_id, "editor")


def test_rights_that_are_not_named_stay_as_they_are(sign_in, client, authkit_emulator) -> None:
    ada = authkit_emulator.add_user(email="ada@example.com")
    acme = authkit_emulator.add_organization("Acme")
    authkit_emulator.add_membership(
        ada, acme, role="owner", permissions=["a"], roles=["owner", "x"]
    )
    sign_in(client)
    assert (who(client)["role"], who(client)["permissions"]) == ("owner", ["a"])
    sign_in(client, permissions=["b"])
    assert (who(client)["roles"], who(client)["permissions"]) == (["owner", "x"], ["b"])
    sign_in(client, role="member")
    assert (who(client)["roles"], who(client)["permissions"]) == (["member"], ["b"])
    sign_in(client, permissions=[])
    assert who(client)["permissions"] == []


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("eve@example.com", ["eve@example.com", None]),
        ({"email": "eve@example.com", "reason": "T7"}, ["eve@example.com", "T7"]),
        (Impersonator(email="eve@example.com"), ["eve@example.com", None]),
        (None, None),
    ],
)
def test_impersonator_is_who_is_given(sign_in, client, given, seen) -> None:
    sign_in(client, impersonator=given)
    assert who(client)["impersonator"] == seen


def test_token_lives_as_long_as_is_asked_for(sign_in, client) -> None:
    session = sign_in(client, expires_in=1000)
    assert who(client)["life"] == 1000
    assert 900 < session.expires_at - time.time() <= 1000


def test_expired_token_is_refreshed_by_the_next_request(sign_in, client, authkit_emulator) -> None:
    session = sign_in(client, role="admin", permissions=["a"], expires_in=-60)
    before = client.cookies["wos-session"]
    seen = who(client)
    assert (seen["session"], seen["role"], seen["permissions"]) == (
        session.session_id,
        "admin",
        ["a"],
    )
    assert authkit_emulator.count("authenticate", grant_type="refresh_token", status=200) == 1
    assert client.cookies["wos-session"] != before


def test_old_sign_in_is_not_recent(sign_in, client) -> None:
    sign_in(client)
    assert client.get("/danger").status_code == 200
    sign_in(client, auth_age=1000)
    assert client.get("/danger").status_code == 401


def test_session_switches_organization(sign_in, client) -> None:
    sign_in(client, organization="org_2")
    sign_in(client, organization="org_1")
    assert client.post("/switch?to=org_2").json() == {"organization": "org_2"}
    assert who(client)["organization"] == "org_2"


def test_sign_out_ends_the_session_of_sign_in(sign_in, client, authkit_emulator) -> None:
    session = sign_in(client)
    answer = client.post(
        "/logout", headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False
    )
    assert session.session_id in answer.headers["location"]
    assert who(client)["reason"] == "no_session_cookie_provided"
    assert authkit_emulator.end_session(session.session_id)


def test_each_sign_in_takes_the_place_of_the_one_before(sign_in, client) -> None:
    many = [f"permission:{number}" for number in range(120)]
    sign_in(client, user="eve@example.com", permissions=many)
    assert {"wos-session.0", "wos-session.1"} == set(client.cookies)
    assert len(who(client)["permissions"]) == 120
    sign_in(client, user="bob@example.com")
    assert set(client.cookies) == {"wos-session"}
    assert who(client)["email"] == "bob@example.com"
    sign_in(client, user="eve@example.com")
    assert set(client.cookies) == {"wos-session.0", "wos-session.1"}
    assert who(client)["email"] == "eve@example.com"


def test_session_that_no_browser_would_store_is_refused(sign_in, client) -> None:
    with pytest.raises(SessionTooLargeError):
        sign_in(client, permissions=[f"permission:{number}" for number in range(1000)])


def test_session_shows_no_token(sign_in, client) -> None:
    session = sign_in(client)
    shown = repr(session)
    assert session.refresh_token not in shown
    assert session.access_token not in shown
    assert session.cookie_header not in shown
    assert "wos-session" not in shown


def test_variables_for_other_processes_are_those_of_the_test_but_the_redirect_uri(
    authkit_variables, authkit_env
) -> None:
    redirect = {"WORKOS_REDIRECT_URI": "http://localhost/callback"}
    assert {**authkit_variables, **redirect} == authkit_env
