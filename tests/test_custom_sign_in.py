"""docs/custom-sign-in.md: its example signs people in by password, code and verified address."""

from __future__ import annotations

import os
import re
from html import unescape
from typing import Any

import httpx
import pytest
from custom_sign_in import example
from starlette.testclient import TestClient

from authkit_asgi.seal import unseal

ORIGIN = "http://localhost:8000"
PASSWORD = "correct horse battery staple"
OWN = {"Origin": ORIGIN}


@pytest.fixture
def authkit_redirect_uri() -> str:
    return f"{ORIGIN}/callback"


@pytest.fixture
def people(authkit_emulator) -> Any:
    """Ada with a password, and Bob, whose address nobody has verified."""
    authkit_emulator.add_user(email="ada@example.com", user_id="user_ada", password=PASSWORD)
    authkit_emulator.add_user(
        email="bob@example.com", user_id="user_bob", password=PASSWORD, email_verified=False
    )
    return authkit_emulator


@pytest.fixture
def client(people, authkit_env) -> TestClient:
    return TestClient(example("main.py").app, base_url=ORIGIN, follow_redirects=False)


def send(client: TestClient, path: str, /, headers: Any = OWN, **fields: str) -> Any:
    return client.post(path, data=fields, headers=headers)


def enter(client: TestClient, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return send(client, "/sign-in", email=email, password=password, **more)


def hidden(page: Any) -> dict[str, str]:
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in fields}


def in_cookie(client: TestClient) -> Any:
    return unseal(client.cookies["wos-session"], os.environ["WORKOS_COOKIE_PASSWORD"])


def who(client: TestClient) -> Any:
    answer = client.get("/me")
    return answer.json().get("hello", answer.status_code)


def test_page_for_strangers_leads_to_the_form_and_back(client) -> None:
    sent = client.get("/me?a=1&b=2", headers={"Accept": "text/html"})
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/sign-in?return_to=%2Fme%3Fa%3D1%26b%3D2",
    )
    page = client.get(sent.headers["location"])
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    signed_in = enter(client, "ada@example.com", return_to=hidden(page)["return_to"])
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/me?a=1&b=2")
    assert who(client) == "ada@example.com"


def test_password_makes_a_session_that_refreshes(client, expire_session, people) -> None:
    assert enter(client, "ada@example.com").status_code == 303
    session = in_cookie(client)
    assert session["authenticationMethod"] == "Password"
    assert session["user"]["metadata"] == {}
    expire_session(client)
    assert who(client) == "ada@example.com"
    assert people.count("authenticate", grant_type="refresh_token") == 1


@pytest.mark.parametrize("shape", ["oauth", "workos"])
@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.com", "not hers"), ("nobody@example.com", PASSWORD)]
)
def test_wrong_password_and_unknown_address_are_told_alike(
    client, people, shape, email, password
) -> None:
    people.configure(error_shape=shape)
    page = enter(client, email, password)
    assert page.status_code == 400
    assert "The email address or the password is wrong." in page.text
    assert 'value="' + email in page.text
    assert password not in page.text
    assert who(client) == 401


def test_unverified_address_is_verified_by_the_code_that_was_sent(client, people) -> None:
    page = enter(client, "bob@example.com", return_to="/me")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "Verify your address" in page.text
    assert who(client) == 401
    fields = hidden(page)
    wrong = send(client, "/sign-in/verify", **fields, code="no")
    assert (wrong.status_code, "not the code" in wrong.text) == (400, True)
    assert hidden(wrong) == fields
    code = people.one_time_code("bob@example.com")
    done = send(client, "/sign-in/verify", **fields, code=code)
    assert (done.status_code, done.headers["location"]) == (303, "/me")
    assert who(client) == "bob@example.com"
    again = send(client, "/sign-in/verify", **fields, code=code)
    assert "used or replaced" in again.text
    assert enter(client, "bob@example.com").status_code == 303


def test_pending_token_of_nobody_is_told(client) -> None:
    fields = {"pending": "pending_x", "email": "bob@example.com", "code": "123456"}
    page = send(client, "/sign-in/verify", **fields)
    assert (page.status_code, "begin again" in page.text) == (400, True)


