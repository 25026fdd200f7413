"""What the README says to front ends is true: its example runs, and its script is the example's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated import sealed
from starlette.testclient import TestClient

from authkit_asgi.testing import WorkOSEmulator

ROOT = Path(__file__).parent.parent
SECTION = re.search(
    r"^## For front ends\n(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)
PASSWORD = "a password of more than 32 characters"
SCRIPT = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


def blocks(language: str) -> list[str]:
    assert SECTION is not None
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION[1], re.MULTILINE | re.DOTALL)


@pytest.fixture
def workos() -> WorkOSEmulator:
    emulator = WorkOSEmulator()
    emulator.add_user(email="ada@example.com", first_name="Ada", user_id="user_ada")
    return emulator


@pytest.fixture
def client(workos: WorkOSEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of the README's application, with the token route that it goes on to."""
    with workos.serve() as base_url:
        monkeypatch.setenv("WORKOS_CLIENT_ID", "client_emulator")
        monkeypatch.setenv("WORKOS_API_KEY", "sk_test_emulator")
        monkeypatch.setenv("WORKOS_BASE_URL", base_url)
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/callback")
        monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)
        names: dict[str, Any] = {}
        (code,) = blocks("python3")
        code = code.replace('session="/session"', 'session="/session", token="/token"', 1)
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # ours
        yield TestClient(names["app"], base_url="http://localhost:8000")


def test_example_answers_strangers_as_it_says(client):
    answer = client.get("/session")
    assert answer.json() == {"user": None, "reason": "no_session_cookie_provided"}
    assert '`{"user": null, "reason": "no_session_cookie_provided"}`' in SECTION[1]


def test_json_has_the_keys_that_are_shown(client, workos):
    cookie = sealed(workos.sign_in("user_ada"), PASSWORD)
    client.cookies.set("wos-session", cookie, domain="localhost.local")
    session, token = (json.loads(block) for block in blocks("json"))
    said = client.get("/session", headers=SCRIPT).json()
    assert said.keys() == session.keys()
    assert session["user"].keys() - {"…"} <= said["user"].keys()
    assert client.get("/token", headers=SCRIPT).json().keys() == token.keys()


def test_script_is_the_example_applications():
    assert blocks("javascript") == [(ROOT / "example_app/static/front-end.js").read_text()]
    assert len(blocks("javascript")[0].splitlines()) <= 30
