"""What the emulator's tests share: a client that speaks HTTP to it, and a clock to turn."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from typing import Any

import anyio
import httpx

from authkit_asgi.testing import WorkOSEmulator

REDIRECT_URI = "http://localhost:8000/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
START = 1_800_000_000.0


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class EmulatorClient:
    """A browser and an application's server in one: keeps cookies, follows no redirect."""

    def __init__(self, emulator: WorkOSEmulator, host: str = "localhost") -> None:
        self.emulator = emulator
        transport = httpx.ASGITransport(emulator.app)
        self._client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}")

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return anyio.run(functools.partial(self._client.request, method, url, **options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def authorize(self, *, form: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        """Visit the authorize address, or send its form; a change to None drops a parameter."""
        parameters = {
            "client_id": self.emulator.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "state": "a state",
            **changes,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        method = "GET" if form is None else "POST"
        return self.request(method, "/user_management/authorize", params=sent, data=form)

    def code(self, **options: Any) -> str:
        return location(self.authorize(**options)).params["code"]

    def authenticate(self, **changes: Any) -> httpx.Response:
        fields = {
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.api_key,
            **changes,
        }
        sent = {name: value for name, value in fields.items() if value is not None}
        return self.post("/user_management/authenticate", json=sent)

    def redeem(self, code: str, **more: Any) -> httpx.Response:
        return self.authenticate(grant_type="authorization_code", code=code, **more)

    def refresh(self, token: str, **more: Any) -> httpx.Response:
        return self.authenticate(grant_type="refresh_token", refresh_token=token, **more)

    def sign_in(self, **options: Any) -> dict[str, Any]:
        answer = self.redeem(self.code(**options)).json()
        assert isinstance(answer, dict)
        return answer

    def api(self, method: str, url: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.emulator.api_key}"}
        return self.request(method, url, headers=headers, **options)


def location(response: httpx.Response) -> httpx.URL:
    return httpx.URL(response.headers["location"])


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    return decode(answer["access_token"].split(".")[1])


def decode(part: str) -> dict[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(value, dict)
    return value