def test_magic_code_signs_in_and_verifies_the_address(client, people) -> None:
    page = send(client, "/sign-in/send-code", email="bob@example.com", return_to="/me")
    assert (page.status_code, "Enter the code" in page.text) == (200, True)
    wrong = send(client, "/sign-in/code", **hidden(page), code="no")
    assert (wrong.status_code, "not the code" in wrong.text) == (400, True)
    code = people.one_time_code("bob@example.com")
    done = send(client, "/sign-in/code", **hidden(wrong), code=code)
    assert (done.status_code, done.headers["location"]) == (303, "/me")
    assert who(client) == "bob@example.com"
    assert people.user("user_bob").email_verified
    session = in_cookie(client)
    assert session["authenticationMethod"] == "MagicAuth"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
@pytest.mark.parametrize("path", ["", "/code", "/verify", "/send-code"])
def test_form_of_another_site_signs_nobody_in(client, people, sign_in, path, headers) -> None:
    sign_in(client, "user_bob")
    asked = len(people.requests)
    fields = {"email": "ada@example.com", "password": PASSWORD, "code": "1", "pending": "x"}
    answer = send(client, f"/sign-in{path}", headers, **fields)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert {one.endpoint for one in people.requests[asked:]} <= {"jwks"}
    assert who(client) == "bob@example.com"


def test_new_session_takes_the_place_of_the_one_before(client, sign_in, people) -> None:
    many = [f"permission:{number}" for number in range(120)]
    before = sign_in(client, "user_bob", permissions=many)
    assert set(client.cookies) == {"wos-session.0", "wos-session.1"}
    assert enter(client, "ada@example.com").status_code == 303
    assert set(client.cookies) == {"wos-session"}
    assert who(client) == "ada@example.com"
    # A request that comes late with the old cookie does not bring it back.
    late = TestClient(client.app, base_url=ORIGIN, headers={"Cookie": before.cookie_header})
    assert "set-cookie" not in late.get("/me").headers


def test_return_path_stays_on_the_site(client) -> None:
    for outside in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        page = client.get("/sign-in", params={"return_to": outside})
        answer = enter(client, "ada@example.com", return_to=hidden(page)["return_to"])
        assert answer.headers["location"] == "/"


def test_page_shows_no_markup_of_others(client) -> None:
    page = client.get("/sign-in", params={"return_to": '"><script>'})
    assert "<script" not in page.text
    assert "<script" not in enter(client, '"><script>@example.com', "x").text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 429}, 429),
        ({"status": 500}, 503),
        ({"status": 401}, 503),
        ({"status": 403}, 503),
        ({"reset": "before"}, 503),
        ({"body": "<!doctype html>"}, 503),
        ({"body": "{}"}, 503),
    ],
)
def test_outage_is_no_wrong_password(client, break_workos, fault, status) -> None:
    with break_workos("authenticate", **fault):
        page = enter(client, "ada@example.com")
    assert page.status_code == status
    assert "is wrong" not in page.text
    assert PASSWORD not in page.text
    assert "set-cookie" not in page.headers
    assert enter(client, "ada@example.com").status_code == 303


def test_keys_out_of_reach_sign_nobody_in(client, break_workos) -> None:
    with break_workos("jwks"):
        page = enter(client, "ada@example.com")
    assert (page.status_code, "set-cookie" in page.headers) == (503, False)


def test_code_that_cannot_be_sent_is_an_outage(client, break_workos) -> None:
    with break_workos("magic_auth"):
        page = send(client, "/sign-in/send-code", email="ada@example.com")
    assert (page.status_code, "try again soon" in page.text) == (503, True)


def test_step_that_the_page_does_not_know_goes_on_at_authkit(client, break_workos, people) -> None:
    step = {
        "code": "mfa_challenge",
        "message": "…",
        "pending_authentication_token": "pending_x",
        "user": {},
        "authentication_factors": [],
    }
    with break_workos("authenticate", status=403, body=step, times=1):
        sent = enter(client, "ada@example.com", return_to="/me")
    assert sent.status_code == 303
    granted = httpx.get(sent.headers["location"])  # the hint names her: no page in between
    back = client.get(granted.headers["location"])
    assert back.headers["location"] == "/me"
    assert who(client) == "ada@example.com"


def test_workos_is_told_who_asks(client) -> None:
    origin = example("main.py").origin
    request = type("Request", (), {"client": None, "headers": {"user-agent": "A"}})()
    assert origin(request) == {"ip_address": None, "user_agent": "A"}
