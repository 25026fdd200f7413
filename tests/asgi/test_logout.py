"""/logout: only the site's own pages sign out, and then it always works."""

from __future__ import annotations

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import (
    SESSION,
    VERIFIER,
    begin,
    query_of,
    sealed_session,
    sign_in,
    signed_in_cookie,
    site,
)
from emulated import ORIGIN, PASSWORD

from authkit_asgi.seal import seal
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

EXPIRED = "Expires=Thu, 01 Jan 1970 00:00:00 GMT"
SAME_ORIGIN = [("sec-fetch-site", "same-origin")]


@pytest.fixture
async def browser(emulator: WorkOSEmulator) -> Browser:
    """Signed in already."""
    browser = Browser(site(emulator))
    await sign_in(browser, emulator)
    return browser


POSTS = {
    "same-origin": ({"sec-fetch-site": "same-origin"}, 303),
    "same-origin beside Origin null": ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
    "an older browser's own page": ({"origin": ORIGIN}, 303),
    "same-site": ({"sec-fetch-site": "same-site", "origin": ORIGIN}, 403),
    "cross-site": ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, 403),
    "typed": ({"sec-fetch-site": "none"}, 403),
    "another origin": ({"origin": "https://evil.example"}, 403),
    "a subdomain": ({"origin": "https://x.app.example.com"}, 403),
    "http": ({"origin": "http://app.example.com"}, 403),
    "Origin null": ({"origin": "null"}, 403),
    "nothing": ({}, 403),
    "a Referer only": ({"referer": f"{ORIGIN}/"}, 403),
    "a foreign Host": ({"host": "evil.example", "origin": "https://evil.example"}, 403),
    "forwarded": ({"x-forwarded-host": "evil.example", "origin": "https://evil.example"}, 403),
}


async def test_logout_by_link_asks_first_under_strict(emulator):
    """The page after a Strict sign-in goes on by itself, with what looks like a link of ours."""
    browser = Browser(site(emulator, cookie_same_site="strict"))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get("/logout", NAVIGATION)
    assert (answer.status, answer.set_cookies) == (200, {})
    assert (await browser.post("/logout", NAVIGATION)).status == 303
    assert browser.cookies == {}


async def test_logout_deletes_no_more_verifiers_than_a_response_can_carry(browser):
    browser.cookies |= {f"{VERIFIER}{number:08x}": "x" for number in range(200)}
    answer = await browser.post("/logout", NAVIGATION)
    assert len(answer.set_cookies) == 20 + 3  # the session, and two chunks it may have by now
    assert SESSION not in browser.cookies


@pytest.mark.parametrize(("headers", "status"), POSTS.values(), ids=POSTS)
async def test_logout_by_post(browser, headers, status):
    answer = await browser.post("/logout", headers.items())
    assert answer.status == status
    assert (SESSION in browser.cookies) == (status == 403)
    if status == 403:
        assert answer.set_cookies == {}
        assert answer.json["code"] == "cross_site_request"
        assert (await browser.get("/who")).json["user"] == "user_ada"
    else:
        assert (await browser.get("/who")).json["user"] is None


