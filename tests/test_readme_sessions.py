"""What the README says of sessions and webhooks is true: its examples run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from emulated import sealed
from fastapi import FastAPI
from starlette.testclient import TestClient

from authkit_asgi import ActiveSession, AuthKitMiddleware
from authkit_asgi.fastapi import CurrentSession, CurrentUser, webhook_router
from authkit_asgi.testing import WorkOSEmulator, sign_webhook

README = (Path(__file__).parent.parent / "README.md").read_text()
_, _, FROM_SECTION = README.partition("\n## Sessions and webhooks\n")
SECTION, _, _ = FROM_SECTION.partition("\n## ")
BLOCKS = re.findall(r"^```python3\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
PASSWORD = "a password of more than 32 characters"
SECRET = "whsec_…"


@pytest.fixture
def workos(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkOSEmulator]:
    emulator = WorkOSEmulator()
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    with emulator.serve() as base_url:
        monkeypatch.setenv("WORKOS_CLIENT_ID", "client_emulator")
        monkeypatch.setenv("WORKOS_API_KEY", "sk_test_emulator")
        monkeypatch.setenv("WORKOS_BASE_URL", base_url)
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/callback")
        monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)
        monkeypatch.setenv("WORKOS_WEBHOOK_SECRET", SECRET)
        yield emulator


def run(number: int, **names: Any) -> Any:
    known = {
        "os": os,
        "Any": Any,
        "Mapping": Mapping,
        "ActiveSession": ActiveSession,
        "CurrentSession": CurrentSession,
        "CurrentUser": CurrentUser,
        "webhook_router": webhook_router,
        "sign_webhook": sign_webhook,
        **names,
    }
    exec(compile(BLOCKS[number], "README.md", "exec"), known)  # noqa: S102  # ours
    return known


def client_of(app: Any, workos: WorkOSEmulator) -> TestClient:
    client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
    cookie = sealed(workos.sign_in("user_ada"), PASSWORD)
    client.cookies.set("wos-session", cookie, domain="localhost.local")
    return client


def application() -> FastAPI:
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware)
    return app


def test_there_are_as_many_examples_as_are_tested_here():
    assert len(BLOCKS) == 4


def test_users_see_and_sign_out_their_devices(workos: WorkOSEmulator):
    app = application()
    run(0, app=app)
    others = [client_of(app, workos) for _ in range(3)]
    client = client_of(app, workos)
    listed = client.get("/devices").json()
    assert [each["is_current"] for each in listed] == [True, False, False, False]
    assert client.post(f"/devices/{listed[1]['id']}/sign-out").status_code == 200
    assert client.post(f"/devices/{listed[1]['id']}/sign-out").status_code == 404
    assert [each.get("/devices").status_code for each in others] == [200, 200, 401]
    rest = [each["id"] for each in listed[2:]]
    assert client.post("/devices/sign-out-others").json() == rest
    assert [each.get("/devices").status_code for each in others] == [401] * 3
    assert client.get("/devices").status_code == 200


def test_a_webhook_signs_a_user_out(workos: WorkOSEmulator):
    app = application()
    run(0, app=app)
    run(1, app=app)
    client = client_of(app, workos)
    assert client.get("/devices").status_code == 200
    run(3, client=client)
    assert client.get("/devices").status_code == 401


def test_other_events_are_handed_on(workos: WorkOSEmulator):
    app, copies = application(), []

    async def update_our_copy(data: Any) -> None:
        copies.append(data)

    run(2, app=app, update_our_copy=update_our_copy)
    client = client_of(app, workos)
    for kind in ("user.updated", "user.created"):
        webhook = sign_webhook(kind, {"id": "user_ada"}, secret=SECRET)
        answer = client.post("/events", content=webhook.body, headers=dict(webhook.headers))
        assert answer.status_code == 200
    assert copies == [{"id": "user_ada"}]
