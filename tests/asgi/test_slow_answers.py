"""Answers so slow that what has become of their session meanwhile is forgotten again."""

from __future__ import annotations

import pytest
from asgi_site import SESSION, signed_in_cookie
from test_resealing_races import SlowSite

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("seconds", "is_written"), [(1, True), (31, False), (400, False)])
async def test_slow_answer_writes_no_session_that_the_browser_has_had_already(
    emulator, clock, seconds, is_written
):
    slow = SlowSite(emulator, signed_in_cookie(emulator, lifetime=-100))
    slow.other.cookies = slow.one.cookies  # of one browser

    async def later() -> None:
        clock.now += seconds

    get = slow.other.get
    answer = await slow.meanwhile(
        lambda: get("/who"), lambda: get("/switch"), lambda: get("/who"), later
    )
    assert (SESSION in answer.set_cookies) is is_written
    clock.now += 400
    assert (await get("/who")).json["organization"] == "org_globex"


async def test_slow_answer_brings_a_session_that_no_other_has_brought(emulator, clock):
    slow = SlowSite(emulator, signed_in_cookie(emulator, lifetime=-100))

    async def later() -> None:
        clock.now += 200

    answer = await slow.meanwhile(later)
    assert SESSION in answer.set_cookies


async def test_slow_answer_seals_no_session_anew_whose_successor_is_forgotten(emulator, clock):
    slow = SlowSite(emulator)
    slow.other.cookies = slow.one.cookies

    async def later() -> None:
        clock.now += 31

    get = slow.other.get
    answer = await slow.meanwhile(lambda: get("/switch"), lambda: get("/who"), later)
    assert answer.set_cookies == {}
    clock.now += 400
    assert (await get("/who")).json["organization"] == "org_globex"
