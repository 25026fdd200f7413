"""Sessions that outgrow every cookie while the token before them is still good."""

from __future__ import annotations

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, signed_in_cookie, site

pytestmark = pytest.mark.anyio


def said(caplog, level: str = "ERROR") -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("authkit_asgi.size_warning", level)
    ]


def resize(emulator, size: int) -> None:
    emulator.update_user("user_ada", metadata={"notes": "x" * size})


async def lasting(emulator, **changes) -> Browser:
    """Return a browser of a site in a lifespan: without one nothing is renewed early."""
    app = site(emulator, **changes)
    await app.user_middleware[0].kwargs["authkit"].open()
    return Browser(app)


def outgrown(emulator, browser: Browser, size: int) -> None:
    """Give the browser a session that has 10 s left and will be so large when it is renewed."""
    resize(emulator, 0)
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=300)
    resize(emulator, size)
    emulator._state.clock.now += 290


@pytest.mark.parametrize(
    ("size", "changes"), [(20_000, {}), (2500, {"cookie_chunking": False})], ids=["chunks", "one"]
)
async def test_session_that_outgrows_the_cookies_is_told_while_the_one_before_serves(
    emulator, caplog, size, changes
):
    browser = await lasting(emulator, **changes)
    outgrown(emulator, browser, size)
    for _ in range(3):
        answer = await browser.get("/who")
        assert (answer.status, answer.set_cookies) == (200, {})
    (line,) = said(caplog)
    assert line.startswith("Too large: no cookie holds a session of ")
    for part in ("metadata", "access token", "max_session_cookie_bytes", "session_user_fields"):
        assert part in line
    assert "xxxx" not in line
    assert emulator.count("authenticate") == 1
    emulator._state.clock.now += 30
    assert (await browser.get("/who")).status == 500


async def test_that_is_told_once_an_hour_whatever_else_is(emulator, caplog):
    browser = await lasting(emulator)
    outgrown(emulator, browser, 2000)
    await browser.get("/who")
    assert (len(said(caplog, "WARNING")), said(caplog)) == (1, [])
    counts = []
    for _ in range(14):  # of 290 s: the last one is 3770 s after the first
        outgrown(emulator, browser, 20_000)
        assert (await browser.get("/who")).status == 200
        counts.append(len(said(caplog)))
    assert counts == [1] * 13 + [2]
