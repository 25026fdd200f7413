"""Sessions that one cookie cannot hold: written as chunks, read, grown, shrunk, signed out."""

from __future__ import annotations

import pytest
from asgi_driver import NAVIGATION, Answer, Browser, drive, http_scope
from asgi_site import SESSION, begin, sealed_session, sign_in, site
from chunked_site import (
    LARGE,
    LARGER,
    ONE,
    SMALL,
    TOO_LARGE,
    TWO,
    chunked,
    resize,
    seen,
    session_names,
    shop,
)
from emulated import ORIGIN, PASSWORD
from jar_browser import JarBrowser

from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cookie_domain": "example.com"},
        {"cookie_same_site": "strict"},
        {"cookie_name": "__Host-s"},
    ],
    ids=["host", "domain", "strict", "prefix"],
)
async def test_session_grows_and_shrinks_and_leaves_nothing(emulator, changes):
    name = changes.get("cookie_name", SESSION)
    one, two = [name], [f"{name}.0", f"{name}.1"]
    browser = JarBrowser(shop(emulator, **changes))
    resize(emulator, LARGE)
    await sign_in(browser, emulator)
    assert sorted(browser.names(name)) == two
    for size, names in ((SMALL, one), (LARGE, two), (LARGER, two), (SMALL, one), (LARGE, two)):
        resize(emulator, size)
        assert await seen(browser) == "user_ada"
        assert (await browser.post("/refresh", [("origin", ORIGIN)])).status == 200
        assert sorted(browser.names(name)) == names
        assert await seen(browser) == "user_ada"
        assert (await browser.get("/who")).set_cookies == {}
    await browser.post("/logout", [("origin", ORIGIN)])
    assert browser.names() == []


async def test_chunks_are_replaced_when_their_token_expires(emulator):
    browser = Browser(shop(emulator))
    browser.cookies = chunked(emulator, lifetime=-100)
    assert await seen(browser) == "user_ada"
    assert sorted(browser.cookies) == TWO
    session = unseal_session(browser.cookies[TWO[0]] + browser.cookies[TWO[1]], PASSWORD)
    assert session.user_json["metadata"] == {"notes": "x" * LARGE}
    assert emulator.count("authenticate") == 1


async def test_refused_session_takes_its_chunks_along(emulator, clock):
    browser = Browser(shop(emulator))
    browser.cookies = chunked(emulator, lifetime=-100)
    emulator.fail("authenticate", times=None, status=400, body={"error": "invalid_grant"})
    assert await seen(browser) is None
    assert sorted(browser.cookies) == TWO
    clock.now += 61
    assert await seen(browser) is None
    assert browser.cookies == {}


async def test_refused_session_takes_its_cookie_and_its_chunks_along(emulator, clock):
    browser = Browser(shop(emulator))
    chunks = chunked(emulator, lifetime=-100)
    plain = sealed_session(emulator.sign_in("user_ada", lifetime=-50))
    browser.cookies = {**chunks, SESSION: plain}
    emulator.fail("authenticate", times=None, status=400, body={"error": "invalid_grant"})
    assert await seen(browser) is None
    browser.cookies = {**chunks, SESSION: plain}
    clock.now += 61
    assert await seen(browser) is None
    assert browser.cookies == {}


async def test_another_users_sign_in_takes_the_place_of_chunks(emulator):
    browser = JarBrowser(shop(emulator))
    resize(emulator, LARGE)
    await sign_in(browser, emulator)
    await sign_in(browser, emulator, user="bob")
    assert session_names(browser) == ONE
    assert await seen(browser) == "user_bob"


@pytest.mark.parametrize(("first", "then"), [("ada", "bob"), ("bob", "ada")])
async def test_sign_in_without_the_cookies_of_the_session_before_leaves_none_of_it(
    emulator, first, then
):
    """Under SameSite=Strict browsers send none on the way back from WorkOS."""
    browser = JarBrowser(shop(emulator, cookie_same_site="strict"))
    resize(emulator, LARGE)
    await sign_in(browser, emulator, user=first)
    target = await begin(browser, emulator, user=then)
    pending = [
        ("cookie", f"{name}={browser.named(name)[0]}") for name in browser.names("wos-auth-")
    ]
    answer = await drive(browser.app, http_scope("GET", target, [*NAVIGATION, *pending]))
    browser._keep(answer)
    assert await seen(browser) == f"user_{then}"


