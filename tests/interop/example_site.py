"""The example application as its people see it, in process, in front of some WorkOS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from example_app.main import create_app

ORIGIN = "http://localhost:8000"
PASSWORD = "a cookie password of 32 characters or more"
SESSION = "wos-session"
NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOSAddress:
    """Where a WorkOS is, and what it knows the application by."""

    url: str
    client_id: str
    api_key: str = field(repr=False)

    @property
    def kit_config(self) -> dict[str, Any]:
        """The settings of the kits, in their names, as `Site` has them in ours."""
        url = httpx.URL(self.url)
        return {
            "clientId": self.client_id,
            "apiKey": self.api_key,
            "redirectUri": f"{ORIGIN}/callback",
            "cookiePassword": PASSWORD,
            "apiHostname": url.host,
            "apiHttps": False,
            "apiPort": url.port,
        }


class Site:
    """A browser at the application. Follows nothing by itself."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def visit(self, url: str, method: str = "GET") -> httpx.Response:
        return self.client.request(method, url, headers=NAVIGATION)

    @property
    def session(self) -> str | None:
        """The session cookie's value."""
        value: str | None = self.client.cookies.get(SESSION)
        return value

    @session.setter
    def session(self, sealed: str) -> None:
        self.client.cookies.clear()
        self.set_cookie(SESSION, sealed)

    def set_cookie(self, name: str, value: str) -> None:
        self.client.cookies.set(name, value, domain="localhost.local", path="/")

    def me(self) -> dict[str, Any]:
        """Return the user as the application knows them; they have to be signed in."""
        response = self.client.get("/api/me")
        assert response.status_code == 200, response.text
        user: dict[str, Any] = response.json()
        return user

    def sign_in(self, email: str) -> None:
        begun = self.visit(f"/login?return_to=/dashboard&login_hint={email}")
        assert begun.status_code == 303
        done = self.visit(follow(begun.headers["location"]))
        assert (done.status_code, done.headers["location"]) == (303, "/dashboard")


def follow(url: str) -> str:
    """Go to WorkOS's sign-in page and return where it sends the browser."""
    response = httpx.get(url)
    assert response.status_code == 302, response.text
    location: str = response.headers["location"]
    return location


@contextlib.contextmanager
def run_site(
    workos: WorkOSAddress, environ: Mapping[str, str] = MappingProxyType({}), **settings: Any
) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKOS_CLIENT_ID", workos.client_id)
        patch.setenv("WORKOS_API_KEY", workos.api_key)
        patch.setenv("WORKOS_BASE_URL", workos.url)
        patch.setenv("WORKOS_REDIRECT_URI", f"{ORIGIN}/callback")
        patch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)
        for name, value in environ.items():
            patch.setenv(name, value)
        app = create_app(**settings)
        with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
            yield Site(client)
