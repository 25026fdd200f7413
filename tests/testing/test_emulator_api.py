"""Users, sessions, key set: what an application asks with its API key."""

from __future__ import annotations

import re

import anyio
import httpx
import pytest
from emulator_client import Clock, EmulatorClient, claims_of, decode
from joserfc import jwt
from joserfc.jwk import KeySet
from workos import AsyncWorkOSClient

from authkit_asgi.testing import WorkOSEmulator

ADA = {"user_id": "user_ada"}


def test_key_set_verifies_the_access_tokens(client: EmulatorClient) -> None:
    response = client.get("/sso/jwks/client_emulator")
    assert response.status_code == 200
    (key,) = response.json()["keys"]
    assert {key["kty"], key["alg"], key["use"]} == {"RSA", "RS256", "sig"}
    assert "d" not in key
    token = client.sign_in(form=ADA)["access_token"]
    assert decode(token.split(".")[0]) == {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
    keys = KeySet.import_key_set(response.json())
    assert jwt.decode(token, keys, algorithms=["RS256"]).claims["sub"] == "user_ada"


def test_key_set_of_another_client_is_not_found(client: EmulatorClient) -> None:
    assert client.get("/sso/jwks/client_other").status_code == 404


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/user_management/users/user_ada"),
        ("GET", "/user_management/users/user_ada/sessions"),
        ("POST", "/user_management/sessions/revoke"),
        ("GET", "/user_management/organization_memberships?user_id=user_ada"),
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "sk_test_emulator", "Bearer é"])
def test_api_demands_the_key(
    client: EmulatorClient, method: str, url: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    response = client.request(method, url, headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"


def test_user_is_read(client: EmulatorClient) -> None:
    response = client.api("GET", "/user_management/users/user_ada")
    assert response.status_code == 200
    assert response.json()["email"] == "ada@example.com"


def test_user_unknown_is_not_found(client: EmulatorClient) -> None:
    for path in ("user_eve", "user_eve/sessions"):
        response = client.api("GET", f"/user_management/users/{path}")
        assert response.status_code == 404
        assert response.json()["code"] == "entity_not_found"


def test_sessions_are_listed_the_newest_first(client: EmulatorClient) -> None:
    sids = [claims_of(client.sign_in(form=ADA))["sid"] for _ in range(2)]
    client.sign_in(form={"user_id": "user_bob"})
    response = client.api("GET", "/user_management/users/user_ada/sessions")
    body = response.json()
    assert body["object"] == "list"
    assert body["list_metadata"] == {"before": None, "after": None}
    assert [session["id"] for session in body["data"]] == sids[::-1]
    assert body["data"][0]["ip_address"] == "127.0.0.1"
    assert body["data"][0]["auth_method"] == "password"


def test_session_revoked_cannot_be_refreshed(client: EmulatorClient) -> None:
    answer = client.sign_in(form=ADA)
    body = {"session_id": claims_of(answer)["sid"]}
    response = client.api("POST", "/user_management/sessions/revoke", json=body)
    assert response.status_code == 200
    assert response.json() == {"success": True}
    assert client.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    listed = client.api("GET", "/user_management/users/user_ada/sessions").json()
    assert listed["data"] == []
    again = client.api("POST", "/user_management/sessions/revoke", json=body)
    assert again.status_code == 404


def test_revoke_without_session_is_refused(client: EmulatorClient) -> None:
    response = client.api("POST", "/user_management/sessions/revoke", json={})
    assert response.status_code == 400


def test_sdk_reads_users_and_sessions(emulator: WorkOSEmulator, clock: Clock) -> None:
    impersonator = {"email": "boss@example.com", "reason": "a ticket"}
    emulator.sign_in("user_ada", impersonator=impersonator)

    async def ask() -> tuple[str, str]:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app))
        workos = AsyncWorkOSClient(
            api_key=emulator.api_key,
            client_id=emulator.client_id,
            base_url="http://testserver",
            http_client=http,
        )
        user = await workos.user_management.get_user("user_ada")
        page = await workos.user_management.list_sessions("user_ada")
        await workos.user_management.revoke_session(session_id=page.data[0].id)
        assert page.data[0].impersonator is not None
        assert page.data[0].impersonator.email == "boss@example.com"
        assert page.data[0].expires_at.timestamp() > clock.now
        return user.email, page.data[0].auth_method

    assert anyio.run(ask) == ("ada@example.com", "impersonation")


def test_method_that_is_not_there_is_refused(client: EmulatorClient) -> None:
    response = client.request("DELETE", "/user_management/authorize")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST"
    response = client.get("/user_management/sessions/revoke")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_path_that_is_not_there_is_not_found(client: EmulatorClient) -> None:
    for path in ("/user_management", "/user_management/users/a/b/c"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.json() == {"message": "Not Found", "code": "not_found"}


def test_head_is_answered_as_get(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    response = client.request("HEAD", "/sso/jwks/client_emulator")
    assert response.status_code == 200
    assert response.headers == {
        **client.get("/sso/jwks/client_emulator").headers,
        "x-request-id": response.headers["x-request-id"],
    }
    assert [record.method for record in emulator.requests] == ["HEAD", "GET"]


def test_answers_have_an_id_each(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", status=503)
    responses = [
        client.get("/sso/jwks/client_emulator"),
        client.get("/sso/jwks/client_emulator"),
        client.get("/nothing"),
        client.get("/"),
    ]
    ids = {response.headers["x-request-id"] for response in responses}
    assert len(ids) == len(responses)
    assert all(re.fullmatch("req_[0-9A-Z]{26}", one) for one in ids)


def test_fault_may_order_the_id_of_its_answer(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.fail("jwks", status=503, headers={"X-Request-ID": "req_ordered"})
    response = client.get("/sso/jwks/client_emulator")
    assert response.headers.get_list("x-request-id") == ["req_ordered"]
