"""What the README says is true: its example runs, its tables are complete."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from redis.asyncio import Redis
from starlette.testclient import TestClient

from authkit_asgi import AuthKitConfig, AuthKitMiddleware
from authkit_asgi.fastapi import CurrentSession, CurrentUser, auth_router
from authkit_asgi.seal import unseal
from authkit_asgi.testing import WorkOSEmulator

sys.path.append(str(Path(__file__).parent / "coordination"))

from redis_server import RedisServer, running

README = (Path(__file__).parent.parent / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def authkit_redirect_uri() -> str:
    return "http://localhost:8000/callback"


@pytest.fixture
def workos(authkit_emulator: WorkOSEmulator, authkit_env: dict[str, str]) -> WorkOSEmulator:
    authkit_emulator.add_user(email="ada@example.com", first_name="Ada", user_id="user_ada")
    return authkit_emulator


def run_example(*numbers: int, **names: Any) -> Any:
    """Run code blocks of the README one after the other, as one module; return its `app`."""
    for number in numbers:
        code = compile(code_blocks("python")[number], "README.md", "exec")
        exec(code, names)  # noqa: S102  # ours
    return names["app"]


def sign_in(client: TestClient, path: str, login: str = "/login") -> Any:
    authorize = client.get(login, params={"return_to": path, "login_hint": "ada@example.com"})
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


def test_switch_example_answers_what_workos_says(workos: WorkOSEmulator) -> None:
    member, other = (workos.add_organization(name) for name in ("Acme", "Globex"))
    workos.add_membership("user_ada", member, role="member")
    app = run_example(0, 1)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        sign_in(client, "/me")
        assert client.post(f"/organizations/{member.id}").json() == {"organization": member.id}
        refused = client.post(f"/organizations/{other.id}")
        assert (refused.status_code, refused.json()) == (
            403,
            {"detail": "ada@example.com cannot go there: invalid_grant"},
        )
        workos.fail("authenticate", status=503, headers={"Retry-After": "7"})
        unavailable = client.post(f"/organizations/{member.id}")
        assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "7")


@pytest.mark.usefixtures("workos")
def test_prefix_example_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/auth/callback")
    names = {"AuthKitMiddleware": AuthKitMiddleware, "auth_router": auth_router}
    app = run_example(3, app=FastAPI(), **names)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        assert sign_in(client, "/docs", "/auth/login").status_code == 200


@pytest.mark.usefixtures("workos")
def test_starlette_example_signs_in() -> None:
    app = run_example(2)
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        stranger = {"hello": "stranger", "because": "no_session_cookie_provided"}
        assert client.get("/").json() == stranger
        assert sign_in(client, "/").json() == {"hello": "ada@example.com"}


def test_smaller_session_examples_run_and_load_the_user(workos: WorkOSEmulator) -> None:
    workos.update_user("user_ada", metadata={"plan": "gold"})
    names = {"AuthKitMiddleware": AuthKitMiddleware, "Any": Any}
    for number, fields in ((5, {"id", "email", "externalId"}), (7, None)):
        app = run_example(number, app=FastAPI(), **names)
        app.include_router(auth_router())
        more = {"CurrentSession": CurrentSession, "HTTPException": HTTPException}
        run_example(6, app=app, **more)
        with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
            assert sign_in(client, "/plan").json() == {"plan": "gold"}
            password = os.environ["WORKOS_COOKIE_PASSWORD"]
            user = unseal(client.cookies["wos-session"], password)["user"]
            assert user.keys() == fields or (fields is None and "profilePictureUrl" not in user)
            workos.fail("users", status=429, headers={"Retry-After": "7"})
            unavailable = client.get("/plan")
            assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "7")


def block_with(text: str) -> int:
    """Return the number of the only Python example that holds a text."""
    (number,) = (i for i, block in enumerate(code_blocks("python")) if text in block)
    return number


@pytest.fixture
def redis_at_its_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis at whose address the README's is taken to be."""
    with running(tmp_path) as server:
        from_url = Redis.from_url

        def from_url_of_the_readme(url: str, **options: Any) -> Any:
            assert url == "redis://localhost:6379/0"
            return from_url(server.url, **options)

        monkeypatch.setattr(Redis, "from_url", from_url_of_the_readme)
        yield server


@pytest.mark.usefixtures("workos")
def test_store_example_keeps_the_session_in_redis(redis_at_its_port: RedisServer) -> None:
    names = {"AuthKitMiddleware": AuthKitMiddleware}
    app = run_example(block_with('store=RedisSessionStore("redis:'), app=FastAPI(), **names)
    app.include_router(auth_router())
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        assert sign_in(client, "/docs").status_code == 200
        assert len(client.cookies["wos-session"]) < 400
    assert redis_at_its_port.name("session")


@pytest.mark.usefixtures("workos")
def test_example_lists_and_revokes_sessions(redis_at_its_port: RedisServer) -> None:
    number = block_with("/sign-out-everywhere")
    names = {"AuthKitMiddleware": AuthKitMiddleware, "HTTPException": HTTPException}
    app = run_example(number, app=FastAPI(), CurrentUser=CurrentUser, **names)
    app.include_router(auth_router())
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        (first,) = sign_in(client, "/sessions").json()
        assert first["authentication_method"]
        assert first["signed_in_at"] <= time.time()
        assert client.post("/sign-out-everywhere").json() == {"ended": 1}
        assert client.get("/sessions").status_code == 401
        assert sign_in(client, "/sessions").json()[0]["session_id"] != first["session_id"]
        redis_at_its_port.kill()
        down = client.get("/sessions")
        assert (down.status_code, down.headers["retry-after"]) == (503, "1")


def test_settings_table_lists_every_setting() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)

    assert listed == [field.name for field in dataclasses.fields(AuthKitConfig)]


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    commands = re.findall(r"^make (\w+)", "\n".join(code_blocks("sh")), re.MULTILINE)

    assert {"demo", "test"} <= set(commands)
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)
