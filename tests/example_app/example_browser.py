"""What the example application's tests share: a browser that signs in."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
from starlette.testclient import TestClient

from authkit_asgi.testing import SignIn, WorkOSEmulator

_NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}


class Browser:
    """Goes to pages as browsers do; `client` speaks to the application as programs do."""

    def __init__(self, client: TestClient, emulator: WorkOSEmulator, sign_in: SignIn) -> None:
        self.client = client
        self.emulator = emulator
        self._sign_in = sign_in

    def visit(self, url: str) -> Any:
        return self.client.get(url, headers=_NAVIGATION)

    def submit(self, url: str, **headers: str) -> Any:
        return self.client.post(url, headers={**_NAVIGATION, **headers})

    def sign_in(self, email: str, *, auth_age: float = 0) -> Any:
        """Be signed in, and return the dashboard."""
        self._sign_in(self.client, email, auth_age=auth_age)
        return self.visit("/dashboard")

    def sign_in_by_page(self, email: str, path: str = "/login?return_to=/dashboard") -> Any:
        """Sign in at WorkOS's page and return the page that the sign-in ends at."""
        begun = self.visit(f"{path}&login_hint={email}")
        granted = httpx.get(begun.headers["location"])
        called_back = self.visit(granted.headers["location"])
        assert called_back.status_code == 303
        return self.visit(called_back.headers["location"])


def text_of(response: Any) -> str:
    """Return what people read: the page without its tags."""
    content = re.sub(r"<[^>]+>", " ", response.text)
    return " ".join(unescape(content).split())
