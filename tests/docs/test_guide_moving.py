"""The guides for those who come from workos-python or stand beside Next.js: their examples run."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from doc_pages import Page
from workos.session import seal_session_from_auth_response

from authkit_asgi.testing import WorkOSEmulator

MOVING = Page("guides/workos-python.md")


@pytest.fixture
def legacy_key(authkit_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of the SDK, where the old and the new application look for it."""
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("FERNET_KEY", key)
    monkeypatch.setenv("WORKOS_LEGACY_FERNET_KEY", key)
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "wos_session")
    return key


def test_who_was_signed_in_before_is_signed_in_after(
    client_of, legacy_key: str, authkit_emulator: WorkOSEmulator
) -> None:
    authkit_emulator.enroll("user_ada", "org_acme", role="admin")
    answer = authkit_emulator.sign_in("user_ada")
    sealed = seal_session_from_auth_response(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        cookie_password=legacy_key,
    )
    before = client_of(MOVING.run("before.py").app)
    assert before.get("/me").status_code == 401
    before.cookies.set("wos_session", sealed, domain="localhost.local")
    said = before.get("/me").json()
    assert said["role"] == "admin"
    after = client_of(MOVING.run().app)
    assert after.get("/me").status_code == 401
    after.cookies.set("wos_session", sealed, domain="localhost.local")
    for _ in range(2):
        assert after.get("/me").json() == said
    assert after.cookies["wos_session"].startswith("Fe26.2")


def test_reader_beside_next_js_writes_no_session(client_of, expire_session) -> None:
    app = Page("guides/nextjs.md").run().app
    assert client_of(app).get("/api/me").status_code == 401
    client = client_of(app, "user_ada", role="admin")
    assert client.get("/api/me").json()["role"] == "admin"
    expire_session(client)
    expired = client.get("/api/me")
    assert expired.status_code == 401
    assert "set-cookie" not in expired.headers
