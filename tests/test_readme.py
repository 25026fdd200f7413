"""What the README says is true: its example runs, its tables are complete."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from authkit_asgi import AuthKitConfig
from authkit_asgi.testing import WorkOSEmulator

README = (Path(__file__).parent.parent / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def workos(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    emulator = WorkOSEmulator()
    emulator.add_user(email="ada@example.com", first_name="Ada")
    with emulator.serve() as base_url:
        monkeypatch.setenv("WORKOS_CLIENT_ID", "client_emulator")
        monkeypatch.setenv("WORKOS_API_KEY", "sk_test_emulator")
        monkeypatch.setenv("WORKOS_BASE_URL", base_url)
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/callback")
        monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", "a password of more than 32 characters")
        yield


def run_example(number: int) -> Any:
    module: dict[str, Any] = {}
    exec(compile(code_blocks("python")[number], "README.md", "exec"), module)  # noqa: S102  # ours
    return module["app"]


def sign_in(client: TestClient, path: str) -> Any:
    authorize = client.get("/login", params={"return_to": path, "login_hint": "ada@example.com"})
    granted = httpx.get(authorize.headers["location"])
    callback = client.get(granted.headers["location"])
    assert callback.headers["location"] == path
    return client.get(path)


@pytest.mark.usefixtures("workos")
def test_fastapi_example_signs_in() -> None:
    app = run_example(0)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        assert client.get("/me").status_code == 401
        assert sign_in(client, "/me").json() == {"hello": "Ada"}


@pytest.mark.usefixtures("workos")
def test_starlette_example_signs_in() -> None:
    app = run_example(1)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        stranger = {"hello": "stranger", "because": "no_session_cookie_provided"}
        assert client.get("/").json() == stranger
        assert sign_in(client, "/").json() == {"hello": "ada@example.com"}


def test_settings_table_lists_every_setting() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)

    assert listed == [field.name for field in dataclasses.fields(AuthKitConfig)]


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    commands = re.findall(r"^make (\w+)", "\n".join(code_blocks("sh")), re.MULTILINE)

    assert {"demo", "test"} <= set(commands)
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)
