"""The webhook route in applications that are protected otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import drive, http_scope
from asgi_site import cookie_header, site
from emulated import service
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from webhook_site import (
    SECRET,
    deliver,
    good,
    headers_of,
)

from authkit_asgi import AuthKitMiddleware, MiddlewareMissingError, webhook_route
from authkit_asgi import fastapi as authkit_fastapi
from authkit_asgi.testing import SignedWebhook

pytestmark = pytest.mark.anyio


def protected(emulator: Any, *routes: Any, kind: Any = Starlette, **options: Any) -> Any:
    middleware = [Middleware(AuthKitMiddleware, authkit=service(emulator), protect=True, **options)]
    return kind(routes=[*routes], middleware=middleware)


async def secret(*_: object) -> Response:
    return PlainTextResponse("for members only")


async def test_route_is_public_in_a_protected_application(emulator):
    app = protected(emulator, webhook_route(secret=SECRET), Route("/{rest:path}", secret))
    assert (await deliver(app, good())).status == 200
    forged = SignedWebhook(body=good().body, headers={})
    assert (await deliver(app, forged)).status == 400
    answer = await drive(app, http_scope("POST", "/webhooks/other"), body=b"")
    assert answer.status == 401


async def test_router_of_fastapi_is_public_in_a_protected_application(emulator):
    app = protected(emulator, kind=FastAPI)
    app.include_router(authkit_fastapi.webhook_router(secret=SECRET))
    assert (await deliver(app, good())).status == 200


async def test_route_at_another_path_is_public_if_the_rules_say_so(emulator):
    elsewhere = webhook_route("/events", secret=SECRET)
    webhook = good()
    scope = http_scope("POST", "/events", headers_of(webhook))
    for options, status in (({}, 401), ({"public": ("/events",)}, 200)):
        app = protected(emulator, elsewhere, **options)
        assert (await drive(app, dict(scope), body=webhook.body)).status == status


async def test_route_under_a_path_that_is_skipped_says_what_is_wrong(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)], skip=["/webhooks"])
    with pytest.raises(MiddlewareMissingError):
        await deliver(app, good())


async def test_route_renews_no_session(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)])
    name, value = cookie_header(emulator, lifetime=-60)
    answer = await deliver(app, good(), **{name: value, "origin": "https://evil.example"})
    assert (answer.status, answer.set_cookies) == (200, {})
    assert emulator.count("authenticate") == 0
