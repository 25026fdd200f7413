"""What the README says of bearer tokens and API keys is true: its examples run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from authkit_asgi import ConfigurationError
from authkit_asgi.testing import WorkOSEmulator

README = (Path(__file__).parent.parent / "README.md").read_text()
_, _, FROM_SECTION = README.partition("\n## Bearer tokens and API keys\n")
SECTION, _, _ = FROM_SECTION.partition("\n## ")
FASTAPI, STARLETTE = re.findall(r"^```python3\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def workos(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkOSEmulator]:
    emulator = WorkOSEmulator()
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    emulator.add_organization("Acme", organization_id="org_acme")
    emulator.add_membership("user_ada", "org_acme", permissions=("data:export",))
    emulator.add_api_key("org_acme", value="sk_reader", permissions=("reports:read",))
    emulator.add_api_key("org_acme", value="sk_other")
    with emulator.serve() as base_url:
        monkeypatch.setenv("WORKOS_CLIENT_ID", emulator.client_id)
        monkeypatch.setenv("WORKOS_API_KEY", emulator.api_key)
        monkeypatch.setenv("WORKOS_BASE_URL", base_url)
        monkeypatch.setenv("WORKOS_ISSUER", emulator.issuer)
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/callback")
        monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", "a password of more than 32 characters")
        yield emulator


def app_of(example: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  # ours
    return names["app"]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_fastapi_example_takes_tokens_and_keys(workos: WorkOSEmulator) -> None:
    token = bearer(workos.sign_in("user_ada")["access_token"])
    with TestClient(app_of(FASTAPI), base_url="http://localhost:8000") as client:
        assert client.get("/api/me", headers=token).json() == {"user": "user_ada"}
        assert client.post("/api/export", headers=token).json() == {"exported by": "user_ada"}
        for path in ("/api/me", "/v1/reports"):
            assert client.get(path).status_code == 401
        reports = client.get("/v1/reports", headers=bearer("sk_reader"))
        assert reports.json() == {"organization": "org_acme"}
        assert client.get("/v1/reports", headers=bearer("sk_other")).status_code == 403
        assert client.get("/v1/reports", headers=token).status_code == 401


def test_starlette_example_takes_tokens_and_keys(workos: WorkOSEmulator) -> None:
    token = bearer(workos.sign_in("user_ada")["access_token"])
    with TestClient(app_of(STARLETTE), base_url="http://localhost:8000") as client:
        assert client.get("/api/me", headers=token).text == "user_ada"
        assert client.get("/api/me", headers=bearer("sk_reader")).status_code == 401
        assert client.get("/v1/reports", headers=bearer("sk_reader")).text == "…"
        assert client.get("/v1/reports", headers=bearer("sk_other")).status_code == 403


@pytest.mark.usefixtures("workos")
@pytest.mark.parametrize("example", [FASTAPI, STARLETTE])
def test_examples_do_not_start_without_an_issuer(
    monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    monkeypatch.delenv("WORKOS_ISSUER")
    with pytest.raises(ConfigurationError, match="WORKOS_ISSUER"), TestClient(app_of(example)):
        raise AssertionError("it has started")
