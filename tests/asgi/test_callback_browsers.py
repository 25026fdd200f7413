"""/callback in the wrong browser, twice, and with cookies that another host has planted."""

from __future__ import annotations

import itertools

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, sign_in, site
from emulated import Clock
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import SignInError, get_session
from authkit_asgi.pkce import verifier_cookie_name
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


def exchanges(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate")


def cookie_header(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    return [*NAVIGATION, ("cookie", "; ".join(f"{name}={value}" for name, value in pairs))]


RUBBISH = ["", "x", "Fe26.2*1*a*b*c**d*e~2"]


@pytest.mark.parametrize("order", ["genuine first", "genuine last"])
@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_second_verifier_cookie_of_the_name_never_signs_a_stranger_in(
    browser, emulator, rubbish, order
):
    """Whether the sign-in is finished or refused, nobody else's is."""
    target = await begin(browser, emulator)
    name, genuine = browser.cookies.popitem()
    pairs = [(name, genuine), (name, rubbish)]
    pairs = pairs if order == "genuine first" else pairs[::-1]
    answer = await browser.get(target, cookie_header(*pairs))
    assert "Max-Age=0" in answer.set_cookies[name]
    if answer.status == 303:
        assert (await browser.get("/who")).json["user"] == "user_ada"
    else:
        assert (answer.status, exchanges(emulator), browser.cookies) == (400, 0, {})


CHANGES = {
    "a line feed": lambda value: value + "\n",
    "a blank inside": lambda value: value[:9] + " " + value[9:],
    "upper case": str.upper,
    "one octet less": lambda value: value[:-1],
    "one octet more": lambda value: value + "2",
    "another octet": lambda value: value[:-1] + ("1" if value[-1] != "1" else "2"),
    "percent-encoding": lambda value: value.replace("*", "%2A"),
    "quotes inside quotes": lambda value: f'""{value}""',
    "one quote": lambda value: f'"{value}',
    "nothing": lambda _: "",
    "UTF-8": lambda value: value + "\xc3\xbc",
}


@pytest.mark.breaks_asgi("with CR, LF or NUL")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_cookie_that_differs_in_an_octet_from_the_state_is_refused(browser, emulator, change):
    target = await begin(browser, emulator)
    (name,) = browser.cookies
    browser.cookies[name] = change(browser.cookies[name])
    answer = await browser.get(target)
    assert (answer.status, exchanges(emulator), browser.cookies) == (400, 0, {})
    assert answer.set_cookies.keys() == {name}


async def test_verifier_of_another_tab_does_not_stand_in(browser, emulator):
    """Each state has to meet its own cookie; the other tab's sign-in is left alone."""
    first, second = await begin(browser, emulator), await begin(browser, emulator)
    kept = verifier_cookie_name(query_of(second)["state"])
    browser.cookies = {kept: browser.cookies[kept]}
    assert (await browser.get(first)).status == 400
    assert (list(browser.cookies), exchanges(emulator)) == ([kept], 0)
    assert (await browser.get(second)).status == 303


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("with_verifier", [False, True])
async def test_callback_used_twice_leaves_the_session_as_it_is(
    browser, emulator, signed_in, with_verifier
):
    """Also where a copy of the verifier cookie has come back: WorkOS takes a code once."""
    target = await begin(browser, emulator)
    verifier = dict(browser.cookies)
    assert (await browser.get(target)).status == 303
    if signed_in:
        await sign_in(browser, emulator, user="bob")
    else:
        browser.cookies.clear()
    before = browser.cookies.get(SESSION)
    browser.cookies |= verifier if with_verifier else {}
    answer = await browser.get(target)
    assert (SESSION in answer.set_cookies, browser.cookies.get(SESSION)) == (False, before)
    assert answer.status == (303 if signed_in and not with_verifier else 400)
    assert not [name for name in browser.cookies if name.startswith(VERIFIER)]
    assert (await browser.get("/who")).json["user"] == ("user_bob" if signed_in else None)


async def test_code_of_another_browsers_sign_in_is_not_redeemed_by_ours(emulator):
    """RFC 9700, 4.5: an injected code does not fit this browser's verifier."""
    app = site(emulator)
    attacker, victim = Browser(app), Browser(app)
    stolen = query_of(await begin(attacker, emulator, user="bob"))["code"]
    own = query_of(await begin(victim, emulator))["state"]
    answer = await victim.get(f"/callback?code={stolen}&state={own}")
    assert (answer.status, victim.cookies, exchanges(emulator)) == (400, {}, 1)


@pytest.mark.parametrize("name", ["code", "error"])
@pytest.mark.parametrize("signed_in", [False, True])
async def test_callback_of_a_stranger_with_either_outcome_changes_nothing(
    emulator, signed_in, name
):
    app = site(emulator)
    attacker, victim = Browser(app), Browser(app)
    if signed_in:
        await sign_in(victim, emulator)
    await begin(victim, emulator)
    before, asked = dict(victim.cookies), exchanges(emulator)
    state = query_of(await begin(attacker, emulator, user="bob"))["state"]
    answer = await victim.get(f"/callback?{name}=x&state={state}")
    assert (answer.status, answer.set_cookies) == (303 if signed_in else 400, {})
    assert (victim.cookies, exchanges(emulator)) == (before, asked)
    assert answer.headers.get("location", "/") == "/"


async def test_state_of_another_site_of_the_same_client_is_refused(emulator):
    """Sites that share a client, but no password, do not finish each other's sign-ins."""
    other = Browser(site(emulator, cookie_password="another site's password of 32 characters"))
    target = await begin(other, emulator)
    ours = Browser(site(emulator))
    ours.cookies = dict(other.cookies)
    answer = await ours.get(target)
    assert (answer.status, ours.cookies, exchanges(emulator)) == (400, {}, 0)


async def test_expired_state_is_refused_however_young_its_cookie_seems(
    browser, emulator, clock: Clock
):
    target = await begin(browser, emulator)
    clock.now += 601
    again = await browser.get("/login")  # which clears it away, unless the jar brings it back
    assert len(again.set_cookies) == 2
    state = query_of(target)["state"]
    browser.cookies[verifier_cookie_name(state)] = state
    answer = await browser.get(target)
    assert (answer.status, exchanges(emulator), SESSION in browser.cookies) == (400, 0, False)


async def test_tossed_verifiers_push_out_no_sign_in_under_way(emulator, clock):
    browser = JarBrowser(site(emulator))
    target = await begin(browser, emulator)
    for number in range(60):
        browser.toss(f"{VERIFIER}{number:08x}=x; Domain=example.com; Secure")
    assert (await browser.get("/login")).status == 303
    assert (await browser.get(target)).status == 303
    assert (await browser.get("/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("path", ["/", "/callback"])
async def test_tossed_verifier_over_ours_signs_no_stranger_in(emulator, path):
    """A sibling host that knows the name can spoil a sign-in, and that is all."""
    browser = JarBrowser(site(emulator))
    target = await begin(browser, emulator)
    (name,) = browser.names(VERIFIER)
    browser.toss(f"{name}=x; Domain=example.com; Path={path}")
    answer = await browser.get(target)
    assert answer.status in {303, 400}
    assert len(browser.named(SESSION)) == exchanges(emulator) == int(answer.status == 303)


async def test_jar_that_overflows_ends_the_sign_in_and_nothing_else(emulator):
    """A page of a sibling host can push our cookies out of a browser's store."""
    browser = JarBrowser(site(emulator), limit=20)
    target = await begin(browser, emulator)
    for number in range(40):
        browser.toss(f"c{number}=x; Domain=example.com; Secure")
    assert browser.names(VERIFIER) == []
    answer = await browser.get(target)
    assert (answer.status, answer.set_cookies, exchanges(emulator)) == (400, {}, 0)
    assert (await browser.get(await begin(browser, emulator))).status == 303
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_at_most_five_sign_ins_are_under_way_in_a_browsers_own_jar(emulator, clock):
    browser = JarBrowser(site(emulator, cookie_domain="example.com"))
    paths = itertools.cycle(["/login", "/signup", "/callback?code=1"])
    for path in itertools.islice(paths, 12):
        await browser.get(path)
        clock.now += 1
        assert len(browser.names(VERIFIER)) <= 5


@pytest.mark.parametrize("state", ["\ud800", "é", "x" * 100_000, "", "\x00", "Fe26.2*1"])
async def test_own_callback_takes_any_text_for_a_state(emulator, state):
    """JSON brings texts that no query can hold, and a cookie of a fitting name is soon made."""

    async def own(request: Request) -> Response:
        try:
            await get_session(request).complete_sign_in("code", state)
        except SignInError as error:
            return PlainTextResponse(error.code, 400)
        return PlainTextResponse("signed in")

    browser = Browser(site(emulator, [Route("/own", own)]))
    browser.cookies[verifier_cookie_name(state)] = "x"
    answer = await browser.get("/own")
    assert (answer.status, answer.text, exchanges(emulator)) == (400, "oauth_state_mismatch", 0)
