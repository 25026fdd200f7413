"""/login and /signup: what begins a sign-in, what of the request WorkOS is asked, what does not."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, sign_in, signed_in_cookie, site
from emulated import PASSWORD, Clock

from authkit_asgi.seal import unseal

pytestmark = pytest.mark.anyio


async def test_login_sends_the_browser_to_workos_with_a_verifier_cookie(browser, clock):
    answer = await browser.get("/login?return_to=/who")
    assert answer.status == 303
    assert answer.location.startswith("http://localhost:9999/user_management/authorize?")
    query = query_of(answer.location)
    (name,) = answer.set_cookies
    sealed = browser.cookies[name]
    pending = unseal(sealed, PASSWORD, ttl=600, clock=clock)
    challenge = hashlib.sha256(pending["codeVerifier"].encode()).digest()
    assert query == {
        "provider": "authkit",
        "client_id": "client_emulator",
        "redirect_uri": "https://app.example.com/callback",
        "response_type": "code",
        "state": sealed,
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert pending["returnPathname"] == "/who"
    assert answer.set_cookies[name] == (
        f"{name}={sealed}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Cookie"


async def test_login_is_fresh_each_time(browser):
    locations = [query_of((await browser.get("/login")).location) for _ in range(3)]
    assert len({query["state"] for query in locations}) == 3
    assert len({query["code_challenge"] for query in locations}) == 3


PASSED_ON = {
    "screen_hint": "sign-up",
    "organization_id": "org_1",
    "login_hint": "ada+é@example.com",
    "prompt": "login",
    "max_age": "0",
}


async def test_login_passes_its_parameters_on(browser):
    query = "&".join(f"{name}={quote(value)}" for name, value in PASSED_ON.items())
    answer = await browser.get(f"/login?{query}&client_id=x&redirect_uri=https://evil.example")
    sent = query_of(answer.location)
    assert {name: sent[name] for name in PASSED_ON} == PASSED_ON
    assert sent["client_id"] == "client_emulator"
    assert sent["redirect_uri"] == "https://app.example.com/callback"


@pytest.mark.parametrize("query", ["", "?screen_hint=sign-in", "?screen_hint=rubbish"])
async def test_signup_asks_for_the_sign_up_screen(browser, query):
    answer = await browser.get(f"/signup{query}")
    assert query_of(answer.location)["screen_hint"] == "sign-up"


@pytest.mark.parametrize("name", sorted(PASSED_ON))
async def test_login_takes_an_empty_parameter_for_none(browser, name):
    answer = await browser.get(f"/login?{name}=")
    assert (answer.status, name in query_of(answer.location)) == (303, False)


@pytest.mark.parametrize(
    "query",
    [
        "screen_hint=admin",
        "max_age=-1",
        "max_age=1.5",
        "max_age=x",
        "max_age=%C2%B2",  # a superscript two
        "max_age=%D9%A3",  # an Arabic three
        "max_age=" + "9" * 5000,
        "organization_id=" + "x" * 1025,
        "login_hint=" + "x" * 1025,
        "prompt=" + "x" * 1025,
    ],
)
async def test_login_refuses_a_parameter_that_cannot_be_passed_on(browser, query):
    answer = await browser.get(f"/login?{query}")
    name = query.partition("=")[0]
    assert (answer.status, answer.set_cookies) == (400, {})
    assert answer.json == {"detail": f"The parameter {name} is not one that can be passed on"}
    assert answer.headers["cache-control"] == "no-store"


SPECULATIVE = [
    ("HEAD", ()),
    ("GET", [("sec-purpose", "prefetch")]),
    ("GET", [("sec-purpose", "prefetch;prerender")]),
    ("GET", [("purpose", "prefetch")]),
    ("GET", [("x-moz", "prefetch")]),
]


@pytest.mark.parametrize("path", ["/login", "/signup"])
@pytest.mark.parametrize(("method", "headers"), SPECULATIVE)
async def test_login_mints_nothing_for_a_speculative_request(browser, path, method, headers):
    answer = await browser.request(method, path, [*NAVIGATION, *headers])
    assert (answer.status, answer.set_cookies, answer.body) == (204, {}, b"")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin", "websocket"])
async def test_login_refuses_what_is_no_navigation(browser, mode):
    answer = await browser.get("/login", [("sec-fetch-mode", mode)])
    assert (answer.status, answer.set_cookies) == (400, {})
    assert "navigation" in answer.json["detail"]


async def test_login_without_fetch_metadata_counts_as_a_navigation(browser):
    assert (await browser.get("/login", [])).status == 303


async def test_login_by_post_is_not_allowed(browser):
    assert (await browser.post("/login")).status == 405


async def test_login_keeps_five_pending_sign_ins_and_drops_the_oldest(
    browser: Browser, clock: Clock
):
    names = []
    for _ in range(7):
        answer = await browser.get("/login")
        clock.now += 1
        names += [name for name, line in answer.set_cookies.items() if "Max-Age=600" in line]
    assert list(browser.cookies) == names[2:]


async def test_login_clears_dead_verifier_cookies_away(browser):
    browser.cookies = {f"{VERIFIER}{n:08x}": "rubbish" for n in range(20)}
    await browser.get("/login")
    assert len(browser.cookies) == 1


async def test_login_leaves_cookies_alone_whose_names_only_look_like_verifiers(browser):
    names = [f"{VERIFIER}é", f"{VERIFIER}1", f"{VERIFIER}0123456g", f"x{VERIFIER}01234567"]
    browser.cookies = dict.fromkeys(names, "x")
    answer = await browser.get("/login")
    assert answer.status == 303
    assert len(answer.set_cookies) == 1


RETURN_PATHS = {
    "/who?a=1&b=2#c": "/who?a=1&b=2#c",
    "/a%2Fb?c=%20%C3%A9": "/a%2Fb?c=%20%C3%A9",
    "/é?ß=ü": "/%C3%A9?%C3%9F=%C3%BC",
    "/http://x": "/http://x",
    "//evil.example": "/",
    "/\\evil.example": "/",
    "\\/evil.example": "/",
    "/\t/evil.example": "/",
    "https://evil.example": "/",
    "javascript:alert(1)": "/",
    "who": "/",
    "": "/",
    "/" + "x" * 3000: "/",
    "/" + "x" * 100_000: "/",
    "/" + "é" * 1500: "/",
    "/login": "/",
    "/callback?code=1": "/",
    "/logout": "/",
    "/a\r\nSet-Cookie: b=c": "/",
    "/a\x00": "/",
}


@pytest.mark.parametrize(("wanted", "reached"), RETURN_PATHS.items(), ids=lambda text: text[:24])
async def test_login_returns_to_paths_of_this_site_only(browser, emulator, wanted, reached):
    answer = await sign_in(browser, emulator, f"/login?return_to={quote(wanted, safe='')}")
    assert (answer.status, answer.location) == (303, reached)


@pytest.mark.parametrize("wanted", ["/" + "x" * 3000, "/" + "x" * 100_000, "/" + "é" * 300])
async def test_login_sets_no_cookie_over_the_limit(browser, wanted):
    answer = await browser.get(f"/login?return_to={quote(wanted)}")
    (line,) = answer.all("set-cookie")
    assert answer.status == 303
    assert len(line) <= 3800


async def test_login_ends_at_the_default_page_of_the_settings(emulator):
    browser = Browser(site(emulator, default_return_path="/home"))
    assert (await sign_in(browser, emulator)).location == "/home"


@pytest.mark.parametrize(
    ("domain", "deletions"),
    [(None, ["{}=; Path=/; Max-Age=0"]),
     ("example.com", ["{}=; Path=/; Domain=example.com; Max-Age=0",
                      "{}=; Path=/; Max-Age=0"])],
)  # fmt: skip
async def test_login_expires_conflicting_session_cookies(emulator, domain, deletions):
    browser = Browser(site(emulator, cookie_domain=domain))
    both = [signed_in_cookie(emulator), signed_in_cookie(emulator, "user_bob")]
    cookies = ("cookie", "; ".join(f"{SESSION}={value}" for value in both))
    assert (await browser.get("/who", [cookies])).json["reason"] == "invalid_session_cookie"
    answer = await browser.get("/login", [*NAVIGATION, cookies])
    lines = [line for line in answer.all("set-cookie") if line.startswith(SESSION)]
    names = [SESSION, f"{SESSION}.0", f"{SESSION}.1"]  # these may have been written meanwhile
    expected = [line.format(name) for name in names for line in deletions]
    assert [line.partition("; Expires")[0] for line in lines] == expected


async def test_login_keeps_the_session_there_is(browser, emulator):
    await sign_in(browser, emulator)
    answer = await browser.get("/login")
    assert SESSION not in answer.set_cookies
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_login_does_not_refresh(browser, emulator):
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    await begin(browser, emulator)
    assert emulator.count("authenticate") == 0


async def test_login_at_other_paths_of_ones_own(emulator):
    options = {"prefix": "/auth", "login": "/in", "sign_up": "/up", "callback": "/back"}
    browser = Browser(
        site(
            emulator,
            auth_options={**options, "logout": "/out"},
            redirect_uri="https://app.example.com/auth/back",
            login_path="/auth/in",
            callback_path="/back",
        )
    )
    answer = await sign_in(browser, emulator, "/auth/in?return_to=/who")
    assert (answer.status, answer.location) == (303, "/who")
    assert (await browser.get("/auth/up")).status == 303
    assert (await browser.get("/auth/out")).status == 303
    assert (await browser.get("/login")).status == 404
