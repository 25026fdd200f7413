"""The guide to bearer tokens and API keys is true: its examples run."""

from __future__ import annotations

import pytest
from doc_pages import Page
from starlette.testclient import TestClient

from authkit_asgi import ConfigurationError
from authkit_asgi.testing import WorkOSEmulator

PAGE = Page("guides/tokens-and-keys.md")


@pytest.fixture
def workos(
    authkit_emulator: WorkOSEmulator,
    authkit_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> WorkOSEmulator:
    emulator = authkit_emulator
    emulator.enroll("user_ada", "org_acme", permissions=("data:export",))
    emulator.add_api_key("org_acme", value="sk_reader", permissions=("reports:read",))
    emulator.add_api_key("org_acme", value="sk_other")
    monkeypatch.setenv("WORKOS_ISSUER", emulator.issuer)
    return emulator


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_fastapi_example_takes_tokens_and_keys(client_of, workos: WorkOSEmulator) -> None:
    token = bearer(workos.sign_in("user_ada")["access_token"])
    app = PAGE.run().app
    client = client_of(app)
    assert client.get("/api/me", headers=token).json() == {"user": "user_ada"}
    assert client.post("/api/export", headers=token).json() == {"exported by": "user_ada"}
    for path in ("/api/me", "/v1/reports"):
        assert client.get(path).status_code == 401
    reports = client.get("/v1/reports", headers=bearer("sk_reader"))
    assert reports.json() == {"organization": "org_acme"}
    assert client.get("/v1/reports", headers=bearer("sk_other")).status_code == 403
    assert client.get("/v1/reports", headers=token).status_code == 401
    by_cookie = client_of(app, "user_ada", permissions=["data:export"]).post("/api/export")
    assert by_cookie.json() == {"exported by": "user_ada"}


def test_starlette_example_takes_tokens_and_keys(client_of, workos: WorkOSEmulator) -> None:
    token = bearer(workos.sign_in("user_ada")["access_token"])
    client = client_of(PAGE.run("starlette_main.py").app)
    assert client.get("/api/me", headers=token).text == "user_ada"
    assert client.get("/api/me", headers=bearer("sk_reader")).status_code == 401
    assert client.get("/v1/reports", headers=bearer("sk_reader")).text == "…"
    assert client.get("/v1/reports", headers=bearer("sk_other")).status_code == 403


@pytest.mark.usefixtures("workos")
@pytest.mark.parametrize("name", ["main.py", "starlette_main.py"])
def test_examples_do_not_start_without_an_issuer(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("WORKOS_ISSUER")
    with (
        pytest.raises(ConfigurationError, match="WORKOS_ISSUER"),
        TestClient(PAGE.run(name).app),
    ):
        raise AssertionError("it has started")
