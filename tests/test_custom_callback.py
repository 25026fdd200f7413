"""docs/custom-sign-in.md: the callback of one's own does what the bundled one does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from custom_sign_in import example
from starlette.testclient import TestClient

ORIGIN = "http://localhost:8000"
VERIFIER = "wos-auth-verifier-"
ISSUER = "https://auth.example.com"


@pytest.fixture
def authkit_redirect_uri() -> str:
    return f"{ORIGIN}/callback"


@pytest.fixture
def client(authkit_emulator, authkit_env) -> TestClient:
    authkit_emulator.add_user(email="ada@example.com")
    return make_client(example("own_callback.py").app)


def make_client(app: Any) -> TestClient:
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


def begin(client: TestClient, path: str = "/docs?a=1") -> httpx.URL:
    """Go to AuthKit and return the callback's address."""
    begun = client.get("/login", params={"return_to": path, "login_hint": "ada@example.com"})
    return httpx.URL(httpx.get(begun.headers["location"]).headers["location"])


def verifiers(client: TestClient) -> list[str]:
    return [name for name in client.cookies if name.startswith(VERIFIER)]


def test_callback_signs_in_and_goes_on(client) -> None:
    answer = client.get(str(begin(client)))
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs?a=1")
    assert "wos-session" in client.cookies
    assert verifiers(client) == []


CHANGES = {
    "without code": lambda url: url.copy_remove_param("code"),
    "two codes": lambda url: url.copy_add_param("code", "another"),
    "two states": lambda url: url.copy_add_param("state", "another"),
    "two issuers": lambda url: url.copy_set_param("iss", ISSUER).copy_add_param("iss", ISSUER),
    "an error and a code": lambda url: url.copy_set_param("error", "access_denied"),
    "denied": lambda url: url.copy_remove_param("code").copy_set_param("error", "access_denied"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_callback_that_is_amiss_deletes_its_verifier_and_no_other(
    client, authkit_emulator, change
) -> None:
    begin(client)
    (other,) = verifiers(client)
    url = change(begin(client))
    assert len(verifiers(client)) == 2
    answer = client.get(str(url))
    assert (answer.status_code, answer.text) == (400, "Please sign in again.")
    assert verifiers(client) == [other]
    assert "wos-session" not in client.cookies
    assert authkit_emulator.count("authenticate") == 0


@pytest.mark.parametrize("iss", ["", "https://evil.example", f"{ISSUER}/"])
def test_callback_of_another_issuer_is_refused(client, authkit_emulator, iss) -> None:
    client.app.user_middleware[0].kwargs["issuers"] = [ISSUER]
    url = begin(client).copy_set_param("iss", iss)
    answer = client.get(str(url))
    assert (answer.status_code, answer.text) == (400, "Please sign in again.")
    assert verifiers(client) == []
    assert authkit_emulator.count("authenticate") == 0


def test_callback_with_any_state_deletes_nothing_that_is_not_there(client) -> None:
    begin(client)
    for state in ("x", "x" * 60_000, "%ED%A0%80"):
        answer = client.get(f"/callback?state={state}")
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers
    assert len(verifiers(client)) == 1


def test_callback_of_another_browser_is_refused(client, authkit_emulator) -> None:
    url = str(begin(make_client(client.app)))
    answer = client.get(url)
    assert (answer.status_code, answer.text) == (400, "Please sign in again.")
    assert list(client.cookies) == []
    assert authkit_emulator.count("authenticate") == 0


def test_callback_without_state_begins_anew_once(client, authkit_emulator) -> None:
    answer = client.get("/callback?code=x")
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0].endswith("/user_management/authorize")
    assert len(verifiers(client)) == 1
    answer = client.get("/callback?code=x")
    assert (answer.status_code, answer.text) == (400, "Please sign in again.")
    assert verifiers(client) == []
    assert authkit_emulator.count("authenticate") == 0


def test_sign_in_begun_anew_ends_signed_in(client) -> None:
    location = httpx.URL(client.get("/callback?code=x").headers["location"])
    back = httpx.get(location.copy_set_param("login_hint", "ada@example.com"))
    assert client.get(back.headers["location"]).status_code == 303
    assert "wos-session" in client.cookies


def test_callback_in_an_outage_says_when_to_try_again(client, break_workos) -> None:
    url = str(begin(client))
    with break_workos("authenticate", status=503, headers={"Retry-After": "7"}):
        answer = client.get(url)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert verifiers(client) == []


def test_service_alone_returns_the_line_that_deletes_a_verifier(authkit) -> None:
    begun = authkit.authorization_url()
    line = authkit.clear_pending_verifier(begun.state)
    assert (line.name, line.domain) == (begun.cookie.name, begun.cookie.domain)
    assert b"Max-Age=0" in line.line
