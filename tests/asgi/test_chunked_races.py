"""Chunks of sessions when requests overlap, and when strangers add to them."""

from __future__ import annotations

import random
import string

import pytest
from asgi_driver import NAVIGATION, Browser, drive, http_scope
from asgi_site import SESSION, sign_in
from chunked_site import (
    LARGE,
    ONE,
    TWO,
    chunked,
    resize,
    seen,
    session_names,
    shop,
)
from emulated import ORIGIN
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

pytestmark = pytest.mark.anyio


async def test_slow_response_leaves_the_cookies_of_another_session(emulator):
    app = shop(emulator)
    browser = Browser(app)
    old = chunked(emulator, lifetime=-100)
    browser.cookies = {**old}

    async def slow(request: Request) -> Response:
        other = Browser(app)
        other.cookies = browser.cookies
        await sign_in(other, emulator, user="bob")
        return Response()

    app.router.routes.append(Route("/slow", slow))
    answer = await browser.get("/slow")
    assert answer.set_cookies == {}
    assert await seen(browser) == "user_bob"
    assert SESSION in browser.cookies


@pytest.mark.parametrize("seed", range(12))
async def test_any_sequence_of_sizes_keeps_the_session_and_a_tidy_jar(emulator, clock, seed):
    chance = random.Random(seed)  # noqa: S311
    changes = chance.choice([{}, {"cookie_domain": "example.com"}, {"cookie_same_site": "strict"}])
    app = shop(emulator, **changes)
    browser = JarBrowser(app)
    await sign_in(browser, emulator)
    for _ in range(25):
        clock.now += chance.choice([0, 1, 400, 4000])
        notes = "".join(chance.choices(string.ascii_letters, k=chance.randrange(3500)))
        emulator.update_user("user_ada", metadata={"notes": notes})
        what = chance.randrange(4)
        if what == 0:
            await browser.post("/refresh", [("origin", ORIGIN)])
        elif what == 1:
            await sign_in(browser, emulator)
        assert await seen(browser) == "user_ada"
        assert session_names(browser) in (ONE, TWO)
    await browser.post("/logout", [("origin", ORIGIN)])
    assert browser.names() == []


async def test_sign_out_that_was_sent_without_chunks_deletes_those_written_meanwhile(emulator):
    browser = JarBrowser(shop(emulator))
    await sign_in(browser, emulator)
    line = browser.jar.header(ORIGIN)
    resize(emulator, LARGE)
    await browser.post("/refresh", [("origin", ORIGIN)])
    assert session_names(browser) == TWO
    request = http_scope("POST", "/logout", [("origin", ORIGIN), ("cookie", line)])
    browser._keep(await drive(browser.app, request))
    assert browser.names() == []


async def test_more_chunks_than_a_browser_has_are_nobodys_until_a_sign_in(emulator):
    browser = JarBrowser(shop(emulator))
    resize(emulator, LARGE)
    await sign_in(browser, emulator)
    pairs = [f"{TWO[0]}={number}" for number in range(20)]
    line = "; ".join([*pairs, browser.jar.header(ORIGIN)])
    answer = await drive(browser.app, http_scope("GET", "/who", [("cookie", line)]))
    assert answer.json == {"user": None, "reason": "invalid_session_cookie"}
    answer = await drive(browser.app, http_scope("GET", "/login", [*NAVIGATION, ("cookie", line)]))
    assert {SESSION, *TWO} <= answer.set_cookies.keys()


async def test_own_routes_read_chunks(emulator):
    browser = Browser(shop(emulator))
    browser.cookies = chunked(emulator)
    answer = await browser.post("/logout", [("origin", ORIGIN)])
    assert "session_id=" in answer.location
    assert browser.cookies == {}
