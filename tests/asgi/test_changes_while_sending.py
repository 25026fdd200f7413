"""Another task changes the session while its response is about to be sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, signed_in_cookie, who
from emulated import Clock, http_clients, settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from test_background_tasks import CHANGES

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    AuthSession,
    ResponseStartedError,
    get_session,
)
from authkit_asgi.refresh import InProcessRefreshCoordinator

pytestmark = pytest.mark.anyio


class Slow(InProcessRefreshCoordinator):
    """Takes its time to say what the other workers know, as a Redis may."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(timeout=10, clock=clock)
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def newest(self, key: str, session_id: str | None) -> str | None:
        self.asked.set()
        await self.may_answer.wait()
        return await super().newest(key, session_id)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_change_that_would_be_lost_is_told_that_it_is_too_late(emulator, clock, change):
    sessions: list[AuthSession] = []

    async def endpoint(request: Request) -> Response:
        sessions.append(get_session(request))
        return await who(request)

    coordinator = Slow(clock)
    authkit: Any = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        coordinator=coordinator,
        clock=clock,
    )
    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    browser = Browser(Starlette(routes=[Route("/", endpoint)], middleware=middleware))
    browser.cookies[SESSION] = old = signed_in_cookie(emulator, lifetime=-100)
    request = asyncio.create_task(browser.get("/"))
    await coordinator.asked.wait()
    with pytest.raises(ResponseStartedError):
        await change(sessions[0])
    assert sessions[0].auth.user.id == "user_ada"
    coordinator.may_answer.set()
    answer = await request
    assert answer.set_cookies.keys() == {SESSION}
    assert browser.cookies[SESSION] != old
    assert (await browser.get("/")).json == {"user": "user_ada", "organization": "org_acme"}
    assert emulator.count("authenticate") == 1