LINK = {
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
GETS = {
    "a link of ours": (LINK, 303),
    "cross-site link": ({**LINK, "sec-fetch-site": "cross-site"}, 200),
    "same-site link": ({**LINK, "sec-fetch-site": "same-site"}, 200),
    "typed": ({**LINK, "sec-fetch-site": "none"}, 200),
    "a fetch": ({**LINK, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 200),
    "an image": ({**LINK, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 200),
    "a frame": ({**LINK, "sec-fetch-dest": "iframe"}, 200),
    "a prefetch": ({**LINK, "sec-purpose": "prefetch"}, 200),
    "no navigation": ({**LINK, "sec-fetch-mode": "same-origin"}, 200),
    "no mode": ({n: v for n, v in LINK.items() if n != "sec-fetch-mode"}, 200),
    "no destination": ({n: v for n, v in LINK.items() if n != "sec-fetch-dest"}, 200),
    "no metadata": ({}, 200),
    "no metadata, own Origin": ({"origin": ORIGIN}, 200),
}


@pytest.mark.parametrize(("headers", "status"), GETS.values(), ids=GETS)
async def test_logout_by_get(browser, headers, status):
    answer = await browser.get("/logout", headers.items())
    assert answer.status == status
    assert (SESSION in browser.cookies) == (status == 200)
    if status == 200:
        assert answer.set_cookies == {}
        assert '<form method="post"><button type="submit">Sign out</button></form>' in answer.text
        # Under no-referrer an older browser would send `Origin: null` with that form.
        assert '<meta name="referrer" content="same-origin">' in answer.text
        assert "form-action" not in answer.headers["content-security-policy"]


async def test_logout_by_head_changes_nothing(browser):
    answer = await browser.request("HEAD", "/logout", LINK.items())
    assert (answer.status, answer.set_cookies) == (200, {})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_logout_by_another_method_changes_nothing(browser, method):
    answer = await browser.request(method, "/logout", LINK.items())
    assert (answer.status, answer.set_cookies) == (405, {})


async def test_logout_refused_to_a_browser_is_a_page(browser):
    headers = dict(NAVIGATION) | {"sec-fetch-site": "cross-site"}
    answer = await browser.post("/logout", headers.items())
    assert answer.status == 403
    assert "Sign out from a page of this site." in answer.text


@pytest.mark.parametrize("domain", [None, "example.com"])
async def test_logout_deletes_every_cookie_of_ours(emulator, domain):
    browser = Browser(site(emulator, cookie_domain=domain))
    await sign_in(browser, emulator)
    await begin(browser, emulator)
    verifiers = [name for name in browser.cookies if name.startswith(VERIFIER)]
    browser.cookies |= {VERIFIER + "00000000": "x", "workos-access-token": "x", "other": "x"}
    answer = await browser.post("/logout", SAME_ORIGIN)
    at = "; Path=/" + (f"; Domain={domain}" if domain else "")
    attributes = f"; Max-Age=0; {EXPIRED}; HttpOnly; Secure; SameSite=Lax"
    chunks = [f"{SESSION}.0", f"{SESSION}.1"]
    expected = [SESSION, *chunks, "workos-access-token", *verifiers, VERIFIER + "00000000"]
    lines = {f"{name}={at}{attributes}" for name in expected}
    if domain:
        lines |= {f"{name}=; Path=/{attributes}" for name in expected[:4]}
    lines = {
        line.replace("; HttpOnly", "") if line.startswith("workos-access-token=") else line
        for line in lines
    }
    assert set(answer.all("set-cookie")) == lines
    assert browser.cookies == {"other": "x"}
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_logout_ends_the_session_at_workos(browser, emulator):
    answer = await browser.post("/logout", SAME_ORIGIN)
    assert answer.location.startswith("http://localhost:9999/user_management/sessions/logout?")
    assert query_of(answer.location).keys() == {"session_id"}
    assert query_of(answer.location)["session_id"].startswith("session_")


def broken_sessions(emulator: WorkOSEmulator) -> dict[str, tuple[str, str | None]]:
    """Cookie values, and the id of the session where WorkOS can be told."""
    answer = emulator.sign_in("user_ada")
    claims = {"sub": "user_ada", "sid": "session_1", "exp": 1}
    expired = emulator.mint_access_token(claims)
    head, body, _ = answer["access_token"].split(".")
    sealed = sealed_session(answer)
    return {
        "expired": (sealed_session(answer, access_token=expired), "session_1"),
        "unverifiable": (sealed_session(answer, access_token=f"{head}.{body}.AAAA"), "session_"),
        "without sid": (
            sealed_session(answer, access_token=emulator.mint_access_token({"sid": 1})),
            None,
        ),
        "odd sid": (
            sealed_session(answer, access_token=emulator.mint_access_token({"sid": "a&b=\r\nc"})),
            "a&b=\r\nc",
        ),
        "no token": (sealed_session(answer, access_token="x"), None),
        "no session": (seal({"hello": 1}, PASSWORD), None),
        "tampered": (f"{sealed[:-4]}{'AA' if sealed[-4:-2] != 'AA' else 'EE'}~2", None),
        "another password": (sealed_session(answer, "y" * 40), None),
        "rubbish": ("rubbish", None),
        "empty": ("", None),
        "huge": ("x" * 20_000, None),
    }


@pytest.mark.parametrize("kind", [
    "expired", "unverifiable", "without sid", "odd sid", "no token", "no session",
    "tampered", "another password", "rubbish", "empty", "huge",
])  # fmt: skip
@pytest.mark.parametrize("outage", [False, True])
async def test_logout_works_in_whatever_state_the_session_is(emulator, kind, outage):
    value, session_id = broken_sessions(emulator)[kind]
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = value
    if outage:
        emulator.fail("*", times=None, status=500)
    answer = await browser.post("/logout", SAME_ORIGIN)
    assert answer.status == 303
    assert browser.cookies == {}
    if session_id is None:
        assert answer.location == "/"
    else:
        assert query_of(answer.location)["session_id"].startswith(session_id)
        assert "\r" not in answer.location
    assert emulator.count("authenticate") == 0


async def test_logout_does_not_wait_for_workos(browser, emulator):
    fresh = Browser(site(emulator))  # a process that has no signing keys yet
    fresh.cookies = dict(browser.cookies)
    emulator.fail("jwks", delay=4)
    answer = await fresh.post("/logout", SAME_ORIGIN)
    emulator.clear_faults()
    assert answer.status == 303
    assert "session_id=session_" in answer.location
    assert fresh.cookies == {}
    assert emulator.count("jwks", status=200) == 1  # of the sign-in; the other still hangs
    assert emulator.count("authenticate") == 1  # of the sign-in


async def test_logout_twice_is_no_error(browser):
    await browser.post("/logout", SAME_ORIGIN)
    answer = await browser.post("/logout", SAME_ORIGIN)
    assert (answer.status, answer.location) == (303, "/")


RETURNS = {
    "/bye?a=%20b": f"{ORIGIN}/bye?a=%20b",
    f"{ORIGIN}/bye": f"{ORIGIN}/bye",
    "https://shop.example.com/x": "https://shop.example.com/x",
    "https://a.pages.example.com/": "https://a.pages.example.com/",
    "https://a.b.pages.example.com/": f"{ORIGIN}/",
    "https://pages.example.com/": f"{ORIGIN}/",
    "http://a.pages.example.com/": f"{ORIGIN}/",
    "http://localhost:3000/": "http://localhost:3000/",
    "https://evil.example/": f"{ORIGIN}/",
    "https://shop.example.com.evil.example/": f"{ORIGIN}/",
    "https://shop.example.com@evil.example/": f"{ORIGIN}/",
    "https://evil.example\\@shop.example.com/": f"{ORIGIN}/",
    "//evil.example": f"{ORIGIN}/",
    "javascript:alert(1)": f"{ORIGIN}/",
    "": f"{ORIGIN}/",
}


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize(("wanted", "reached"), RETURNS.items())
async def test_logout_returns_to_configured_origins_only(emulator, wanted, reached, signed_in):
    origins = ("https://shop.example.com", "https://*.pages.example.com", "http://localhost:*")
    browser = Browser(site(emulator, logout_return_origins=origins))
    if signed_in:
        browser.cookies[SESSION] = signed_in_cookie(emulator)
    target = "/logout?return_to=" + wanted.replace("%", "%25").replace("\\", "%5C")
    answer = await browser.post(target, SAME_ORIGIN)
    location = query_of(answer.location)["return_to"] if signed_in else answer.location
    assert (answer.status, location) == (303, reached)
