"""The browser's part: the sign-in page, sign-up, impersonation, errors."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from emulator_client import CHALLENGE, REDIRECT_URI, VERIFIER, EmulatorClient, claims_of, location

from authkit_asgi.testing import WorkOSEmulator

ADA = {"user_id": "user_ada"}


def test_authorize_shows_a_page_that_lists_the_users(client: EmulatorClient) -> None:
    response = client.authorize()
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "Ada Lovelace" in response.text
    assert "Acme (admin), Globex (member)" in response.text
    assert "bob@example.com" in response.text
    assert "localhost:8000" in response.text


def test_authorize_page_loads_nothing_and_has_no_script(client: EmulatorClient) -> None:
    for page in (client.authorize(), client.authorize(screen_hint="sign-up")):
        assert "<script" not in page.text
        assert not re.search(r"src=|<link|@import|url\(", page.text)


def test_authorize_page_escapes_what_users_entered(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.add_user(email='"<b>@example.com', first_name="<script>")
    page = client.authorize(login_hint='"><script>', screen_hint="sign-up")
    assert "<script" not in client.authorize().text
    assert "<script" not in page.text


def test_authorize_page_choice_redirects_with_code_and_state(client: EmulatorClient) -> None:
    response = client.authorize(form=ADA)
    assert response.status_code == 303
    target = location(response)
    assert str(target).startswith(f"{REDIRECT_URI}?code=")
    assert target.params["state"] == "a state"
    assert "HttpOnly" in response.headers["set-cookie"]
    assert client.redeem(target.params["code"]).json()["user"]["id"] == "user_ada"


def test_authorize_keeps_a_query_of_the_redirect_uri(client: EmulatorClient) -> None:
    target = location(client.authorize(form=ADA, redirect_uri=f"{REDIRECT_URI}?a=1"))
    assert str(target).startswith(f"{REDIRECT_URI}?a=1&code=")


@pytest.mark.parametrize("state", ["a+b%2Ac%20~*", "", "%FF%00", "Fe26.2*1**~2", "caf\u00e9"])
def test_authorize_returns_state_as_it_was_sent(client: EmulatorClient, state: str) -> None:
    query = f"client_id=client_emulator&redirect_uri={REDIRECT_URI}&response_type=code"
    url = f"/user_management/authorize?{query}&state={state}&login_hint=ada@example.com"
    response = client.get(url)
    sent = response.request.url.query.decode().split("&state=")[1].split("&")[0]
    assert response.headers["location"].split("&state=")[1] == sent


def test_authorize_without_state_redirects_without_it(client: EmulatorClient) -> None:
    assert "state" not in location(client.authorize(form=ADA, state=None)).params


def test_authorize_with_login_hint_signs_in_without_a_page(client: EmulatorClient) -> None:
    response = client.authorize(login_hint="ADA@example.com")
    assert response.status_code == 302
    assert location(response).params["code"]


def test_authorize_with_an_unknown_login_hint_shows_the_page(client: EmulatorClient) -> None:
    assert client.authorize(login_hint="eve@example.com").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "client_other"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://[::1/callback"},
        {"redirect_uri": "http://localhost/callback#fragment"},
    ],
)
def test_authorize_without_a_usable_redirect_uri_is_a_page(
    client: EmulatorClient, change: dict[str, Any]
) -> None:
    for form in (None, ADA):
        response = client.authorize(form=form, **change)
        assert response.status_code == 400
        assert "location" not in response.headers
        assert response.headers["content-type"].startswith("text/html")


def test_authorize_refuses_a_redirect_uri_that_is_not_allowed(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.configure(redirect_uris=[REDIRECT_URI])
    assert client.authorize().status_code == 200
    assert client.authorize(redirect_uri=f"{REDIRECT_URI}/2").status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
    ],
)
def test_authorize_reports_a_faulty_request_by_redirect(
    client: EmulatorClient, change: dict[str, Any], error: str
) -> None:
    response = client.authorize(login_hint="ada@example.com", **change)
    assert response.status_code == 302
    parameters = location(response).params
    assert parameters["error"] == error
    assert parameters["error_description"]
    assert parameters["state"] == "a state"
    assert "code" not in parameters


def test_authorize_cancelled_reports_access_denied(client: EmulatorClient) -> None:
    response = client.authorize(form={"action": "deny"})
    assert response.status_code == 303
    assert location(response).params["error"] == "access_denied"
    assert location(response).params["state"] == "a state"


def test_authorize_choice_of_a_removed_user_shows_the_page_again(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.remove_user("user_ada")
    response = client.authorize(form=ADA)
    assert response.status_code == 400
    assert 'role="alert"' in response.text


def test_authorize_uses_the_first_membership_when_none_is_named(client: EmulatorClient) -> None:
    assert client.sign_in(form=ADA)["organization_id"] == "org_acme"


def test_authorize_without_membership_has_no_organization(client: EmulatorClient) -> None:
    answer = client.sign_in(login_hint="bob@example.com")
    assert answer["organization_id"] is None
    assert "org_id" not in claims_of(answer)


def test_authorize_into_an_organization(client: EmulatorClient) -> None:
    answer = client.sign_in(form=ADA, organization_id="org_globex")
    assert answer["organization_id"] == claims_of(answer)["org_id"] == "org_globex"


def test_authorize_into_a_foreign_organization_is_access_denied(client: EmulatorClient) -> None:
    response = client.authorize(login_hint="bob@example.com", organization_id="org_acme")
    assert location(response).params["error"] == "access_denied"
    assert location(response).params["state"] == "a state"


def test_sign_up_makes_a_user_and_signs_in(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    page = client.authorize(screen_hint="sign-up", login_hint="eve@example.com")
    assert page.status_code == 200
    assert 'value="eve@example.com"' in page.text
    form = {"action": "sign-up", "email": " eve@example.com", "first_name": "Eve", "last_name": ""}
    answer = client.sign_in(screen_hint="sign-up", form=form)
    assert answer["user"]["email"] == "eve@example.com"
    assert answer["user"]["first_name"] == "Eve"
    assert answer["user"]["last_name"] is None
    assert emulator.user(answer["user"]["id"]).name == "Eve"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody", ""])
def test_sign_up_with_an_unusable_address_shows_the_form_again(
    client: EmulatorClient, email: str
) -> None:
    form = {"action": "sign-up", "email": email, "first_name": "Eve"}
    response = client.authorize(screen_hint="sign-up", form=form)
    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert 'value="Eve"' in response.text


def test_sign_up_and_sign_in_pages_link_to_each_other(client: EmulatorClient) -> None:
    def link(page: str) -> str:
        found = re.search(r'<a href="([^"]+)"', page)
        assert found
        return f"/user_management/authorize{html.unescape(found[1])}"

    sign_up = client.get(link(client.authorize().text))
    assert "Create your account" in sign_up.text
    sign_in = client.get(link(sign_up.text))
    assert "Ada Lovelace" in sign_in.text
    assert sign_in.request.url.params["state"] == "a state"


def test_impersonation_starts_with_a_code_but_no_state(client: EmulatorClient) -> None:
    form = {"action": "impersonate", "email": "boss@example.com", "reason": "a ticket", **ADA}
    response = client.authorize(form=form)
    assert response.status_code == 303
    assert set(location(response).params) == {"code"}
    answer = client.sign_in(code_challenge=CHALLENGE, code_challenge_method="S256", form=None)
    assert answer["error"] == "invalid_grant"  # the verifier is missing: PKCE holds here too
    code = client.code(code_challenge=CHALLENGE, code_challenge_method="S256")
    answer = client.redeem(code, code_verifier=VERIFIER).json()
    assert answer["impersonator"] == {"email": "boss@example.com", "reason": "a ticket"}
    assert answer["authentication_method"] == "Impersonation"
    assert claims_of(answer)["act"] == {"sub": "boss@example.com"}


def test_impersonation_code_itself_is_good(client: EmulatorClient) -> None:
    code = client.code(form={"action": "impersonate", **ADA})
    impersonator = {"email": "support@example.com", "reason": None}
    assert client.redeem(code).json()["impersonator"] == impersonator


def test_home_says_how_to_point_an_application_here(client: EmulatorClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "WORKOS_BASE_URL=http://localhost" in response.text
    assert "WORKOS_CLIENT_ID=client_emulator" in response.text
