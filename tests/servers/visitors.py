"""Somebody with a browser in front of a site."""

from __future__ import annotations

import http.client
import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from emulated import sealed
from server_processes import Server
from websockets.sync.client import ClientConnection, connect

SESSION = "wos-session"

_PATIENCE_SECONDS = 60  # until a test gives up; nothing waits for so long
_numbers = itertools.count()


class Visitor:
    """A user of their own for each test, who counts the exchanges with WorkOS from then on."""

    def __init__(self, server: Server, browser: httpx.Client, workos: httpx.Client) -> None:
        self.server, self.browser, self._workos = server, browser, workos
        self.user_id = f"user_{next(_numbers)}"
        self.email = f"{self.user_id}@example.com"
        self._control("users", email=self.email, user_id=self.user_id)
        self._exchanges_before = self._exchanges()

    @property
    def exchanges(self) -> int:
        """How many refresh tokens have been sent to WorkOS."""
        return self._exchanges() - self._exchanges_before

    @property
    def notes(self) -> list[str]:
        """What the site has noted of this visitor's requests."""
        return self.browser.get(f"/notes/{self.user_id}", headers={"cookie": ""}).json()

    def have_session(self, *, lifetime: int = 300) -> None:
        """Be signed in; with a negative lifetime, the access token has expired."""
        answer = self._control("sign-in", user_id=self.user_id, lifetime=lifetime)
        self.browser.cookies.set(SESSION, sealed(answer), domain="127.0.0.1", path="/")

    @contextmanager
    def access_tokens_of(self, *, seconds: int) -> Iterator[None]:
        """Have WorkOS issue access tokens that live for so long."""
        before = self._workos.get("/_emulator/settings").json()["access_token_lifetime"]
        self._control("settings", access_token_lifetime=seconds)
        try:
            yield
        finally:
            self._control("settings", access_token_lifetime=before)

    def sign_in(self) -> None:
        """Take the way over /login, WorkOS and /callback."""
        query = {"return_to": "/me", "login_hint": self.email}
        answer = self.browser.get("/login", params=query)
        assert answer.status_code == 303
        callback = self._workos.get(answer.headers["location"]).headers["location"]
        done = self.browser.get(callback)
        assert (done.status_code, done.headers["location"]) == (303, "/me")

    def websocket(self, path: str = "/ws") -> ClientConnection:
        url = str(self.browser.base_url.copy_with(scheme="ws", path=path))
        return connect(url, additional_headers={"Cookie": self.cookies}, proxy=None)

    def send(self, method: str, path: str, *lines: str) -> socket.socket:
        """Send a request without reading anything of its response."""
        address = urlsplit(self.server.address)
        connection = socket.create_connection((address.hostname, address.port), _PATIENCE_SECONDS)
        head = (f"{method} {path} HTTP/1.1", f"Host: {address.netloc}", f"Cookie: {self.cookies}")
        connection.sendall("\r\n".join((*head, *lines, "", "")).encode())
        return connection

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())

    def is_signed_in(self, expected_exchanges: int) -> bool:
        """Ask with the cookie that the browser has; no session has been lost."""
        answer = self.browser.get("/me")
        user = answer.json()[0] if answer.status_code == 200 else None
        return (user, self.exchanges) == (self.user_id, expected_exchanges)

    def _control(self, name: str, **body: Any) -> Any:
        return self._workos.post(f"/_emulator/{name}", json=body).raise_for_status().json()

    def _exchanges(self) -> int:
        query = {"endpoint": "authenticate", "grant_type": "refresh_token"}
        return self._workos.get("/_emulator/requests", params=query).json()["count"]


def response_of(connection: socket.socket) -> http.client.HTTPResponse:
    """Return the response on a connection, its head read."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


@contextmanager
def visiting(server: Server, emulator_url: str) -> Iterator[Visitor]:
    """Yield a visitor to a site, whose clients are closed in the end."""
    with (
        httpx.Client(base_url=server.address, trust_env=False, timeout=60) as browser,
        httpx.Client(base_url=emulator_url, trust_env=False, timeout=60) as workos,
    ):
        yield Visitor(server, browser, workos)
