"""The browser's part once signed in: single sign-on, and the sign-out that ends it."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import REDIRECT_URI, Clock, EmulatorClient, claims_of, location

from authkit_asgi.testing import WorkOSEmulator

ADA = {"user_id": "user_ada"}
LOGOUT = "/user_management/sessions/logout"


def test_authorize_again_goes_back_at_once_with_the_first_auth_time(
    client: EmulatorClient, clock: Clock
) -> None:
    first = claims_of(client.sign_in(form=ADA))
    clock.now += 100
    response = client.authorize()
    assert response.status_code == 302
    assert "set-cookie" not in response.headers
    second = claims_of(client.redeem(location(response).params["code"]).json())
    assert second["auth_time"] == first["auth_time"] == clock.now - 100
    assert second["sid"] != first["sid"]


@pytest.mark.parametrize(
    "change",
    [{"prompt": "login"}, {"max_age": "100"}, {"max_age": "0"}, {"screen_hint": "sign-up"}],
)
def test_authorize_again_asks_when_told_so(
    client: EmulatorClient, clock: Clock, change: dict[str, Any]
) -> None:
    client.authorize(form=ADA)
    clock.now += 100
    assert client.authorize(**change).status_code == 200


def test_authorize_again_within_max_age_goes_back_at_once(
    client: EmulatorClient, clock: Clock
) -> None:
    client.authorize(form=ADA)
    clock.now += 100
    assert client.authorize(max_age="101").status_code == 302


def test_authorize_again_with_prompt_and_login_hint_renews_auth_time(
    client: EmulatorClient, clock: Clock
) -> None:
    client.authorize(form=ADA)
    clock.now += 100
    answer = client.sign_in(prompt="login", login_hint="ada@example.com")
    assert claims_of(answer)["auth_time"] == clock.now


def test_authorize_again_with_another_login_hint_changes_the_user(client: EmulatorClient) -> None:
    client.authorize(form=ADA)
    assert client.sign_in(login_hint="bob@example.com")["user"]["id"] == "user_bob"
    assert client.sign_in()["user"]["id"] == "user_bob"


def test_authorize_again_as_a_removed_user_asks(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    client.authorize(form=ADA)
    emulator.remove_user("user_ada")
    assert client.authorize().status_code == 200


def test_logout_ends_the_session_and_the_single_sign_on(client: EmulatorClient) -> None:
    answer = client.sign_in(form=ADA)
    parameters = {
        "session_id": claims_of(answer)["sid"],
        "return_to": "http://localhost:8000/bye?a=1",
    }
    response = client.get(LOGOUT, params=parameters)
    assert response.status_code == 302
    assert response.headers["location"] == "http://localhost:8000/bye?a=1"
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert client.refresh(answer["refresh_token"]).status_code == 400
    assert client.authorize().status_code == 200


def test_logout_from_elsewhere_ends_the_single_sign_on_of_that_session(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    sid = claims_of(client.sign_in(form=ADA))["sid"]
    EmulatorClient(emulator).get(LOGOUT, params={"session_id": sid})
    assert client.authorize().status_code == 200


def test_logout_of_an_unknown_session_makes_the_browser_cookie_worthless(
    client: EmulatorClient,
) -> None:
    cookie = client.authorize(form=ADA).headers["set-cookie"].partition(";")[0]
    client.get(LOGOUT, params={"session_id": "session_unknown"})
    query = f"client_id=client_emulator&redirect_uri={REDIRECT_URI}&response_type=code"
    response = client.get(f"/user_management/authorize?{query}", headers={"Cookie": cookie})
    assert response.status_code == 200


@pytest.mark.parametrize("return_to", [None, "", "/local", "javascript:alert(1)"])
def test_logout_without_a_web_address_shows_a_page(
    client: EmulatorClient, return_to: str | None
) -> None:
    parameters = {"session_id": "session_unknown"} | ({"return_to": return_to} if return_to else {})
    response = client.get(LOGOUT, params=parameters)
    assert response.status_code == 200
    assert "Signed out" in response.text


def test_logout_without_session_is_refused(client: EmulatorClient) -> None:
    assert client.get(LOGOUT).status_code == 422
