"""The token endpoint: clients, codes, PKCE, claims, error shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_client import (
    CHALLENGE,
    REDIRECT_URI,
    START,
    VERIFIER,
    Clock,
    EmulatorClient,
    claims_of,
)
from workos.user_management.models import AuthenticateResponse

from authkit_asgi.testing import WorkOSEmulator

ADA = {"user_id": "user_ada"}
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
URL = "/user_management/authenticate"


def test_code_answer_has_what_workos_answers(client: EmulatorClient) -> None:
    response = client.redeem(client.code(form=ADA))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert list(answer) == [
        "user",
        "organization_id",
        "access_token",
        "refresh_token",
        "authentication_method",
    ]
    assert answer["user"] == {
        "object": "user",
        "id": "user_ada",
        "email": "ada@example.com",
        "email_verified": True,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "profile_picture_url": None,
        "last_sign_in_at": "2027-01-15T08:00:00.000Z",
        "locale": None,
        "external_id": None,
        "metadata": {},
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }
    assert answer["authentication_method"] == "Password"


def test_code_answer_is_read_by_the_sdk(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    tokens = {
        "provider": "GoogleOAuth",
        "access_token": "at",
        "refresh_token": "rt",
        "expires_at": 1,
        "scopes": ["email"],
    }
    emulator.update_user("user_ada", oauth_tokens=tokens, authentication_method="GoogleOAuth")
    answer = client.sign_in(form=ADA)
    parsed = AuthenticateResponse.from_dict(answer)
    assert parsed.user.name == "Ada Lovelace"
    assert answer["oauth_tokens"] == tokens
    assert "oauth_tokens" not in client.refresh(answer["refresh_token"]).json()


def test_access_token_claims_of_an_organization(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.update_user("user_ada", claims={"https://example.com/plan": "pro", "sub": "nobody"})
    claims = claims_of(client.sign_in(form=ADA, organization_id="org_globex"))
    assert claims.pop("jti").startswith("jti_")
    assert claims.pop("sid").startswith("session_")
    assert claims == {
        "https://example.com/plan": "pro",
        "iss": "https://api.workos.com/user_management/client_emulator",
        "sub": "user_ada",
        "client_id": "client_emulator",
        "auth_time": START,
        "iat": START,
        "exp": START + 300,
        "org_id": "org_globex",
        "role": "member",
        "roles": ["member", "auditor"],
        "permissions": [],
        "entitlements": ["audit-log"],
        "feature_flags": ["beta"],
    }


def test_authenticate_takes_an_urlencoded_body(client: EmulatorClient) -> None:
    fields = {
        "client_id": "client_emulator",
        "client_secret": "sk_test_emulator",
        "grant_type": "authorization_code",
        "code": client.code(form=ADA),
    }
    assert client.post(URL, data=fields).status_code == 200


@pytest.mark.parametrize("body", ["[]", "{", '"text"', "[" * 100_000, b"\xff\xfe"])
def test_authenticate_refuses_a_body_that_is_no_object(
    client: EmulatorClient, body: str | bytes
) -> None:
    response = client.post(URL, content=body)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "client_other"}, 401, "invalid_client"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"client_secret": "sk_wrong"}, 401, "invalid_client"),
        ({"client_secret": "\ud800"}, 401, "invalid_client"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": 1}, 400, "invalid_request"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"code": None}, 400, "invalid_request"),
        ({"code": ["x"]}, 400, "invalid_request"),
        ({"code": "unknown"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:8000/other"}, 400, "invalid_grant"),
        ({"code_verifier": "\ud800"}, 400, "invalid_grant"),
    ],
)
def test_code_with_a_fault_is_refused(
    client: EmulatorClient, change: dict[str, Any], status: int, error: str
) -> None:
    fields = {
        "client_id": "client_emulator",
        "client_secret": "sk_test_emulator",
        "grant_type": "authorization_code",
        "code": client.code(form=ADA, **PKCE),
        "code_verifier": VERIFIER,
        **change,
    }
    sent = {name: value for name, value in fields.items() if value is not None}
    headers = {"Content-Type": "application/json"}
    response = client.post(URL, content=json.dumps(sent), headers=headers)
    assert response.status_code == status
    assert response.json()["error"] == error
    assert response.json()["error_description"]


def test_code_is_good_once(client: EmulatorClient) -> None:
    code = client.code(form=ADA)
    assert client.redeem(code, redirect_uri=REDIRECT_URI).status_code == 200
    assert client.redeem(code).json()["error"] == "invalid_grant"


def test_code_is_good_for_ten_minutes(client: EmulatorClient, clock: Clock) -> None:
    first, second = client.code(form=ADA), client.code(form=ADA)
    clock.now += 599
    assert client.redeem(first).status_code == 200
    clock.now += 1
    assert client.redeem(second).json()["error"] == "invalid_grant"


def test_code_with_challenge_needs_its_verifier(client: EmulatorClient) -> None:
    for verifier, status in ((VERIFIER, 200), (VERIFIER[::-1], 400), (None, 400)):
        code = client.code(form=ADA, **PKCE)
        assert client.redeem(code, code_verifier=verifier).status_code == status


def test_code_without_challenge_refuses_a_verifier(client: EmulatorClient) -> None:
    response = client.redeem(client.code(form=ADA), code_verifier=VERIFIER)
    assert response.json()["error"] == "invalid_grant"


def test_code_of_a_user_removed_meanwhile_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    code = client.code(form=ADA)
    emulator.remove_user("user_ada")
    assert client.redeem(code).json()["error"] == "invalid_grant"


def test_code_of_a_membership_ended_meanwhile_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    code = client.code(form=ADA)
    emulator.remove_membership("user_ada", "org_acme")
    assert client.redeem(code).json()["error"] == "invalid_grant"


def test_errors_have_the_other_shape_when_asked_for(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.configure(error_shape="workos")
    body = client.refresh("ref_unknown").json()
    assert set(body) == {"code", "message"}
    assert body["code"] == "invalid_grant"


def test_lifetime_is_changed_at_run_time(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.access_token_lifetime = 7
    assert emulator.access_token_lifetime == 7
    claims = claims_of(client.sign_in(form=ADA))
    assert claims["exp"] - claims["iat"] == 7
