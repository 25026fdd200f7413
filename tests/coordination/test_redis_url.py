"""`AuthKitMiddleware(redis_url=…)`: from a sign-in to a sign-out, and what it cannot work with."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from emulated import PASSWORD, settings, shown
from fastapi import FastAPI
from starlette.testclient import TestClient

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    ConfigurationError,
    GrantRejectedError,
    User,
)
from authkit_asgi.fastapi import CurrentSession, CurrentUser, auth_router
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator

SITE = "http://app.localhost:8000"


def site(redis_url: str, base_url: str) -> FastAPI:
    app = FastAPI()
    changes = {"redirect_uri": f"{SITE}/callback", "api_base_url": base_url, "api_timeout": 5}
    app.add_middleware(AuthKitMiddleware, redis_url=redis_url, **settings(**changes))
    app.include_router(auth_router())

    @app.get("/me")
    async def me(user: CurrentUser) -> User:
        return user

    @app.post("/refresh")
    async def refresh(session: CurrentSession) -> str:
        return (await session.refresh()).user.id

    return app


@pytest.fixture
def base_url(emulator: WorkOSEmulator, clock: Any) -> Iterator[str]:
    clock.now = time.time()
    with emulator.serve() as base_url:
        yield base_url
    gc.collect()  # whatever was left open warns now


def sign_in(client: TestClient) -> str:
    """Sign Ada in and return her session's cookie."""
    assert client.get("/me").status_code == 401
    answer = client.get("/login?return_to=/me&login_hint=ada@example.com", follow_redirects=False)
    callback = httpx2.get(answer.headers["location"], follow_redirects=False).headers["location"]
    assert client.get(callback.removeprefix(SITE), follow_redirects=False).status_code == 303
    assert client.get("/me").json()["id"] == "user_ada"
    return client.cookies["wos-session"]


def flow(client: TestClient, other: TestClient, emulator: WorkOSEmulator) -> None:
    """Refresh at one worker, use its outcome at another, sign out there."""
    cookie = sign_in(client)
    assert client.post("/refresh").json() == "user_ada"
    exchanges = emulator.count("authenticate")
    other.cookies.set("wos-session", cookie)
    assert other.post("/refresh").json() == "user_ada"
    assert emulator.count("authenticate") == exchanges == 2
    out = other.post("/logout", headers={"origin": SITE}, follow_redirects=False)
    assert out.is_redirect
    with pytest.raises(GrantRejectedError, match="signed_out"):
        client.post("/refresh")
    assert emulator.count("authenticate") == exchanges


def test_workers_with_a_lifespan_share_a_refresh_and_a_sign_out(server, emulator, base_url):
    first, second = (TestClient(site(server.url, base_url), base_url=SITE) for _ in range(2))
    with first, second:
        flow(first, second, emulator)
        assert server.connections() >= 1
    server.check_all_have_left()


def test_workers_without_a_lifespan_share_a_refresh_and_a_sign_out(server, emulator, base_url):
    first, second = (TestClient(site(server.url, base_url), base_url=SITE) for _ in range(2))
    flow(first, second, emulator)
    server.check_all_have_left()


def test_site_whose_redis_is_down_signs_in_refreshes_and_signs_out(own_server, emulator, base_url):
    own_server.kill()
    with TestClient(site(own_server.url, base_url), base_url=SITE) as client:
        sign_in(client)
        assert client.post("/refresh").json() == "user_ada"
        out = client.post("/logout", headers={"origin": SITE}, follow_redirects=False)
        assert out.is_redirect
        assert client.get("/me").status_code == 401


def fault(**options: Any) -> ConfigurationError:
    """Return the fault with which the application does not start; requests raise the same."""
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, **options)
    with pytest.raises(ConfigurationError) as caught, TestClient(app):
        pass
    with pytest.raises(ConfigurationError) as again:
        TestClient(app).get("/")
    assert caught.value.problems == again.value.problems
    return caught.value


@pytest.mark.parametrize("url", ["", "http://:S3CRET@localhost", "redis://:S3CRET@localhost:x"])
def test_bad_url_fails_the_startup_without_showing_it(url):
    error = fault(redis_url=url, **settings())
    assert error.problems == ("redis_url is not an address such as redis://localhost:6379/0",)
    assert "S3CRET" not in shown(error)


def test_url_beside_another_coordinator_is_a_fault():
    url = "redis://:S3CRET@localhost"
    coordinator = RedisRefreshCoordinator(url, cookie_password=PASSWORD)
    error = fault(redis_url=url, coordinator=coordinator, **settings())
    assert error.problems == ("AuthKitMiddleware takes either redis_url or coordinator",)
    error = fault(redis_url=url, authkit=AuthKit(AuthKitConfig(**settings())))
    assert error.problems == ("redis_url belongs to the AuthKit that authkit= gives",)
    assert "S3CRET" not in shown(error)


def test_missing_package_is_a_fault_that_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    for name in ("authkit_asgi.redis", "authkit_asgi.redis_connection"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    error = fault(redis_url="redis://:S3CRET@localhost", **settings())
    assert error.problems == (
        "redis_url needs the package redis: pip install 'authkit-asgi[redis]'",
    )
    assert "S3CRET" not in shown(error)


def test_middleware_without_a_url_does_not_import_redis():
    program = """
import sys
sys.modules["redis"] = None
from authkit_asgi import AuthKitMiddleware
import authkit_asgi.fastapi
AuthKitMiddleware(None, client_id="c", api_key="k", redirect_uri="https://a.example/callback",
    cookie_password="p" * 32)._authkit
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
