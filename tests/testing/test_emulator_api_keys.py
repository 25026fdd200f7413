"""API keys of customers, as the SDK and as plain HTTP validate them."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
from emulator_client import Clock, EmulatorClient
from workos import AsyncWorkOSClient

from authkit_asgi.testing import WorkOSEmulator

URL = "/api_keys/validations"


def test_sdk_reads_a_key_of_an_organization_and_one_of_a_user(emulator: WorkOSEmulator) -> None:
    own = emulator.add_api_key("org_acme", name="CI", permissions=["data:read"], expires_at=4e9)
    users = emulator.add_api_key("org_acme", user="user_ada", value="sk_ada")
    found = _validated(emulator, own.value)
    assert (found.id, found.name, found.permissions) == (own.id, "CI", ["data:read"])
    assert (found.owner.type, found.owner.id) == ("organization", "org_acme")
    assert found.expires_at.timestamp() == 4e9
    assert found.obfuscated_value == f"sk_…{own.value[-4:]}"
    owner = _validated(emulator, "sk_ada").owner
    assert (owner.type, owner.id, owner.organization_id) == ("user", "user_ada", "org_acme")
    assert users.value == "sk_ada"
    assert own.value.startswith("sk_test_")


def test_last_use_is_noted(emulator: WorkOSEmulator, clock: Clock) -> None:
    key = emulator.add_api_key("org_acme")
    assert _validated(emulator, key.value).last_used_at is None
    clock.now += 60
    used_at = _validated(emulator, key.value).last_used_at
    assert used_at.timestamp() == clock.now - 60


def test_key_that_is_unknown_revoked_or_expired_is_null(
    emulator: WorkOSEmulator, clock: Clock
) -> None:
    revoked = emulator.add_api_key("org_acme")
    expiring = emulator.add_api_key("org_acme", expires_at=clock.now + 10)
    assert _validated(emulator, expiring.value) is not None
    emulator.revoke_api_key(revoked.id)
    clock.now += 10
    for value in ("sk_unknown", revoked.value, expiring.value):
        assert _validated(emulator, value) is None
    emulator.reset()
    assert _validated(emulator, expiring.value) is None


def test_mistakes_are_refused(emulator: WorkOSEmulator, client: EmulatorClient) -> None:
    emulator.add_api_key("org_acme", value="sk_1")
    with pytest.raises(ValueError, match="already"):
        emulator.add_api_key("org_acme", value="sk_1")
    with pytest.raises(TypeError, match="list of permissions"):
        emulator.add_api_key("org_acme", permissions="data:read")
    with pytest.raises(KeyError):
        emulator.revoke_api_key("api_key_unknown")
    for body in ({}, {"value": ""}, {"value": 7}):
        assert client.api("POST", URL, json=body).status_code == 422
    assert client.post(URL, json={"value": "sk_1"}).status_code == 401


def test_faults_and_counts_know_the_endpoint(
    emulator: WorkOSEmulator, client: EmulatorClient
) -> None:
    emulator.fail("api_keys", status=503)
    assert client.api("POST", URL, json={"value": "sk_1"}).status_code == 503
    assert client.api("POST", URL, json={"value": "sk_1"}).json() == {"api_key": None}
    assert (emulator.count("api_keys"), emulator.count("api_keys", status=503)) == (2, 1)


def test_control_adds_and_revokes_keys(client: EmulatorClient) -> None:
    body = {"organization_id": "org_acme", "user_id": "user_ada", "permissions": ["a:b"]}
    made = client.post("/_emulator/api-keys", json=body).json()
    value = made.pop("value")
    assert client.api("POST", URL, json={"value": value}).json() == {"api_key": made}
    assert client.post("/_emulator/api-keys/revoke", json={"id": made["id"]}).json() == {}
    assert client.api("POST", URL, json={"value": value}).json() == {"api_key": None}
    assert client.post("/_emulator/api-keys/revoke", json={"id": made["id"]}).status_code == 422
    assert client.post("/_emulator/api-keys", json={}).status_code == 422


def _validated(emulator: WorkOSEmulator, value: str) -> Any:
    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app)) as http_client:
            sdk = AsyncWorkOSClient(
                api_key=emulator.api_key,
                client_id=emulator.client_id,
                base_url="http://localhost",
                http_client=http_client,
            )
            return (await sdk.api_keys.create_validation(value=value)).api_key

    return anyio.run(ask)
