"""Origins that are not the site's, however much like it they look (RFC 6454, 6 and 7)."""

from __future__ import annotations

import anyio
import pytest
from asgi_driver import Browser, answer_briefly, drive, http_scope, websocket_scope
from asgi_site import SESSION, signed_in_cookie, site
from emulated import ORIGIN, service
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, SignedOutReason, get_auth
from authkit_asgi.testing import WorkOSEmulator

# No server lets such requests through; whatever stands in front of the middleware might.
pytestmark = [pytest.mark.anyio, pytest.mark.breaks_asgi("upper case", "with CR, LF or NUL")]

TRUSTED = "https://admin.example.com"
FOREIGN = {
    "empty": "",
    "a blank": " ",
    "opaque": "null",
    "opaque in capitals": "NULL",
    "any": "*",
    "another site": "https://evil.example",
    "another scheme": "http://app.example.com",
    "WebSocket's scheme": "wss://app.example.com",
    "no scheme": "app.example.com",
    "no scheme but slashes": "//app.example.com",
    "a file": "file://",
    "an extension": "chrome-extension://app.example.com",
    "a blob": f"blob:{ORIGIN}",
    "data": f"data:text/html,{ORIGIN}",
    "a trailing slash": f"{ORIGIN}/",
    "a path": f"{ORIGIN}/chat",
    "a query": f"{ORIGIN}?",
    "a fragment": f"{ORIGIN}#",
    "the default port": f"{ORIGIN}:443",
    "another port": f"{ORIGIN}:8443",
    "http's port": f"{ORIGIN}:80",
    "an empty port": f"{ORIGIN}:",
    "capitals": "https://APP.example.com",
    "a scheme in capitals": "HTTPS://app.example.com",
    "a trailing dot": f"{ORIGIN}.",
    "a user name": "https://app.example.com@evil.example",
    "a user name of theirs": "https://evil.example@app.example.com",
    "a password": "https://a:b@app.example.com",
    "their sub-domain": "https://app.example.com.evil.example",
    "a longer name": "https://myapp.example.com",
    "a longer name without dot": "https://xapp.example.com",
    "a longer ending": "https://app.example.community",
    "a sub-domain": "https://x.app.example.com",
    "the parent domain": "https://example.com",
    "a sibling": "https://app2.example.com",
    "an encoded dot": "https://app.example.com%2eevil.example",
    "an encoded end": "https://app.example.com%00.evil.example",
    "a backslash": "https://app.example.com\\.evil.example",
    "an underscore": "https://app.example.com_.evil.example",
    "a wildcard": "https://*.example.com",
    "brackets": "https://[app.example.com]",
    "loopback": "http://localhost",
    "loopback by number": "http://127.0.0.1:8000",
    "IPv6": "http://[::1]",
    "punycode": "https://xn--pp-7ka.example.com",
    "another alphabet": "https://аpp.example.com".encode().decode("latin-1"),  # noqa: RUF001
    "an umlaut": "https://äpp.example.com",
    "octets": "\xff\xfe",
    "a soft hyphen": "https://app\xad.example.com",
    "a no-break space": f"{ORIGIN}\xa0",
    "a second line": f"{ORIGIN}\r\nOrigin: https://evil.example",
    "a tab": f"{ORIGIN}\t",
    "a NUL": f"{ORIGIN}\x00",
    "a blank before": f" {ORIGIN}",
    "a list by blank": f"{ORIGIN} https://evil.example",
    "a list by comma": f"{ORIGIN}, https://evil.example",
    "a list from theirs": f"https://evil.example {ORIGIN}",
    "twice the same": f"{ORIGIN}, {ORIGIN}",
    "quotes": f'"{ORIGIN}"',
    "the trusted one's parent": "https://example.com",
    "the trusted one with a port": f"{TRUSTED}:443",
    "part of the own one": ORIGIN[:-1],
    "very long": ORIGIN + "a" * 100_000,
}  # fmt: skip


def asked(emulator: WorkOSEmulator, number_of_cookies: int = 1, **settings):
    """Return a function that says who a request is, and how often it has been asked."""
    seen: list = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(get_auth(HTTPConnection(scope)))
        await answer_briefly(scope, receive, send)

    authkit = service(emulator, trusted_origins=[TRUSTED], **settings)
    app = AuthKitMiddleware(application, authkit=authkit)
    cookies = [f"{SESSION}={signed_in_cookie(emulator)}" for _ in range(number_of_cookies)]
    cookie = ("cookie", "; ".join(cookies))

    async def ask(*origins: str, method: str | None = None, metadata: str | None = None):
        headers = [cookie, *(("origin", origin) for origin in origins)]
        headers += [("sec-fetch-site", metadata)] if metadata else []
        scope = http_scope(method, "/", headers) if method else websocket_scope("/", headers)
        await drive(app, scope)
        return seen.pop()

    return ask


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
async def test_websocket_with_an_origin_that_looks_like_ours_is_anonymous(emulator, origin):
    auth = await asked(emulator)(origin)
    assert auth.user is None
    assert auth.reason is SignedOutReason.UNTRUSTED_ORIGIN
    assert emulator.count() == 0  # not even looked into


