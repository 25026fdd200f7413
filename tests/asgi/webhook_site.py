"""Webhooks as WorkOS delivers them to a site, and whom they sign out there."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import Answer, Browser, drive, http_scope
from asgi_site import sealed_session
from emulated import START

from authkit_asgi.testing import SignedWebhook, sign_webhook

SECRET = "whsec_of_this_endpoint"
PATH = "/webhooks/workos"
SIGNED_OUT = {"user": None, "reason": "signed_out"}
ADA = {"user": "user_ada", "organization": "org_acme"}


def kinds(session_id: str = "session_x") -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "session.revoked": ("session.revoked", {"id": session_id, "user_id": "user_ada"}),
        "user.deleted": ("user.deleted", {"id": "user_ada"}),
        "organization_membership.deleted": (
            "organization_membership.deleted",
            {"id": "om_1", "user_id": "user_ada", "organization_id": "org_acme"},
        ),
    }


every_kind = pytest.mark.parametrize("kind", kinds())


async def deliver(app: Any, webhook: SignedWebhook, **headers: str) -> Answer:
    sent = [*headers_of(webhook), *headers.items()]
    return await drive(app, http_scope("POST", PATH, sent), body=webhook.body)


def headers_of(webhook: SignedWebhook) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in webhook.headers.items()]


def signed(*event: Any, secret: str = SECRET, **more: Any) -> SignedWebhook:
    return sign_webhook(*event, secret=secret, **{"created_at": START + 0.5, **more})


def browser_of(app: Any, emulator: Any, user: str = "user_ada", **more: Any) -> tuple[Browser, str]:
    answer = emulator.sign_in(user, **more)
    browser = Browser(app)
    browser.cookies["wos-session"] = sealed_session(answer)
    return browser, emulator._state.sessions.active_of(user)[0].id


async def seen(browser: Browser) -> Any:
    return (await browser.get("/who")).json


def good() -> SignedWebhook:
    """Return one that signs Ada out: signed now, as an old signature does not count."""
    return signed(*kinds()["user.deleted"])
