"""Passwords, magic codes and verified addresses, for sign-in pages of an application's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_client import Clock, EmulatorClient, claims_of
from workos.user_management.models import EmailVerification, MagicAuth
from workos.user_management.models import (
    MagicAuthSendMagicAuthCodeAndReturnResponse as SentMagicAuth,
)

from authkit_asgi.testing import WorkOSEmulator

PREFIX = "urn:workos:oauth:grant-type"
MAGIC = "/user_management/magic_auth"
BOB = "bob@example.com"


@pytest.fixture(autouse=True)
def people(emulator: WorkOSEmulator) -> None:
    emulator.update_user("user_ada", password="of ada")
    emulator.update_user("user_bob", password="of bob", email_verified=False)


def by_password(client: EmulatorClient, email: str, password: str) -> Any:
    return client.authenticate(grant_type="password", email=email, password=password)


def by_code(client: EmulatorClient, email: str, code: str) -> Any:
    return client.authenticate(grant_type=f"{PREFIX}:magic-auth:code", email=email, code=code)


def by_verification(client: EmulatorClient, pending: str, code: str) -> Any:
    return client.authenticate(
        grant_type=f"{PREFIX}:email-verification:code",
        pending_authentication_token=pending,
        code=code,
    )


def refusal(response: Any) -> tuple[int, str]:
    body = response.json()
    assert body.keys() == {"code", "message"}  # in either shape
    return response.status_code, body["code"]


def test_password_answers_as_a_code_does(client: EmulatorClient) -> None:
    answer = by_password(client, "ADA@example.com", "of ada").json()
    assert answer["authentication_method"] == "Password"
    assert answer["organization_id"] == claims_of(answer)["org_id"] == "org_acme"
    assert client.refresh(answer["refresh_token"]).status_code == 200


@pytest.mark.parametrize("shape", ["oauth", "workos"])
@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.com", "of bob"), ("eve@example.com", "x")],
)
def test_wrong_password_and_unknown_address_are_refused_alike(
    client: EmulatorClient, emulator: WorkOSEmulator, shape: Any, email: str, password: str
) -> None:
    emulator.configure(error_shape=shape)
    assert refusal(by_password(client, email, password)) == (400, "invalid_credentials")


def test_password_that_is_no_text_of_unicode_is_refused(client: EmulatorClient) -> None:
    fields = {"grant_type": "password", "email": "ada@example.com", "password": "\ud800"}
    credentials = {"client_id": "client_emulator", "client_secret": "sk_test_emulator"}
    response = client.post(
        "/user_management/authenticate", content=json.dumps({**fields, **credentials})
    )
    assert refusal(response) == (400, "invalid_credentials")


def test_user_without_a_password_has_no_empty_one(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.update_user("user_ada", password=None)
    assert refusal(by_password(client, "ada@example.com", "None")) == (400, "invalid_credentials")
    missing = by_password(client, "ada@example.com", "")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


def test_unverified_address_is_to_be_verified_first(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    asked = by_password(client, BOB, "of bob")
    body = asked.json()
    assert (asked.status_code, body["code"]) == (403, "email_verification_required")
    assert body.keys() == {
        "code",
        "message",
        "pending_authentication_token",
        "email",
        "email_verification_id",
    }
    pending, code = body["pending_authentication_token"], emulator.one_time_code(BOB)
    assert refusal(by_verification(client, pending, "x")) == (400, "invalid_one_time_code")
    assert refusal(by_verification(client, "x", code)) == (
        400,
        "invalid_pending_authentication_token",
    )
    answer = by_verification(client, pending, code).json()
    assert (answer["user"]["email_verified"], answer["authentication_method"]) == (True, "Password")
    used = refusal(by_verification(client, pending, code))
    assert used == (400, "one_time_code_previously_used")
    assert by_password(client, BOB, "of bob").status_code == 200


def test_verification_code_is_read_and_sent_again(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    asked = by_password(client, BOB, "of bob").json()
    pending, code = asked["pending_authentication_token"], emulator.one_time_code(BOB)
    path = f"/user_management/email_verification/{asked['email_verification_id']}"
    assert EmailVerification.from_dict(client.api("GET", path).json()).code == code
    sent = client.api("POST", "/user_management/users/user_bob/email_verification/send")
    assert (sent.status_code, sent.json()["user"]["id"]) == (200, "user_bob")
    if emulator.one_time_code(BOB) != code:  # one in a million
        assert refusal(by_verification(client, pending, code))[0] == 400
    assert by_verification(client, pending, emulator.one_time_code(BOB)).status_code == 200


def test_magic_code_signs_in_once_and_verifies(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    sent = client.api("POST", MAGIC, json={"email": BOB})
    assert sent.status_code == 201
    code = SentMagicAuth.from_dict(sent.json())
    assert code.code == emulator.one_time_code(BOB.upper())
    found = MagicAuth.from_dict(client.api("GET", f"{MAGIC}/{code.id}").json())
    assert found.expires_at == code.expires_at
    assert refusal(by_code(client, "ada@example.com", code.code)) == (400, "invalid_one_time_code")
    answer = by_code(client, BOB, code.code).json()
    assert (answer["user"]["email_verified"], answer["authentication_method"]) == (
        True,
        "MagicAuth",
    )
    (session,) = client.api("GET", "/user_management/users/user_bob/sessions").json()["data"]
    assert session["auth_method"] == "magic_code"
    assert refusal(by_code(client, BOB, code.code)) == (400, "one_time_code_previously_used")


def test_newer_magic_code_voids_the_one_before_of_its_kind_and_user(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    asked = by_password(client, BOB, "of bob").json()
    verification = emulator.one_time_code(BOB)
    client.api("POST", MAGIC, json={"email": "ada@example.com"})
    of_ada = emulator.one_time_code("ada@example.com")
    codes = [client.api("POST", MAGIC, json={"email": BOB}).json()["code"] for _ in range(2)]
    if codes[0] != codes[1]:  # one in a million
        assert refusal(by_code(client, BOB, codes[0]))[1] == "one_time_code_previously_used"
    assert by_code(client, BOB, codes[1]).status_code == 200
    assert by_code(client, "ada@example.com", of_ada).json()["user"]["id"] == "user_ada"
    pending = asked["pending_authentication_token"]
    assert by_verification(client, pending, verification).status_code == 200


def test_magic_code_lives_ten_minutes(
    client: EmulatorClient, emulator: WorkOSEmulator, clock: Clock
) -> None:
    client.api("POST", MAGIC, json={"email": BOB})
    clock.now += 600
    code = emulator.one_time_code(BOB)
    assert refusal(by_code(client, BOB, code)) == (400, "one_time_code_expired")


def test_magic_code_makes_a_user_of_a_stranger(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    client.api("POST", MAGIC, json={"email": "eve@example.com"})
    answer = by_code(client, "eve@example.com", emulator.one_time_code("eve@example.com"))
    assert answer.json()["user"]["email"] == "eve@example.com"


def test_code_of_a_user_who_is_gone_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    client.api("POST", MAGIC, json={"email": BOB})
    emulator.remove_user("user_bob")
    assert refusal(by_code(client, BOB, emulator.one_time_code(BOB))) == (400, "user_not_found")


def test_nothing_is_in_a_mailbox_at_first_nor_after_a_reset(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    with pytest.raises(KeyError, match=BOB):
        emulator.one_time_code(BOB)
    client.api("POST", MAGIC, json={"email": BOB})
    assert emulator.count("magic_auth") == 1
    emulator.reset()
    with pytest.raises(KeyError):
        emulator.one_time_code(BOB)


@pytest.mark.parametrize("body", [{}, {"email": 1}, {"email": "no address"}])
def test_magic_code_needs_an_address(client: EmulatorClient, body: Any) -> None:
    assert client.api("POST", MAGIC, json=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "magic_auth/magic_auth_x"),
        ("GET", "email_verification/email_verification_x"),
        ("POST", "users/user_x/email_verification/send"),
    ],
)
def test_what_is_not_there_is_not_found(client: EmulatorClient, method: str, path: str) -> None:
    response = client.api(method, f"/user_management/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "entity_not_found")
    assert client.request(method, f"/user_management/{path}").status_code == 401


def test_password_is_shown_nowhere(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    assert "of ada" not in repr(emulator.user("user_ada"))
    assert "of ada" not in by_password(client, "ada@example.com", "of ada").text