@pytest.mark.parametrize("method", [None, "POST"], ids=["WebSocket", "POST"])
async def test_several_cookies_from_a_foreign_origin_are_not_looked_into(emulator, method):
    ask = asked(emulator, number_of_cookies=2, cookie_same_site="none")
    auth = await ask("https://evil.example", method=method)
    assert auth.reason is SignedOutReason.UNTRUSTED_ORIGIN
    assert emulator.count() == 0
    assert (await ask(method=method)).user is not None


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("method", ["POST", "DELETE", "get", "QUERY"])
async def test_unsafe_method_with_an_origin_that_looks_like_ours_is_anonymous(
    emulator, origin, method
):
    auth = await asked(emulator, cookie_same_site="none")(origin, method=method)
    assert auth.user is None
    assert auth.reason is SignedOutReason.UNTRUSTED_ORIGIN
    assert emulator.count() == 0


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
async def test_logout_without_metadata_from_an_origin_that_looks_like_ours_is_refused(
    emulator, origin
):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator)
    answer = await browser.post("/logout", [("origin", origin)])
    assert (answer.status, answer.set_cookies) == (403, {})
    assert browser.cookies == {SESSION: cookie}


@pytest.mark.parametrize(
    ("site_", "signed_in"),
    [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False),
     ("Same-Origin", False), ("same-origin, same-origin", False)],
)  # fmt: skip
async def test_form_of_a_page_without_referrer_is_known_by_its_fetch_metadata(
    emulator, site_, signed_in
):
    """Under `Referrer-Policy: no-referrer` browsers send ``Origin: null``, to us as well."""
    ask = asked(emulator, cookie_same_site="none")
    auth = await ask("null", method="POST", metadata=site_)
    assert (auth.user is not None) is signed_in


async def test_websocket_is_not_known_by_its_fetch_metadata(emulator):
    auth = await asked(emulator)("null", metadata="same-origin")
    assert auth.reason is SignedOutReason.UNTRUSTED_ORIGIN


TWO = {
    "ours first": (ORIGIN, "https://evil.example"),
    "ours last": ("https://evil.example", ORIGIN),
    "ours and none": (ORIGIN, "null"),
    "ours and an empty one": (ORIGIN, ""),
    "ours and a trusted one": (ORIGIN, TRUSTED),
    "ours twice": (ORIGIN, ORIGIN),
}


@pytest.mark.parametrize("origins", TWO.values(), ids=TWO)
async def test_two_origins_are_none_of_ours(emulator, origins):
    """A browser never sends two (RFC 6454, 7.3), so nobody can tell which one is meant."""
    assert (await asked(emulator)(*origins)).user is None
    ask = asked(emulator, cookie_same_site="none")
    assert (await ask(*origins, method="POST")).user is None
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.post("/logout", [("origin", origin) for origin in origins])
    assert (answer.status, answer.set_cookies) == (403, {})


@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        ("https://APP.Example.com/callback", ORIGIN),
        ("HTTPS://app.example.com:443/callback", ORIGIN),
        ("https://app.example.com:8443/callback", f"{ORIGIN}:8443"),
        ("http://[::1]:8000/callback", "http://[::1]:8000"),
        ("http://localhost:80/callback", "http://localhost"),
        ("https://xn--mnchen-3ya.example/callback", "https://xn--mnchen-3ya.example"),
    ],
)
async def test_own_origin_is_known_however_the_redirect_uri_is_spelt(
    emulator, redirect_uri, origin
):
    ask = asked(emulator, redirect_uri=redirect_uri, cookie_same_site="none")
    for accepted in (origin, TRUSTED):
        assert (await ask(accepted)).user.id == "user_ada"
        assert (await ask(accepted, method="POST")).user.id == "user_ada"
    assert (await ask(f"{origin}0")).user is None


async def test_host_and_forwarded_headers_make_no_origin_ours(emulator):
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(get_auth(HTTPConnection(scope)))
        await answer_briefly(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=service(emulator))
    headers = [
        ("cookie", f"{SESSION}={signed_in_cookie(emulator)}"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "same-origin"),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("sec-websocket-origin", ORIGIN),
    ]
    await drive(app, {**websocket_scope("/", headers), "server": ("evil.example", 443)})
    assert seen[0].reason is SignedOutReason.UNTRUSTED_ORIGIN


EMULATOR = WorkOSEmulator()
EMULATOR.add_user(email="ada@example.com", user_id="user_ada")
LIKE_OURS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(["https", "http", "://", "app", ".", "example", "com", ":", "443", "/", "@",
                         "evil", "null", " ", ",", "%2e", "[", "]", "\x00", "\r\n", "\xe4"])
    ),
)  # fmt: skip
ANY_TEXT = st.text(st.characters(max_codepoint=0xFF))


@given(LIKE_OURS | ANY_TEXT | ANY_TEXT.map(ORIGIN.__add__) | ANY_TEXT.map(lambda t: t + ORIGIN))
def test_no_origin_but_ours_counts_octet_for_octet(origin):
    async def ask_twice():
        ask = asked(EMULATOR, cookie_same_site="none")
        return [await ask(origin), await ask(origin, method="POST")]

    for auth in anyio.run(ask_twice):
        assert (auth.user is not None) == (origin in {ORIGIN, TRUSTED})
