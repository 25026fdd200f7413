from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from asgi_spec import checked
from example_browser import Browser
from starlette.testclient import TestClient

from authkit_asgi.testing import SignIn, WorkOSEmulator
from example_app.main import create_app

ORIGIN = "http://localhost:8000"


@pytest.fixture(scope="session")
def authkit_make_emulator() -> Callable[[], WorkOSEmulator]:
    return WorkOSEmulator.demo


@pytest.fixture
def authkit_redirect_uri() -> str:
    return f"{ORIGIN}/callback"


@pytest.fixture
def browser(authkit_emulator: WorkOSEmulator, sign_in: SignIn) -> Iterator[Browser]:
    """A browser at the application, which is served in process; the emulator over HTTP."""
    app = create_app(jwt_leeway=0, refresh_buffer=0)
    with TestClient(checked(app), base_url=ORIGIN, follow_redirects=False) as client:
        yield Browser(client, authkit_emulator, sign_in)
