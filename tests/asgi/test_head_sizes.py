"""How much of a response's head is not the session: what proxies limit is all of it together."""

from __future__ import annotations

import pytest
from asgi_driver import Answer
from asgi_site import SESSION, sign_in, site
from jar_browser import JarBrowser

pytestmark = pytest.mark.anyio

PAGE = 4096  # what nginx takes by default, of machines with the smallest pages of memory
BY_UVICORN = (
    "HTTP/1.1 303 See Other\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\nserver: uvicorn\r\n\r\n"
)


def beside_the_session(browser: JarBrowser, answer: Answer) -> int:
    """Return the bytes of a response's head without the session cookie's name and value."""
    lines = (name + b": " + value + b"\r\n" for name, value in answer.messages[0]["headers"])
    (session,) = browser.named(SESSION)
    return len(BY_UVICORN) + sum(map(len, lines)) - len(SESSION + session)


@pytest.mark.parametrize(
    ("changes", "session_bytes"),
    [
        ({}, 3600),
        ({"cookie_domain": "example.com", "cookie_same_site": "strict"}, 3000),
    ],
    ids=["default", "most"],
)
async def test_sign_in_and_refresh_leave_so_much_of_the_smallest_head_to_the_session(
    emulator, clock, changes, session_bytes
):
    browser = JarBrowser(site(emulator, **changes))
    answer = await sign_in(browser, emulator)
    assert beside_the_session(browser, answer) + session_bytes <= PAGE
    clock.now += 301
    answer = await browser.get("/who")
    assert answer.all("set-cookie")
    assert beside_the_session(browser, answer) + session_bytes <= PAGE
