"""What the tests of the documentation share: clients, and a Redis at the documented address."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.testclient import TestClient

from authkit_asgi.testing import SignIn

sys.path.append(str(Path(__file__).parents[1] / "coordination"))

from redis_server import RedisServer, running

ClientOf = Callable[..., TestClient]


@pytest.fixture
def authkit_redirect_uri() -> str:
    """The one that the pages have."""
    return "http://localhost:8000/callback"


@pytest.fixture
def client_of(sign_in: SignIn) -> ClientOf:
    """Make a client at an application, of nobody or of a user; it follows nothing by itself."""

    def make(app: Any, user: str | None = None, **rights: Any) -> TestClient:
        client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
        if user is not None:
            sign_in(client, user, **rights)
        return client

    return make


@pytest.fixture
def walk_through() -> Callable[..., Any]:
    """Sign in through the emulator's page, and return the answer of the page asked for."""

    def sign_in(client: TestClient, path: str, login: str = "/login") -> httpx.Response:
        authorize = client.get(login, params={"return_to": path, "login_hint": "ada@example.com"})
        granted = httpx.get(authorize.headers["location"])
        callback = client.get(granted.headers["location"])
        assert callback.headers["location"] == path
        return client.get(path)

    return sign_in


@pytest.fixture
def documented_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis at whose address the documented one is taken to be."""
    with running(tmp_path) as server:
        from_url = Redis.from_url

        def from_documented_url(url: str, **options: Any) -> Any:
            assert url == "redis://localhost:6379/0"
            return from_url(server.url, **options)

        monkeypatch.setattr(Redis, "from_url", from_documented_url)
        yield server
