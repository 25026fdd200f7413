"""/callback without `state`: sign-ins that WorkOS began are begun anew, once."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, NAVIGATION
from asgi_site import SESSION, VERIFIER, begin, visit

pytestmark = pytest.mark.anyio


async def test_callback_without_state_starts_the_sign_in_anew(browser, emulator):
    code = emulator.impersonate("user_ada", email="help@example.com", reason="ticket")
    answer = await browser.get(f"/callback?code={code}")
    assert answer.status == 303
    assert answer.location.startswith("http://localhost:9999/user_management/authorize?")
    assert SESSION not in answer.set_cookies
    assert emulator.count("authenticate") == 0
    done = await browser.get(
        "/callback?"
        + (await visit(emulator, f"{answer.location}&login_hint=ada@example.com")).partition("?")[2]
    )
    assert done.status == 303
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_callback_without_state_is_restarted_only_once(browser):
    assert (await browser.get("/callback?code=1")).status == 303
    answer = await browser.get("/callback?code=2")
    assert answer.status == 400
    assert '<a href="/login">Sign in</a>' in answer.text
    assert browser.cookies == {}
    assert (await browser.get("/callback?code=3")).status == 303


async def test_callback_without_state_keeps_sign_ins_that_are_under_way(browser, emulator):
    target = await begin(browser, emulator)
    browser.cookies[VERIFIER + "00000000"] = "rubbish"
    assert (await browser.get("/callback?code=1")).status == 303
    assert (await browser.get(target)).status == 303
    assert emulator.count("authenticate") == 1


@pytest.mark.parametrize(
    ("query", "headers"),
    [("code=1", FETCH), ("error=x", NAVIGATION), ("error=x&code=1", NAVIGATION), ("", NAVIGATION)],
)
async def test_callback_without_state_and_no_reason_to_restart_is_refused(browser, query, headers):
    answer = await browser.get(f"/callback?{query}", headers)
    assert (answer.status, answer.set_cookies) == (400, {})
