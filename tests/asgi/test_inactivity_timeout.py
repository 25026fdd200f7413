"""Sessions that nobody uses end, before anything is refreshed; those in use do not."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, sealed_session, sign_in, signed_in_cookie, site
from emulated import ORIGIN, Clock, service
from idle_site import ACTIVITY, ADA, IDLE, TIMEOUT, shop, signed_in, with_long_token
from jar_browser import JarBrowser

pytestmark = pytest.mark.anyio


async def test_unused_session_is_over_and_its_cookies_go_without_a_refresh(emulator, clock: Clock):
    browser = await signed_in(emulator)
    assert sorted(browser.names()) == [SESSION, ACTIVITY]
    clock.now += TIMEOUT + 1
    answer = await browser.get("/who")
    assert answer.json == IDLE
    assert answer.headers["cache-control"] == "private, no-store"
    assert browser.names() == []
    assert emulator.count("authenticate", grant_type="refresh_token") == 0
    assert (await browser.get("/who")).json["reason"] == "no_session_cookie_provided"


async def test_session_in_use_goes_on_and_its_time_is_moved_at_most_once_in_a_tenth(
    emulator, clock: Clock
):
    browser = await with_long_token(emulator)
    clock.now += TIMEOUT / 10 - 1
    assert (await browser.get("/who")).set_cookies == {}
    clock.now += 1
    answer = await browser.get("/who")
    assert list(answer.set_cookies) == [ACTIVITY]
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await browser.get("/who")).set_cookies == {}
    for _ in range(12):
        clock.now += TIMEOUT - 1
        assert (await browser.get("/who", FETCH)).json == ADA
    assert len(browser.named(ACTIVITY)) == 1
    assert emulator.count("authenticate") == 0
    clock.now += TIMEOUT + 1
    assert (await browser.get("/who")).json == IDLE


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"),
        (
            {"cookie_domain": "example.com", "cookie_same_site": "strict", "cookie_max_age": 60},
            "; Path=/; Domain=example.com; Max-Age=60; HttpOnly; Secure; SameSite=Strict",
        ),
    ],
)
async def test_cookie_has_the_attributes_of_the_session(emulator, changes, line):
    browser = JarBrowser(shop(emulator, **changes))
    lines = [
        one
        for one in (await sign_in(browser, emulator)).all("set-cookie")
        if one.startswith(ACTIVITY)
    ]
    assert [one.partition(";")[1] + one.partition(";")[2] for one in lines] == [line]
    await browser.post("/logout")
    assert browser.names() == []


async def test_session_is_over_on_our_own_routes_and_can_be_signed_out(emulator, clock: Clock):
    browser = await signed_in(emulator)
    clock.now += TIMEOUT + 1
    answer = await browser.post("/logout")
    assert "session_id=" in answer.location
    assert browser.names() == []
    assert emulator.count("authenticate", grant_type="refresh_token") == 0


async def test_next_sign_in_begins_anew(emulator, clock: Clock):
    browser = await signed_in(emulator)
    clock.now += TIMEOUT + 1
    await browser.get(await begin(browser, emulator))
    assert sorted(browser.names()) == [SESSION, ACTIVITY]
    clock.now += TIMEOUT - 1
    assert (await browser.get("/who")).json == ADA


async def test_nothing_brings_an_unused_session_back(emulator, clock: Clock):
    browser = await signed_in(emulator)
    jar = {cookie.name: cookie.value for cookie in browser.jar.cookies.values()}
    clock.now += 400
    # A late request: its refreshed session is remembered, while the old cookies stay.
    await browser.get("/who")
    late = Browser(browser.app)
    late.cookies = dict(jar)
    clock.now += TIMEOUT - 300
    answer = await late.post("/revive", [("origin", ORIGIN)])
    assert answer.json == [True, True]
    assert late.cookies == {}
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


@pytest.mark.parametrize("activity", [None, "", "x", "1800000900." + "A" * 43])
async def test_deleting_or_forging_the_time_gains_nothing_beyond_the_token(
    emulator, clock: Clock, activity
):
    browser = Browser(shop(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    if activity is not None:
        browser.cookies[ACTIVITY] = activity
    stolen = dict(browser.cookies)
    clock.now += TIMEOUT
    assert (await browser.get("/who")).json == ADA
    clock.now += 1
    browser.cookies = stolen
    assert (await browser.get("/who")).json == IDLE
    assert browser.cookies == {}


async def test_time_of_another_users_session_counts_for_nothing(emulator, clock: Clock):
    ada, bob = await signed_in(emulator), JarBrowser(shop(emulator))
    clock.now += TIMEOUT
    await sign_in(bob, emulator, user="bob")
    clock.now += 1
    (fresh,) = bob.named(ACTIVITY)
    ada.jar.set(f"{ACTIVITY}={fresh}; Path=/; Secure; HttpOnly", ORIGIN)
    assert (await ada.get("/who")).json == IDLE


async def test_outage_counts_as_use(emulator, clock: Clock):
    """Who tries all the time while WorkOS is down is not signed out when it is back."""
    browser = await signed_in(emulator)
    emulator.fail("authenticate", status=503, times=None)
    for _ in range(5):
        clock.now += TIMEOUT / 2
        answer = await browser.get("/who")
        assert answer.json["reason"] == "temporarily_unavailable"
        assert list(answer.set_cookies) == [ACTIVITY]
    emulator.clear_faults()
    clock.now += 100
    assert (await browser.get("/who")).json == ADA


async def test_refused_session_is_not_in_use(emulator, clock: Clock):
    browser = await signed_in(emulator)
    emulator.fail("authenticate", times=None, status=400, body={"error": "invalid_grant"})
    clock.now += 400
    answer = await browser.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("refresh_denied", {})


async def test_websocket_is_checked_and_noted_at_its_handshake(emulator, clock: Clock):
    browser = await signed_in(emulator)
    clock.now += 100
    answer = await browser.websocket("/ws", [("origin", ORIGIN)])
    assert answer.messages[0]["type"] == "websocket.accept"
    assert list(answer.set_cookies) == [ACTIVITY]
    clock.now += TIMEOUT + 1
    await browser.websocket("/ws", [("origin", ORIGIN)])
    assert browser.names() == []


async def test_unused_session_in_chunks_goes_as_a_whole(emulator, clock: Clock):
    emulator.update_user("user_ada", metadata={"notes": "x" * 2500})
    browser = await signed_in(emulator)
    assert sorted(browser.names()) == [ACTIVITY, f"{SESSION}.0", f"{SESSION}.1"]
    browser.jar.set(f"{SESSION}=x; Path=/; Secure; HttpOnly", ORIGIN)
    clock.now += TIMEOUT + 1
    assert (await browser.get("/who")).json == IDLE
    assert browser.names() == []


async def test_without_a_timeout_the_time_is_neither_read_nor_written(emulator, clock: Clock):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    browser.cookies[ACTIVITY] = "1800000000." + "A" * 43
    clock.now += 200
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    await browser.post("/logout")
    assert browser.cookies == {}


async def test_page_that_warms_up_and_data_count_alike(emulator, clock: Clock):
    browser = await signed_in(emulator)
    for headers in (FETCH, (*NAVIGATION, ("sec-purpose", "prefetch"))):
        clock.now += 200
        assert ACTIVITY in (await browser.get("/who", headers)).set_cookies


async def test_service_without_a_cookie_goes_by_the_token(emulator, clock: Clock):
    authkit = service(emulator, inactivity_timeout=TIMEOUT)
    cookie = sealed_session(emulator.sign_in("user_ada", lifetime=5000))
    clock.now += TIMEOUT
    assert (await authkit.load([cookie])).auth.user is not None
    clock.now += 1
    loaded = await authkit.load([cookie])
    assert loaded.auth.user is None
    assert loaded.session is not None


async def test_verifiers_of_a_sign_in_under_way_outlive_the_session(emulator, clock: Clock):
    browser = await signed_in(emulator)
    await begin(browser, emulator)
    clock.now += TIMEOUT + 1
    await browser.get("/who")
    assert len(browser.names(VERIFIER)) == len(browser.names()) == 1
