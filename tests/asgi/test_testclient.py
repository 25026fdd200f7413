"""Starlette's test client: with a lifespan, and without one, where each request has its loop."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from asgi_site import target_of
from asgi_spec import checked
from emulated import settings
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, User
from authkit_asgi.fastapi import CurrentSession, CurrentUser, auth_router
from authkit_asgi.testing import WorkOSEmulator

SITE = "http://app.localhost:8000"


@pytest.fixture
def app(emulator: WorkOSEmulator) -> Iterator[FastAPI]:
    """An application that speaks to the emulator over real sockets, with the default client."""
    with emulator.serve() as base_url:
        app = FastAPI()
        changes: dict[str, Any] = {"redirect_uri": f"{SITE}/callback", "api_base_url": base_url}
        app.add_middleware(AuthKitMiddleware, **settings(**changes, api_timeout=5))
        app.include_router(auth_router())

        @app.get("/me")
        async def me(user: CurrentUser) -> User:
            return user

        @app.post("/switch/{organization_id}")
        async def switch(organization_id: str, session: CurrentSession) -> str | None:
            return (await session.switch_organization(organization_id)).organization_id

        yield app
    # Whatever was left open warns now, and warnings are errors.
    gc.collect()


def flow(client: TestClient, emulator: WorkOSEmulator) -> None:
    assert client.get("/me").status_code == 401
    answer = client.get("/login?return_to=/me&login_hint=ada@example.com", follow_redirects=False)
    assert answer.status_code == 303
    callback = httpx2.get(answer.headers["location"], follow_redirects=False).headers["location"]
    done = client.get(target_of(callback), follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/me")
    assert client.get("/me").json()["id"] == "user_ada"
    assert client.post("/switch/org_globex").json() == "org_globex"
    assert client.get("/me").status_code == 200
    assert client.post("/logout", headers={"origin": SITE}, follow_redirects=False).is_redirect
    assert client.get("/me").status_code == 401
    assert emulator.count("authenticate", status=200) == 2


@pytest.fixture
def emulator(emulator: WorkOSEmulator, clock: Any) -> WorkOSEmulator:
    """The tokens are verified by the real clock here."""
    clock.now = time.time()
    return emulator


def test_client_with_its_context_manager(app, emulator):
    with TestClient(checked(app), base_url=SITE) as client:
        flow(client, emulator)


def test_client_without_its_context_manager(app, emulator):
    flow(TestClient(checked(app), base_url=SITE), emulator)


def test_client_with_and_without_in_turn(app, emulator):
    client = TestClient(checked(app), base_url=SITE)
    assert client.get("/me").status_code == 401
    with client:
        flow(client, emulator)
    assert client.get("/me").status_code == 401


def test_client_over_websocket(app, emulator):
    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept()
        await socket.send_text(user.id)
        await socket.close()

    client = TestClient(checked(app), base_url=SITE)
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/ws"):
        pass
    assert denied.value.status_code == 401
