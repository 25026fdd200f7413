"""Whatever breaks inside, nobody is signed in who was not, and nobody is signed out for good."""

from __future__ import annotations

import contextlib
import logging

import httpx
import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, begin, signed_in_cookie, who
from emulated import PASSWORD, http_clients, settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    auth_routes,
    require_signed_in,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

SECRET = "a secret in an exception"


class Switch:
    """Breaks what it stands in front of while it is on."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def check(self) -> None:
        if self.error is not None:
            raise self.error


class BreakingTransport(httpx.AsyncBaseTransport):
    def __init__(self, emulator: WorkOSEmulator, switch: Switch) -> None:
        self._inner = httpx.ASGITransport(emulator.app)
        self._switch = switch

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._switch.check()
        return await self._inner.handle_async_request(request)


async def guarded(request: Request) -> Response:
    return PlainTextResponse(require_signed_in(request).user.id)


def browser_of(emulator: WorkOSEmulator, part: str, switch: Switch) -> Browser:
    """A browser in front of a site of which one part can be broken."""

    def factory() -> httpx.AsyncClient:
        if part == "factory":
            switch.check()
            return http_clients(emulator)()
        return httpx.AsyncClient(transport=BreakingTransport(emulator, switch))

    def clock() -> float:
        if part == "clock":
            switch.check()
        return emulator._state.clock()

    authkit = AuthKit(AuthKitConfig(**settings()), http_client_factory=factory, clock=clock)
    return Browser(
        Starlette(
            routes=[Route("/guarded", guarded), Route("/who", who), *auth_routes()],
            middleware=[Middleware(AuthKitMiddleware, authkit=authkit)],
        )
    )


PARTS = ["factory", "clock", "transport"]
ERRORS = [RuntimeError(SECRET), ValueError(SECRET), KeyError(SECRET), httpx.ReadError(SECRET)]


@pytest.mark.parametrize("lifetime", [None, -100], ids=["valid", "expired"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_raises_signs_nobody_in(emulator, caplog, part, error, lifetime):
    caplog.set_level(logging.DEBUG)
    switch = Switch()
    browser = browser_of(emulator, part, switch)
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator, lifetime=lifetime)
    switch.error = error
    for headers in (FETCH, NAVIGATION):
        answer = await browser.get("/guarded", headers)
        assert (answer.status, answer.set_cookies) == (503, {})
        assert int(answer.headers["retry-after"]) >= 1
    assert (await browser.get("/who")).json["reason"] == "temporarily_unavailable"
    assert browser.cookies == {SESSION: cookie}
    ours = [record for record in caplog.records if record.name.startswith("authkit_asgi")]
    assert ours
    assert not any(secret in caplog.text for secret in (PASSWORD, cookie, "sk_test", "eyJ"))
    assert (SECRET in caplog.text) == (part == "transport" or SECRET in _jwks_lines(caplog))
    switch.error = None
    emulator._state.clock.now += 5
    assert (await browser.get("/guarded")).text == "user_ada"


def _jwks_lines(caplog: pytest.LogCaptureFixture) -> str:
    """The JWKS is public, so what its fetch raised may be told."""
    return "\n".join(r.getMessage() for r in caplog.records if r.name == "authkit_asgi.jwks")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_part_that_raises_during_the_callback_signs_nobody_in(emulator, part, error):
    switch = Switch()
    browser = browser_of(emulator, part, switch)
    target = await begin(browser, emulator)
    switch.error = error
    with contextlib.suppress(type(error)):
        assert (await browser.get(target)).status >= 400
    assert SESSION not in browser.cookies


async def test_a_load_that_breaks_is_logged_by_its_kind_alone(emulator, caplog):
    switch = Switch()
    browser = browser_of(emulator, "clock", switch)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    switch.error = RuntimeError(SECRET)
    await browser.get("/who")
    (record,) = [r for r in caplog.records if r.name == "authkit_asgi.middleware"]
    assert record.getMessage() == "Loading a session failed with RuntimeError"
    assert record.exc_info is None
