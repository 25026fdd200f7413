"""What the log says of sessions that are nearly, or wholly, too large for their cookies."""

from __future__ import annotations

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, sign_in, signed_in_cookie, site

pytestmark = pytest.mark.anyio


def warnings(caplog) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelname) == ("authkit_asgi.size_warning", "WARNING")
    ]


async def cookie_of(emulator, size: int) -> int:
    """Sign in Ada with so large a user, and return what her cookies take."""
    emulator.update_user("user_ada", metadata={"notes": "x" * size})
    browser = Browser(site(emulator))
    await sign_in(browser, emulator)
    return sum(len(value) for name, value in browser.cookies.items() if name.startswith(SESSION))


async def test_cookie_over_3800_bytes_is_told_with_what_is_in_it(emulator, caplog):
    small = await cookie_of(emulator, 0)
    fits = (3800 - len(SESSION) - small) * 3 // 4 - 32
    assert 3700 < await cookie_of(emulator, fits) + len(SESSION) <= 3800
    assert warnings(caplog) == []
    size = await cookie_of(emulator, fits + 200) + len(SESSION)
    assert 3800 < size <= 4096
    (line,) = warnings(caplog)
    assert line.startswith(f"Large: a session cookie of {size} bytes, 4096 of which browsers")
    for part in ("access token", "refresh token", "user", "metadata", "session_user_fields"):
        assert part in line
    assert "xxxx" not in line


async def test_session_that_fits_into_no_cookie_is_told_too(emulator, caplog):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.update_user("user_ada", metadata={"notes": "x" * 20_000})
    assert (await browser.get("/who")).status == 500
    assert "metadata" in warnings(caplog)[0]
    assert (await browser.get("/who")).status == 500
    assert emulator.count("authenticate") == 1


async def test_warning_comes_once_an_hour(emulator, clock, caplog):
    emulator.update_user("user_ada", metadata={"notes": "x" * 2000})
    browser = Browser(site(emulator))
    for seconds, count in ((0, 1), (1, 1), (3500, 1), (100, 2), (1, 2)):
        clock.now += seconds
        await sign_in(browser, emulator)
        assert len(warnings(caplog)) == count
