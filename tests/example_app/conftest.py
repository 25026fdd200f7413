from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi_spec import checked
from example_browser import Browser
from starlette.testclient import TestClient

from authkit_asgi.testing import WorkOSEmulator
from example_app.main import create_app

ORIGIN = "http://localhost:8000"


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[WorkOSEmulator, str]]:
    emulator = WorkOSEmulator.demo()
    with emulator.serve() as api_base_url:
        yield emulator, api_base_url


@pytest.fixture
def browser(
    _served: tuple[WorkOSEmulator, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """A browser at the application, which is served in process; the emulator over HTTP."""
    emulator, api_base_url = _served
    emulator.reset()
    monkeypatch.setenv("WORKOS_CLIENT_ID", emulator.client_id)
    monkeypatch.setenv("WORKOS_API_KEY", emulator.api_key)
    monkeypatch.setenv("WORKOS_BASE_URL", api_base_url)
    monkeypatch.setenv("WORKOS_REDIRECT_URI", f"{ORIGIN}/callback")
    monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", "a password of at least 32 characters")
    app = create_app(jwt_leeway=0, refresh_buffer=0)
    with TestClient(checked(app), base_url=ORIGIN, follow_redirects=False) as client:
        yield Browser(client, emulator)
