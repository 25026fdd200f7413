"""The whole flow against real processes: uvicorn with the site, and the emulator beside it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from asgi_site import SESSION
from emulated import PASSWORD
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

HERE = Path(__file__).parent
LIFETIME_SECONDS = 3
_PATIENCE_SECONDS = 60  # until a test gives up; nothing waits for so long
_POLL_SECONDS = 0.05

ENVIRONMENT = {
    "WORKOS_CLIENT_ID": "client_emulator",
    "WORKOS_API_KEY": "sk_test_emulator",
    "WORKOS_COOKIE_PASSWORD": PASSWORD,
}


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKOS_")}
    return {**kept, **ENVIRONMENT, **changes}


@contextlib.contextmanager
def process(*arguments: str, log: Path, **changes: str) -> Iterator[str]:
    """Run Python until the end of the block, and yield the first line it prints."""
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-X", "dev", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(**changes),
            cwd=HERE,
            text=True,
        ) as running,
    ):
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            assert line, log.read_text()
            yield line.strip()
        finally:
            running.terminate()
            running.wait(_PATIENCE_SECONDS)


@dataclass
class Stage:
    """A browser in front of a site, and the emulator's own interface."""

    browser: httpx.Client
    emulator: httpx.Client
    log: Path

    def exchanges(self, grant_type: str) -> int:
        query = {"endpoint": "authenticate", "grant_type": grant_type}
        return self.emulator.get("/_emulator/requests", params=query).json()["count"]

    def sign_in(self) -> None:
        answer = self.browser.get("/login?return_to=/me&login_hint=ada@example.com")
        assert answer.status_code == 303
        callback = self.emulator.get(answer.headers["location"]).headers["location"]
        done = self.browser.get(callback)
        assert (done.status_code, done.headers["location"]) == (303, "/me")

    def websocket(self) -> ClientConnection:
        cookies = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        url = str(self.browser.base_url.copy_with(scheme="ws", path="/ws"))
        return connect(url, additional_headers={"Cookie": cookies}, proxy=None)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    emulate = ["-m", "authkit_asgi.cli", "emulate", "--port", "0"]
    lifetime = ["--token-lifetime", str(LIFETIME_SECONDS)]
    log = tmp_path / "site.log"
    with process(*emulate, *lifetime, log=tmp_path / "emulator.log") as line:
        url = line.split()[3]
        with (
            process("uvicorn_site.py", log=log, WORKOS_BASE_URL=url) as address,
            httpx.Client(base_url=address) as browser,
            httpx.Client(base_url=url) as emulator,
        ):
            yield Stage(browser, emulator, log)
    text = log.read_text()
    assert "Application shutdown complete." in text
    for bad in ("Traceback", "Warning", "never retrieved", PASSWORD, "sk_test_emulator"):
        assert bad not in text


def until(condition) -> None:
    """Ask again and again until something holds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_POLL_SECONDS)


def test_flow_outlives_its_access_token_with_one_exchange(stage: Stage):
    assert stage.browser.get("/me").status_code == 401
    page = stage.browser.get("/me?a=%20b", headers={"accept": "text/html"})
    assert page.headers["location"] == "/login?return_to=%2Fme%3Fa%3D%2520b"
    stage.sign_in()
    user, token = stage.browser.get("/me").json()
    session = stage.browser.cookies[SESSION]

    def has_new_token() -> bool:
        answer = stage.browser.get("/me")
        assert answer.status_code == 200
        assert answer.json()[0] == user
        assert (answer.json()[1] != token) == ("set-cookie" in answer.headers)
        return answer.json()[1] != token

    until(has_new_token)
    assert stage.browser.cookies[SESSION] != session
    assert stage.exchanges("refresh_token") == 1
    assert stage.exchanges("authorization_code") == 1
    origin = {"origin": str(stage.browser.base_url).rstrip("/")}
    out = stage.browser.post("/logout", headers=origin)
    assert out.status_code == 303
    assert "/user_management/sessions/logout?session_id=" in out.headers["location"]
    assert stage.browser.get("/me").status_code == 401
    assert SESSION not in stage.browser.cookies


def test_flow_over_websockets_takes_a_new_cookie_along(stage: Stage):
    with pytest.raises(InvalidStatus) as denied:
        stage.websocket()
    assert denied.value.response.status_code == 401
    stage.sign_in()
    with stage.websocket() as socket:
        user = socket.recv()

    def is_given_a_cookie() -> bool:
        with stage.websocket() as socket:
            assert socket.recv() == user
            assert socket.response is not None
            return "set-cookie" in socket.response.headers

    until(is_given_a_cookie)
    assert stage.exchanges("refresh_token") == 1
    # The old cookie has not been replaced, and is still good for its successor.
    assert stage.browser.get("/me").json()[0] == user
    assert stage.exchanges("refresh_token") == 1


BAD: Mapping[str, tuple[dict[str, str], str]] = {
    "missing": ({"WORKOS_API_KEY": ""}, "WORKOS_API_KEY (api_key) is missing"),
    "short": ({"WORKOS_COOKIE_PASSWORD": "hunter2"}, "WORKOS_COOKIE_PASSWORD (cookie_password) is"),
    "http": ({"WORKOS_REDIRECT_URI": "http://example.com/callback"}, "is http: use https"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_bad_configuration_ends_the_server_with_the_message(changes, message):
    good = {"WORKOS_REDIRECT_URI": "https://app.example.com/callback"}
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "--factory", "uvicorn_site:application", "--port", "0"],
        env=environment(**{**good, **changes}),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    shown = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert message in shown
    assert "Application startup failed. Exiting." in shown
    assert "Traceback" not in shown
    assert not any(secret in shown for secret in (PASSWORD, "sk_test_emulator", "hunter2"))
