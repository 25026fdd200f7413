"""Session cookies that another host of the same site plants beside ours (cookie tossing)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, sealed_session, sign_in, signed_in_cookie, site
from emulated import PASSWORD, Clock
from jar_browser import JarBrowser

from authkit_asgi.seal import seal
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

# How a page of a sibling host can get its cookie before ours, or behind.
PLACES = ["Domain=example.com", "Domain=example.com; Path=/who", "Domain=.Example.COM; Path=/"]


async def signed_in(emulator: WorkOSEmulator, **changes: Any) -> JarBrowser:
    browser = JarBrowser(site(emulator, **changes))
    await sign_in(browser, emulator)
    return browser


@pytest.mark.parametrize("place", PLACES)
async def test_strangers_session_beside_ours_is_nobodys(emulator, place):
    browser = await signed_in(emulator)
    browser.toss(f"{SESSION}={signed_in_cookie(emulator, 'user_bob')}; {place}; Secure")
    answer = await browser.get("/who")
    assert answer.json == {"user": None, "reason": "invalid_session_cookie"}
    assert answer.set_cookies == {}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", ["", "x", '"', "Fe26.2*1*a*b*c**d*e~2"])
async def test_rubbish_beside_ours_changes_nothing(emulator, place, value):
    browser = await signed_in(emulator)
    browser.toss(f"{SESSION}={value}; {place}; Secure")
    assert (await browser.get("/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("place", PLACES)
async def test_older_session_of_the_same_user_beside_ours_is_not_the_one_used(
    emulator, place, clock: Clock
):
    old = emulator.sign_in("user_ada", "org_globex")
    clock.now += 5
    browser = await signed_in(emulator)
    browser.toss(f"{SESSION}={sealed_session(old)}; {place}; Secure")
    assert (await browser.get("/who")).json == {"user": "user_ada", "organization": "org_acme"}


async def test_user_of_one_cookie_and_token_of_another_are_never_put_together(emulator):
    ada, bob = emulator.sign_in("user_ada"), emulator.sign_in("user_bob")
    whole = {sealed_session(ada): ("user_ada", "org_acme"), sealed_session(bob): ("user_bob", None)}
    mixed = [sealed_session(ada, user=bob["user"]), sealed_session(bob, user=ada["user"])]
    browser = Browser(site(emulator))
    for count in (1, 2, 3, 4):
        for chosen in itertools.permutations([*mixed, *whole], count):
            header = ("cookie", "; ".join(f"{SESSION}={value}" for value in chosen))
            who = (await browser.get("/who", [*NAVIGATION, header])).json
            there = [whole[value] for value in chosen if value in whole]
            if count == 1 and there:
                assert (who["user"], who["organization"]) == there[0]
            elif who["user"] is not None:
                assert [(who["user"], who["organization"])] == there


@pytest.mark.parametrize("count", [3, 4, 8, 50, 400])
async def test_many_copies_of_one_session_are_one_session(emulator, count):
    value = signed_in_cookie(emulator)
    header = ("cookie", "; ".join([f"{SESSION}={value}"] * count))
    browser = Browser(site(emulator))
    answer = await browser.get("/who", [*NAVIGATION, header])
    assert (answer.json["user"], answer.set_cookies) == ("user_ada", {})


async def test_other_authentic_seals_beside_ours_are_no_session(emulator):
    browser = await signed_in(emulator)
    state = (await browser.get("/login")).set_cookies
    sealed = next(iter(state.values())).partition(";")[0].partition("=")[2]
    for value in (sealed, seal({"user": {"id": "user_bob"}}, PASSWORD)):
        browser.toss(f"{SESSION}={value}; Domain=example.com; Secure")
        assert (await browser.get("/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("domain", [None, "example.com"])
async def test_login_frees_the_site_of_a_strangers_session(emulator, domain):
    """Both cookies go as far as the site can name them, and the next sign-in counts."""
    browser = await signed_in(emulator, cookie_domain=domain)
    other = "" if domain else "; Domain=app.example.com"
    stranger = signed_in_cookie(emulator, "user_bob")
    assert browser.jar.set(f"{SESSION}={stranger}; Path=/; Secure{other}", browser.origin)
    assert (await browser.get("/who")).json["reason"] == "invalid_session_cookie"
    await browser.get("/login")
    left = [] if domain else [stranger]
    assert browser.named(SESSION) == left
    if domain:
        await sign_in(browser, emulator)
        assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_host_prefixed_name_keeps_siblings_out(emulator):
    browser = await signed_in(emulator, cookie_name="__Host-session")
    for name, place in itertools.product(("__Host-session", "__hOSt-session"), PLACES):
        line = f"{name}={signed_in_cookie(emulator, 'user_bob')}; {place}; Secure"
        assert browser.jar.set(line, "https://evil.example.com/") is None
    nameless = f"=__Host-session={signed_in_cookie(emulator, 'user_bob')}; Domain=example.com"
    assert browser.jar.set(nameless, "https://evil.example.com/") is None
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_nameless_cookie_that_reads_like_ours_is_a_tossed_session(emulator):
    """A browser sends `=wos-session=…` back without its first sign: they cannot be told apart."""
    browser = await signed_in(emulator)
    line = f"=wos-session={signed_in_cookie(emulator, 'user_bob')}; Domain=example.com; Secure"
    browser.toss(line)
    assert (await browser.get("/who")).json["reason"] == "invalid_session_cookie"
