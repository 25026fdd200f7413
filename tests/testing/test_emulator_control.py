"""/_emulator/…: the Python interface over HTTP, for loopback only."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
from emulator_client import Clock, EmulatorClient, claims_of, decode
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.connections import is_loopback

JWKS = "/sso/jwks/client_emulator"


def test_control_adds_people_and_signs_them_in(client: EmulatorClient) -> None:
    user = client.post(
        "/_emulator/users", json={"email": "eve@example.com", "first_name": "Eve", "locale": "fr"}
    )
    assert user.status_code == 200
    assert user.json()["locale"] == "fr"
    organization = client.post("/_emulator/organizations", json={"name": "Bank"}).json()
    assert organization == {
        "object": "organization",
        "id": organization["id"],
        "name": "Bank",
        "sso_required": False,
        "mfa_required": False,
    }
    ids = {"user_id": user.json()["id"], "organization_id": organization["id"]}
    membership = client.post("/_emulator/memberships", json={**ids, "permissions": ["a:b"]}).json()
    assert membership == {
        "object": "organization_membership",
        "id": membership["id"],
        "user_id": ids["user_id"],
        "org_id": ids["organization_id"],
        "role": "member",
        "roles": ["member"],
        "permissions": ["a:b"],
    }
    answer = client.post("/_emulator/sign-in", json={**ids, "lifetime": 5}).json()
    claims = claims_of(answer)
    assert claims["permissions"] == ["a:b"]
    assert claims["exp"] - claims["iat"] == 5


def test_control_changes_settings_and_hides_the_key(client: EmulatorClient) -> None:
    changed = client.post("/_emulator/settings", json={"access_token_lifetime": 9})
    assert changed.status_code == 200
    assert changed.json()["access_token_lifetime"] == 9
    read = client.get("/_emulator/settings")
    assert read.json() == changed.json()
    assert "api_key" not in read.json()


def test_control_resets(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    client.post("/_emulator/settings", json={"replay_window": 9, "client_id": "client_other"})
    client.get(JWKS)
    assert client.post("/_emulator/reset").json() == {}
    assert emulator.settings.replay_window == 0
    assert emulator.client_id == "client_emulator"
    assert emulator.requests == ()
    assert client.post("/_emulator/sign-in", json={"user_id": "user_ada"}).status_code == 422


def test_control_mints_tokens(client: EmulatorClient) -> None:
    body = {"claims": {"sub": 7}, "header": {"kid": None}}
    token = client.post("/_emulator/tokens", json=body).json()["access_token"]
    header, claims, _ = token.split(".")
    assert decode(header) == {"alg": "RS256", "typ": "JWT"}
    assert decode(claims) == {"sub": 7}


def test_control_makes_codes_of_impersonated_sessions(client: EmulatorClient) -> None:
    body = {"user_id": "user_ada", "email": "boss@example.com", "organization_id": "org_globex"}
    code = client.post("/_emulator/impersonate", json=body).json()["code"]
    answer = client.redeem(code).json()
    assert answer["impersonator"] == {"email": "boss@example.com", "reason": None}
    assert answer["organization_id"] == "org_globex"


def test_control_rotates_and_withdraws_keys(client: EmulatorClient) -> None:
    (old,) = client.get(JWKS).json()["keys"]
    both = client.post("/_emulator/keys/rotate").json()["keys"]
    assert {key["kid"] for key in both} > {old["kid"]}
    (new,) = client.post("/_emulator/keys/withdraw").json()["keys"]
    assert new["kid"] != old["kid"]
    (newest,) = client.post("/_emulator/keys/rotate", json={"withdraw_old": True}).json()["keys"]
    assert newest["kid"] != new["kid"]


def test_control_orders_and_clears_faults(client: EmulatorClient) -> None:
    order = {"endpoint": "jwks", "times": None, "garbage": "truncated"}
    assert client.post("/_emulator/faults", json=order).status_code == 200
    assert client.get(JWKS).text.startswith('{"user"')
    assert client.request("DELETE", "/_emulator/faults").json() == {}
    assert client.get(JWKS).json()["keys"]
    client.post("/_emulator/faults", json={"endpoint": "jwks", "status": 503})
    assert client.get(JWKS).status_code == 503


def test_control_lists_requests(client: EmulatorClient) -> None:
    client.sign_in(form={"user_id": "user_ada"})
    client.refresh("ref_unknown")
    assert client.get("/_emulator/requests").json()["count"] == 3
    filters = {"endpoint": "authenticate", "grant_type": "refresh_token"}
    listed = client.get("/_emulator/requests", params=filters).json()
    assert listed["count"] == 1
    assert listed["data"][0]["status"] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users", {}),
        ("users", {"email": 7}),
        ("users", {"email": "eve@example.com", "first_name": 7}),
        ("users", {"email": "eve@example.com", "metadata": 7}),
        ("users", {"email": "ada@example.com"}),
        ("users", {"email": "eve@example.com", "user_id": "user_ada"}),
        ("users", {"email": "eve@example.com", "colour": "red"}),
        ("memberships", {"user_id": "user_ada"}),
        ("memberships", {"user_id": "user_eve", "organization_id": "org_acme"}),
        (
            "memberships",
            {"user_id": "user_ada", "organization_id": "org_acme", "permissions": "a:b"},
        ),
        ("settings", {"colour": "red"}),
        ("faults", {"endpoint": "nothing"}),
        ("faults", {"endpoint": "jwks", "garbage": "unknown"}),
        ("impersonate", {"user_id": "user_ada"}),
        ("sign-in", {"user_id": "user_bob", "organization_id": "org_acme"}),
    ],
)
def test_control_says_what_is_wrong(
    client: EmulatorClient, path: str, body: dict[str, Any]
) -> None:
    response = client.post(f"/_emulator/{path}", json=body)
    assert response.status_code == 422
    assert response.json()["message"]


def test_control_refuses_a_body_that_is_no_object(client: EmulatorClient) -> None:
    assert client.post("/_emulator/users", content="[").status_code == 400


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8010",
        "app.localhost:8010",
        "127.0.0.1:8010",
        "127.1.2.3",
        "[::1]:8010",
        "testserver",
    ],
)
def test_host_of_this_machine_is_served(client: EmulatorClient, host: str) -> None:
    assert client.get(JWKS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "192.168.0.1",
        "0.0.0.0",  # noqa: S104  # a Host header, nothing is bound
        "[::1",
        "[::2]",
        "",
        "evil.example@localhost:x",
        "127.0.0.1.nip.io",
    ],
)
def test_host_of_elsewhere_is_refused(client: EmulatorClient, host: str) -> None:
    for path in (JWKS, "/_emulator/settings", "/"):
        response = client.get(path, headers={"Host": host})
        assert response.status_code == 403
    assert client.emulator.requests == ()


def test_host_with_a_user_part_is_judged_by_its_name() -> None:
    assert not is_loopback("localhost@evil.example")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 200),
        ("https://app.localhost", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("ftp://localhost", 403),
    ],
)
def test_control_refuses_pages_of_elsewhere(
    client: EmulatorClient, origin: str, status: int
) -> None:
    response = client.post("/_emulator/reset", headers={"Origin": origin})
    assert response.status_code == status


def test_request_without_host_is_refused(emulator: WorkOSEmulator) -> None:
    sent: list[Any] = []
    scope = http_scope("GET")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    anyio.run(emulator.app, scope, receive, send)
    assert sent[0]["status"] == 403


def test_client_that_leaves_while_sending_is_let_go(emulator: WorkOSEmulator) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = http_scope("POST")
    anyio.run(emulator.app, scope, receive, send)
    assert emulator.requests == ()


def test_lifespan_is_acknowledged_and_websockets_are_closed(emulator: WorkOSEmulator) -> None:
    with TestClient(emulator.app) as client:
        assert client.get(JWKS).status_code == 200
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
            pass


def test_serve_stops_cleanly_and_can_be_repeated(emulator: WorkOSEmulator) -> None:
    with emulator.serve() as base_url:
        assert httpx.get(base_url + JWKS).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url + JWKS)
    port = httpx.URL(base_url).port
    assert port is not None
    with emulator.serve(port=port) as again:
        assert again == base_url
        with pytest.raises(OSError, match="in use"):
            emulator.serve(port=port).__enter__()


def test_clock_steps_are_seen_over_http(client: EmulatorClient, clock: Clock) -> None:
    clock.now += 1000
    answer = client.post("/_emulator/sign-in", json={"user_id": "user_bob"}).json()
    assert claims_of(answer)["iat"] == clock.now


def http_scope(method: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": "/",
        "query_string": b"",
        "headers": [],
    }