@pytest.mark.parametrize("first", ["plain", "chunks"])
async def test_of_cookie_and_chunks_the_newer_token_wins_and_the_other_goes(emulator, clock, first):
    chunks = plain = None
    for kind in (first, "plain", "chunks"):
        clock.now += 5
        if kind == "chunks" and chunks is None:
            chunks = chunked(emulator)
        elif kind == "plain" and plain is None:
            resize(emulator, SMALL)
            plain = {SESSION: sealed_session(emulator.sign_in("user_ada", "org_globex"))}
    browser = Browser(shop(emulator))
    browser.cookies = {**chunks, **plain}
    newer = TWO if first == "plain" else ONE
    organization = "org_acme" if first == "plain" else "org_globex"
    answer = await browser.get("/who")
    assert answer.json == {"user": "user_ada", "organization": organization}
    assert answer.set_cookies == {}  # which of them another response is writing nobody knows
    clock.now += 400
    assert await seen(browser) == "user_ada"
    assert sorted(browser.cookies) == newer


async def test_read_only_application_leaves_cookie_and_chunks_as_they_are(emulator):
    browser = Browser(site(emulator, refresh="never"))
    browser.cookies = {**chunked(emulator), SESSION: sealed_session(emulator.sign_in("user_ada"))}
    assert await seen(browser) == "user_ada"
    assert len(browser.cookies) == 3


async def test_cookie_of_one_user_and_chunks_of_another_are_nobodys_until_a_sign_in(emulator):
    browser = Browser(shop(emulator))
    plain = sealed_session(emulator.sign_in("user_bob"))
    browser.cookies = {**chunked(emulator), SESSION: plain}
    answer = await browser.get("/who")
    assert answer.json == {"user": None, "reason": "invalid_session_cookie"}
    assert answer.set_cookies == {}
    await browser.get("/login")
    assert [name for name in browser.cookies if name.startswith(SESSION)] == []


async def test_cookie_and_incomplete_chunks_of_an_older_session(emulator, clock):
    browser = Browser(shop(emulator))
    stale = chunked(emulator)[TWO[1]]
    browser.cookies = {SESSION: sealed_session(emulator.sign_in("user_bob")), TWO[1]: stale}
    answer = await browser.get("/who")
    assert (answer.json["user"], answer.set_cookies) == ("user_bob", {})
    clock.now += 400
    assert await seen(browser) == "user_bob"
    assert sorted(browser.cookies) == ONE


def mixed(emulator) -> dict[str, dict[str, str]]:
    ada, bob = chunked(emulator), chunked(emulator, "user_bob")
    zero, one = TWO
    return {
        "the second missing": {zero: ada[zero]},
        "the first missing": {one: ada[one]},
        "swapped": {zero: ada[one], one: ada[zero]},
        "of two users": {zero: ada[zero], one: bob[one]},
        "of two sessions": {zero: ada[zero], one: chunked(emulator)[one]},
        "the first cut": {zero: ada[zero][:-1], one: ada[one]},
        "the second cut": {zero: ada[zero], one: ada[one][:-1]},
        "the second cut short": {zero: ada[zero], one: ada[one][:10]},
        "a gap": {zero: ada[zero], f"{SESSION}.2": ada[one]},
        "other names": {f"{SESSION}0": ada[zero], f"{SESSION}1": ada[one]},
        "rubbish": {zero: "x", one: "y"},
        "empty": {zero: "", one: ""},
        "huge": {zero: "Fe26.2*" + "x" * 50_000, one: "y" * 50_000},
    }


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_chunks_that_are_no_whole_session_sign_nobody_in(emulator, kind):
    app = shop(emulator)
    for name, cookies in mixed(emulator).items():
        browser = Browser(app)
        browser.cookies = cookies
        if kind == "http":
            answer: Answer = await browser.get("/who")
            assert answer.json["user"] is None, name
            there = name != "other names"
            assert (answer.json["reason"] == "invalid_session_cookie") is there, name
            assert answer.set_cookies == {}, name


async def test_session_too_large_for_all_chunks_is_a_page_and_no_loop(emulator):
    browser = JarBrowser(shop(emulator))
    resize(emulator, TOO_LARGE)
    answer = await sign_in(browser, emulator)
    assert answer.status == 500
    assert "holds more than fits" in answer.text
    assert session_names(browser) == []
    resize(emulator, LARGE)
    await sign_in(browser, emulator)
    assert await seen(browser) == "user_ada"


async def test_switched_off_a_session_that_outgrew_its_cookie_is_a_page(emulator):
    browser = JarBrowser(shop(emulator, cookie_chunking=False))
    resize(emulator, LARGE)
    assert (await sign_in(browser, emulator)).status == 500
    assert session_names(browser) == []


async def test_chunks_from_before_they_were_switched_off_are_read_and_go(emulator):
    browser = Browser(shop(emulator, cookie_chunking=False))
    browser.cookies = chunked(emulator)
    assert await seen(browser) == "user_ada"
    resize(emulator, SMALL)
    await browser.post("/refresh", [("origin", ORIGIN)])
    assert sorted(browser.cookies) == ONE
