"""/callback with `error` and `iss`: believed with the right state only, and never shown."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, sign_in, site
from emulated import Clock

from authkit_asgi import AuthKitError
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

JSON = [("accept", "application/json")]
ISSUER = "https://api.workos.com/user_management/client_emulator"

# RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6; and what no server says.
WORDS = ["invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type",
         "invalid_scope", "server_error", "temporarily_unavailable", "login_required",
         "interaction_required", "account_selection_required", "consent_required"]  # fmt: skip
MARKUP = [
    "<script>alert('marker')</script>", '"><img src=x onerror=marker>', "</title><b>marker",
    "javascript:marker", "marker\r\nSet-Cookie: marker=1", "marker\r\n\r\n<h1>", "\x00marker",
    "{{marker}}${marker}%(marker)s{0}", "\u202emarker", "\x1b[31mmarker", "marker" * 10_000,
    "\n2026-01-01 CRITICAL marker", "&lt;marker&gt;", "https://evil.example/marker",
]  # fmt: skip


def exchanges(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate")


def hooked(emulator: WorkOSEmulator, errors: list[AuthKitError], **changes) -> Browser:
    hooks = {"on_error": lambda _, error: errors.append(error)}
    return Browser(site(emulator, auth_options=hooks, **changes))


@pytest.mark.parametrize("error", [*WORDS, "", *MARKUP], ids=lambda text: repr(text)[:20])
async def test_error_of_our_own_sign_in_ends_it_and_is_told_to_the_hook_alone(
    emulator, caplog, error
):
    caplog.set_level(logging.DEBUG)
    errors: list[AuthKitError] = []
    browser = hooked(emulator, errors)
    state = query_of(await begin(browser, emulator))["state"]
    text = quote(error, safe="")
    answer = await browser.get(
        f"/callback?error={text}&error_description={text}&error_uri={text}&{text}=1&state={state}"
    )
    assert (answer.status, browser.cookies, exchanges(emulator)) == (400, {}, 0)
    assert [(one.code, one.error) for one in errors] == [("authorization_denied", error)]
    sent = answer.body + b"".join(value for _, value in answer.start["headers"])
    assert b"marker" not in sent + caplog.text.encode()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("markup", MARKUP, ids=lambda text: repr(text)[:20])
@pytest.mark.parametrize("headers", [NAVIGATION, JSON], ids=["page", "problem document"])
async def test_nothing_of_any_parameter_is_shown_to_anybody(browser, caplog, headers, markup):
    caplog.set_level(logging.DEBUG)
    text = quote(markup, safe="")
    names = ("error", "error_description", "error_uri", "code", "iss", "state", "scope", text)
    answer = await browser.get("/callback?" + "&".join(f"{name}={text}" for name in names), headers)
    assert answer.status == 400
    sent = answer.body + b"".join(value for _, value in answer.start["headers"])
    assert b"marker" not in sent + caplog.text.encode()


@pytest.mark.parametrize("beside", ["", "&code={code}", "&iss=x", "&iss=&code={code}"])
async def test_error_beats_a_code_beside_it(browser, emulator, beside):
    query = query_of(await begin(browser, emulator))
    target = f"/callback?error=access_denied&state={query['state']}{beside.format(**query)}"
    answer = await browser.get(target, JSON)
    assert (answer.status, answer.json["code"]) == (400, "authorization_denied")
    assert (browser.cookies, exchanges(emulator)) == ({}, 0)
    after = f"/callback?code={query['code']}&state={query['state']}"
    assert (await browser.get(after)).status == 400  # the sign-in is over


UNPROVEN = {
    "no state": (lambda _: "", "callback_rejected"),
    "an empty state": (lambda _: "&state=", "oauth_state_mismatch"),
    "rubbish": (lambda _: "&state=x", "oauth_state_mismatch"),
    "a spoilt state": (lambda state: f"&state={state}x", "oauth_state_mismatch"),
    "another browser's": (lambda state: f"&state={state}", "pkce_cookie_missing"),
}


@pytest.mark.parametrize(("state_of", "code"), UNPROVEN.values(), ids=UNPROVEN)
@pytest.mark.parametrize("error", ["access_denied", MARKUP[0]])
async def test_error_without_the_state_of_this_browser_is_not_believed(
    emulator, error, state_of, code
):
    errors: list[AuthKitError] = []
    browser = hooked(emulator, errors)
    own = await begin(browser, emulator)
    other = query_of(await begin(Browser(browser.app), emulator))["state"]
    answer = await browser.get(f"/callback?error={quote(error)}{state_of(other)}")
    assert (answer.status, answer.set_cookies) == (400, {})
    assert [one.code for one in errors] == [code]
    assert (await browser.get(own)).status == 303  # the sign-in under way is none the worse


async def test_expired_state_makes_no_error_believed(emulator, clock: Clock):
    errors: list[AuthKitError] = []
    browser = hooked(emulator, errors)
    state = query_of(await begin(browser, emulator))["state"]
    clock.now += 601
    assert (await browser.get(f"/callback?error=access_denied&state={state}")).status == 400
    assert [one.code for one in errors] == ["oauth_state_mismatch"]


async def test_error_leaves_the_session_there_is(browser, emulator):
    await sign_in(browser, emulator)
    before = browser.cookies[SESSION]
    state = query_of(await begin(browser, emulator, user="bob"))["state"]
    assert (await browser.get(f"/callback?error=access_denied&state={state}")).status == 400
    assert browser.cookies == {SESSION: before}
    assert (await browser.get("/who")).json["user"] == "user_ada"


ISSUERS = {
    "the one": (ISSUER, True),
    "the other": ("https://auth.example.com", True),
    "percent-encoded": (quote(ISSUER, safe=""), True),
    "none": (None, True),
    "empty": ("", False),
    "a slash more": (f"{ISSUER}/", False),
    "a slash less": ("https:/api.workos.com/user_management/client_emulator", False),
    "upper case": ("HTTPS://API.WORKOS.COM/user_management/client_emulator", False),
    "another scheme": (ISSUER.replace("https", "http"), False),
    "another client": (ISSUER.replace("emulator", "other"), False),
    "a port": (ISSUER.replace(".com", ".com:443"), False),
    "a query": (f"{ISSUER}?x", False),
    "a fragment": (f"{ISSUER}%23x", False),
    "user information": (f"https://evil.example@{ISSUER[8:]}", False),
    "a longer host": (ISSUER.replace(".com", ".com.evil.example"), False),
    "a prefix": (ISSUER[:-1], False),
    "both": (f"{ISSUER}%20https://auth.example.com", False),
    "comma": (f"{ISSUER},https://auth.example.com", False),
    "dot segments": (ISSUER.replace("/client", "/x/../client"), False),
    "encoded twice": (quote(quote(ISSUER, safe=""), safe=""), False),
    "a blank after": (f"{ISSUER}%20", False),
    "a line feed after": (f"{ISSUER}%0A", False),
    "NUL after": (f"{ISSUER}%00", False),
    "Cyrillic": (ISSUER.replace("a", "%D0%B0"), False),
    "100 KB": ("x" * 100_000, False),
}


@pytest.mark.parametrize("name", ["code", "error"])
@pytest.mark.parametrize(("issuer", "expected"), ISSUERS.values(), ids=ISSUERS)
async def test_issuer_is_compared_octet_for_octet_with_an_error_too(
    emulator, issuer, expected, name
):
    """RFC 9207, 2.4: before anything else of the response is believed (mix-up)."""
    errors: list[AuthKitError] = []
    browser = hooked(emulator, errors, issuers=[ISSUER, "https://auth.example.com"])
    query = query_of(await begin(browser, emulator))
    outcome = f"code={query['code']}" if name == "code" else "error=access_denied"
    iss = "" if issuer is None else f"&iss={issuer}"
    answer = await browser.get(f"/callback?{outcome}&state={query['state']}{iss}")
    signed_in = expected and name == "code"
    assert answer.status == (303 if signed_in else 400)
    assert (SESSION in browser.cookies, exchanges(emulator)) == (signed_in, int(signed_in))
    assert not [cookie for cookie in browser.cookies if cookie.startswith(VERIFIER)]
    expected_code = "authorization_denied" if expected else "callback_rejected"
    assert [one.code for one in errors] == ([] if signed_in else [expected_code])


@pytest.mark.parametrize("second", [ISSUER, "https://evil.example", ""])
@pytest.mark.parametrize("name", ["code", "error"])
@pytest.mark.parametrize("issuers", [(), (ISSUER,)])
async def test_second_issuer_is_refused_whatever_it_names(emulator, name, second, issuers):
    browser = Browser(site(emulator, issuers=issuers))
    query = {**query_of(await begin(browser, emulator)), "error": "access_denied"}
    target = f"/callback?{name}={query[name]}&state={query['state']}&iss={ISSUER}&iss={second}"
    answer = await browser.get(target, JSON)
    assert (answer.status, answer.json["code"]) == (400, "callback_rejected")
    assert (browser.cookies, exchanges(emulator)) == ({}, 0)
