"""The guide to devices and webhooks is true: its examples run."""

from __future__ import annotations

from typing import Any

import pytest
from doc_pages import Page

from authkit_asgi.testing import sign_webhook

PAGE = Page("guides/devices-and-webhooks.md")
SECRET = "whsec_…"


@pytest.fixture(autouse=True)
def secret(authkit_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKOS_WEBHOOK_SECRET", SECRET)


def test_users_see_and_sign_out_their_devices(client_of) -> None:
    app = PAGE.run(first=1).app
    others = [client_of(app, "user_ada") for _ in range(3)]
    client = client_of(app, "user_ada")
    listed = client.get("/devices").json()
    assert [each["is_current"] for each in listed] == [True, False, False, False]
    assert client.post(f"/devices/{listed[1]['id']}/sign-out").status_code == 200
    assert client.post(f"/devices/{listed[1]['id']}/sign-out").status_code == 404
    assert [each.get("/devices").status_code for each in others] == [200, 200, 401]
    rest = [each["id"] for each in listed[2:]]
    assert client.post("/devices/sign-out-others").json() == rest
    assert [each.get("/devices").status_code for each in others] == [401] * 3
    assert client.get("/devices").status_code == 200


def test_a_webhook_signs_a_user_out(client_of) -> None:
    module = PAGE.run(first=2)
    client = client_of(module.app, "user_ada")
    assert client.get("/devices").status_code == 200
    PAGE.follow(module, number=3)
    assert client.get("/devices").status_code == 401


def test_other_events_are_handed_on(client_of) -> None:
    module, copies = PAGE.run(first=3), []

    async def update_our_copy(user: Any) -> None:
        copies.append(user)

    vars(module)["update_our_copy"] = update_our_copy
    client = client_of(module.app, "user_ada")
    for kind in ("user.updated", "user.created"):
        webhook = sign_webhook(kind, {"id": "user_ada"}, secret=SECRET)
        answer = client.post("/events", content=webhook.body, headers=dict(webhook.headers))
        assert answer.status_code == 200
    assert copies == [{"id": "user_ada"}]
