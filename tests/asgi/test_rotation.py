"""A rotated session is exchanged once and never lost, whatever becomes of the request."""

from __future__ import annotations

import anyio
import pytest
from asgi_driver import Answer, Browser, drive, http_scope
from asgi_site import SESSION, signed_in_cookie, site
from emulated import Clock
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


async def until_asked(emulator: WorkOSEmulator) -> None:
    """Wait until an exchange is under way."""
    with anyio.fail_after(30):
        while not emulator.count("authenticate"):  # noqa: ASYNC110  # the journal has no event
            await anyio.sleep(0.01)


async def test_a_request_that_is_cancelled_does_not_stop_the_exchange(emulator):
    browser = Browser(site(emulator, api_timeout=30, refresh_timeout=30))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", delay=20)
    async with anyio.create_task_group() as group:
        group.start_soon(browser.get, "/who")
        await until_asked(emulator)
        group.cancel_scope.cancel()
    emulator.clear_faults()
    answer = await browser.get("/who")
    assert answer.json["user"] == "user_ada"
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 1


async def test_many_requests_with_one_expired_cookie_cause_one_exchange(emulator):
    app = site(emulator)
    header = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=-100)}")
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await drive(app, http_scope("GET", "/who", [header])))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask)
    assert [answer.json["user"] for answer in answers] == ["user_ada"] * 50
    assert len({answer.set_cookies[SESSION] for answer in answers}) == 1
    assert emulator.count("authenticate") == 1


async def redirect(_: Request) -> Response:
    return RedirectResponse("/who")


async def not_modified(_: Request) -> Response:
    return Response(status_code=304, headers={"ETag": '"1"'})


async def failing(_: Request) -> Response:
    return Response("sorry", 500)


ROUTES = [
    Route("/redirect", redirect),
    Route("/not-modified", not_modified),
    Route("/failing", failing),
]


@pytest.mark.parametrize("path", ["/redirect", "/not-modified", "/failing", "/missing"])
@pytest.mark.parametrize("keeps", [True, False], ids=["new cookie", "old cookie"])
async def test_every_kind_of_response_takes_the_new_cookie_along(emulator, path, keeps):
    browser = Browser(site(emulator, ROUTES))
    browser.cookies[SESSION] = old = signed_in_cookie(emulator, lifetime=-100)
    answer = await browser.get(path)
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["cache-control"] == "private, no-store"
    if not keeps:
        browser.cookies[SESSION] = old
    assert (await browser.get("/who")).json["user"] == "user_ada"
    assert emulator.count("authenticate") == 1


async def test_a_refused_session_keeps_its_cookie(emulator, clock: Clock):
    """Another process may have rotated it: this one's verdict must not delete its cookie."""
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    answer = await browser.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("refresh_denied", {})
    assert browser.cookies == {SESSION: cookie}
