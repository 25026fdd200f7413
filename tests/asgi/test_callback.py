"""/callback: who may finish a sign-in, and what everybody else gets."""

from __future__ import annotations

import re

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
from emulated import PASSWORD, START, Clock

from authkit_asgi.pkce import verifier_cookie_name
from authkit_asgi.seal import seal
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

CSP = re.compile(
    r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; "
    r"frame-ancestors 'none'"
)


def exchanges(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate", grant_type="authorization_code")


def with_parameter(target: str, **changes: str | None) -> str:
    """The callback with parameters changed, or taken out where the change is `None`."""
    path, _, query = target.partition("?")
    pairs = [pair for pair in query.split("&") if pair.partition("=")[0] not in changes]
    pairs += [f"{name}={value}" for name, value in changes.items() if value is not None]
    return f"{path}?{'&'.join(pairs)}"


def assert_refused(browser: Browser, answer, *, status: int = 400) -> None:
    """A page, no session, no verifier cookie left, nothing that is stored or framed."""
    assert answer.status == status
    assert SESSION not in answer.set_cookies
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert CSP.fullmatch(answer.headers["content-security-policy"])
    assert '<a href="/login">Sign in</a>' in answer.text
    assert not [name for name in browser.cookies if name.startswith(VERIFIER)]


async def test_callback_signs_in_deletes_the_verifier_and_goes_on(browser, emulator):
    target = await begin(browser, emulator, "/login?return_to=/who%3Fa=1")
    verifier = next(iter(browser.cookies))
    answer = await browser.get(target)
    assert (answer.status, answer.location) == (303, "/who?a=1")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.set_cookies.keys() == {SESSION, verifier}
    assert answer.set_cookies[SESSION].endswith(
        "; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    )
    assert answer.set_cookies[verifier] == (
        f"{verifier}=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; "
        "HttpOnly; Secure; SameSite=Lax"
    )
    assert (await browser.get("/who")).json["user"] == "user_ada"
    assert exchanges(emulator) == 1


BAD_PARAMETERS = {
    "no code": {"code": None},
    "empty code": {"code": ""},
    "another state": {"state": "Fe26.2*1*2*3*4**5*6~2"},
    "empty state": {"state": ""},
    "non-ASCII state": {"state": "%C3%A9%FF"},
    "a state of 100 KB": {"state": "x" * 100_000},
    "an error": {"error": "access_denied", "code": None},
    "an error beside a code": {"error": "access_denied"},
}


@pytest.mark.parametrize("changes", BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
async def test_callback_with_a_bad_parameter_is_refused(browser, emulator, changes):
    target = await begin(browser, emulator)
    answer = await browser.get(with_parameter(target, **changes))
    if "state" in changes:  # another sign-in's callback leaves this one to finish
        browser.cookies = {k: v for k, v in browser.cookies.items() if not k.startswith(VERIFIER)}
    assert_refused(browser, answer)
    assert exchanges(emulator) == 0


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
async def test_callback_with_a_repeated_parameter_is_refused(browser, emulator, name):
    target = await begin(browser, emulator)
    value = query_of(target).get(name, "x")
    again = target.replace(f"{name}=", f"{name}={value}&{name}=") if name in target else None
    answer = await browser.get(again or f"{target}&{name}=x&{name}=x", [])
    assert (answer.status, answer.json["code"]) == (400, "callback_rejected")
    assert exchanges(emulator) == 0
    assert browser.cookies == {}  # the sign-in is over, and its verifier gone


async def test_callback_with_too_many_parameters_is_refused(browser, emulator):
    target = await begin(browser, emulator) + "&a=" * 40
    assert ((await browser.get(target)).status, exchanges(emulator)) == (400, 0)


async def test_callback_of_an_attackers_sign_in_is_refused_in_the_victims_browser(emulator):
    app = site(emulator)
    attacker, victim = Browser(app), Browser(app)
    target = await begin(attacker, emulator, user="bob")
    answer = await victim.get(target)
    assert (answer.status, answer.set_cookies, exchanges(emulator)) == (400, {}, 0)


async def test_callback_of_an_attackers_sign_in_leaves_a_signed_in_victim_alone(emulator):
    app = site(emulator)
    attacker, victim = Browser(app), Browser(app)
    await sign_in(victim, emulator)
    answer = await victim.get(await begin(attacker, emulator, user="bob"))
    assert (answer.status, answer.location, answer.set_cookies) == (303, "/", {})
    assert (await victim.get("/who")).json["user"] == "user_ada"
    assert exchanges(emulator) == 1


async def test_callback_state_is_compared_with_the_cookie_octet_for_octet(browser, emulator):
    target = await begin(browser, emulator)
    (name,) = browser.cookies
    other = query_of(await begin(Browser(browser.app), emulator))["state"]
    browser.cookies[name] = other
    answer = await browser.get(target)
    assert_refused(browser, answer)
    assert exchanges(emulator) == 0


@pytest.mark.parametrize("parameter", ["code", "error"])
@pytest.mark.parametrize("kind", ["not authentic", "too long"])
async def test_callback_state_that_was_not_sent_out_is_refused(
    browser, emulator, clock, kind, parameter
):
    """Whoever can set cookies for the site can make the two agree."""
    content = {"codeVerifier": "x" * 43, "issuedAt": START * 1000, "customState": "x" * 4000}
    state = "rubbish" if kind == "not authentic" else seal(content, PASSWORD, ttl=600, clock=clock)
    browser.cookies[verifier_cookie_name(state)] = state
    answer = await browser.get(f"/callback?{parameter}=1&state={state}", [])
    assert (answer.status, answer.json["code"]) == (400, "oauth_state_mismatch")
    assert exchanges(emulator) == 0


async def test_callback_with_an_authentic_session_as_state_is_refused(browser, emulator):
    session = signed_in_cookie(emulator)
    target = with_parameter(await begin(browser, emulator), state=session)
    answer = await browser.get(target)
    assert (answer.status, SESSION in answer.set_cookies) == (400, False)


@pytest.mark.parametrize("user", ["ada", "bob"])
async def test_callback_reloaded_goes_on_without_a_token_request(browser, emulator, user):
    target = await begin(browser, emulator)
    await browser.get(target)
    if user == "bob":
        await sign_in(browser, emulator, user="bob")
    before = exchanges(emulator)
    answer = await browser.get(target)
    assert (answer.status, answer.location, answer.set_cookies) == (303, "/", {})
    assert exchanges(emulator) == before
    assert (await browser.get("/who")).json["user"] == f"user_{user}"


async def test_callback_reloaded_by_a_browser_that_is_signed_out_is_refused(browser, emulator):
    target = await begin(browser, emulator)
    await browser.get(target)
    del browser.cookies[SESSION]
    assert_refused(browser, await browser.get(target))
    assert exchanges(emulator) == 1


@pytest.mark.parametrize(("age", "status"), [(599, 303), (601, 400), (-59, 303), (-61, 400)])
async def test_callback_state_lives_ten_minutes(browser, emulator, clock: Clock, age, status):
    target = await begin(browser, emulator)
    clock.now += age
    answer = await browser.get(target)
    # Codes of the emulator live as long as the state; what counts is who refuses.
    assert (answer.status, exchanges(emulator)) == (status, int(status == 303))


@pytest.mark.parametrize(
    ("issuers", "iss", "status"),
    [
        ((), "https://evil.example", 303),
        (("https://api.workos.com/user_management/client_emulator",), None, 303),
        (
            ("https://api.workos.com/user_management/client_emulator",),
            "https://api.workos.com/user_management/client_emulator",
            303,
        ),
        (("https://api.workos.com/user_management/client_emulator",), "https://evil.example", 400),
        (("https://api.workos.com/user_management/client_emulator",), "", 400),
    ],
)
async def test_callback_issuer_is_compared_where_one_is_configured(emulator, issuers, iss, status):
    browser = Browser(site(emulator, issuers=issuers))
    target = with_parameter(await begin(browser, emulator), iss=iss)
    answer = await browser.get(target)
    assert (answer.status, exchanges(emulator)) == (status, int(status == 303))


async def test_callback_signs_another_user_in_with_a_new_session(browser, emulator):
    await sign_in(browser, emulator)
    before = browser.cookies[SESSION]
    await sign_in(browser, emulator, user="bob")
    assert browser.cookies[SESSION] != before
    assert (await browser.get("/who")).json["user"] == "user_bob"


async def test_callback_answers_programs_with_a_problem_document(browser):
    answer = await browser.get("/callback?code=1&state=2", [("accept", "application/json")])
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "Please sign in again.",
        "code": "oauth_state_mismatch",
    }


@pytest.mark.parametrize("headers", [[("sec-purpose", "prefetch")], [("purpose", "prefetch")]])
async def test_callback_is_not_done_for_a_prefetch(browser, emulator, headers):
    target = await begin(browser, emulator)
    answer = await browser.get(target, [*NAVIGATION, *headers])
    assert (answer.status, answer.set_cookies, exchanges(emulator)) == (204, {}, 0)
    assert (await browser.get(target)).status == 303


async def test_callback_in_two_tabs_finishes_both(browser, emulator):
    first = await begin(browser, emulator, "/login?return_to=/a")
    second = await begin(browser, emulator, "/login?return_to=/b")
    assert (await browser.get(second)).location == "/b"
    assert (await browser.get(first)).location == "/a"
    assert exchanges(emulator) == 2


async def test_callback_under_strict_continues_with_a_page(emulator):
    browser = Browser(site(emulator, cookie_same_site="strict"))
    target = await begin(browser, emulator, '/login?return_to=/who?a="><b>')
    answer = await browser.get(target)
    assert answer.status == 200
    assert "location" not in answer.headers
    refresh = '<meta http-equiv="refresh" content="0; url=/who?a=&quot;&gt;&lt;b&gt;">'
    assert refresh in answer.text
    assert '<a href="/who?a=&quot;&gt;&lt;b&gt;">Continue</a>' in answer.text
    assert answer.set_cookies[SESSION].endswith("; SameSite=Strict")
    verifier = next(name for name in answer.set_cookies if name.startswith(VERIFIER))
    assert answer.set_cookies[verifier].endswith("; SameSite=Lax")
    assert CSP.fullmatch(answer.headers["content-security-policy"])


MARKER = "<script>marker%27%22</script>"


@pytest.mark.parametrize("name", ["code", "state", "error", "error_description", "iss", "x"])
async def test_callback_reflects_nothing_of_its_query(emulator, name):
    browser = Browser(site(emulator, issuers=emulator.issuer))
    answer = await browser.get(with_parameter(await begin(browser, emulator), **{name: MARKER}))
    sent = answer.body + b"".join(v for _, v in answer.start["headers"])
    # What the exchange says of the code is WorkOS's verdict; unknown parameters do not matter.
    assert answer.status == (303 if name in {"x", "error_description"} else 400)
    assert b"marker" not in sent


async def test_callback_refuses_a_session_of_another_password_as_signed_in(browser, emulator):
    target = await begin(Browser(browser.app), emulator)
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada"), "x" * 40)
    assert (await browser.get(target)).status == 400


async def test_callback_with_a_domain_takes_an_older_cookie_of_the_host_away(emulator):
    browser = Browser(site(emulator, cookie_domain="example.com"))
    answer = await browser.get(await begin(browser, emulator), [])
    lines = [line for line in answer.all("set-cookie") if line.startswith(f"{SESSION}=")]
    assert len(lines) == 2
    assert sum("Domain=example.com" in line and "Max-Age=34560000" in line for line in lines) == 1
    assert sum("Domain" not in line and "Max-Age=0" in line for line in lines) == 1
