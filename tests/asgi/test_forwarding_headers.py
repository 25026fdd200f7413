"""Host, X-Forwarded-* and their kin steer nothing: with them all is as it is without."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser, Headers, drive, http_scope
from asgi_site import SESSION, begin, signed_in_cookie, site
from emulated import ORIGIN
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import require_signed_in
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

EVIL = "evil.example"
HEADERS: dict[str, Headers] = {
    "Host": [("host", EVIL)],
    "Host with a port": [("host", f"app.example.com:80@{EVIL}")],
    "Host twice": [("host", "app.example.com"), ("host", EVIL)],
    "Host that is empty": [("host", "")],
    "Host that is no host": [("host", "\\/'\"<>\xff")],
    "X-Forwarded-Host": [("x-forwarded-host", EVIL)],
    "X-Forwarded-Host list": [("x-forwarded-host", f"app.example.com, {EVIL}")],
    "X-Forwarded-Server": [("x-forwarded-server", EVIL)],
    "X-Forwarded-Proto": [("x-forwarded-proto", "http")],
    "X-Forwarded-Scheme": [("x-forwarded-scheme", "http"), ("x-scheme", "http")],
    "X-Forwarded-Ssl": [("x-forwarded-ssl", "off"), ("front-end-https", "off")],
    "X-Forwarded-Port": [("x-forwarded-port", "80")],
    "X-Forwarded-Prefix": [("x-forwarded-prefix", f"//{EVIL}"), ("x-script-name", "/app")],
    "X-Forwarded-Path": [("x-forwarded-path", "/static/x"), ("x-forwarded-uri", "/static/x")],
    "X-Forwarded-For": [("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1")],
    "Forwarded": [("forwarded", f"for=127.0.0.1;host={EVIL};proto=http;by=x")],
    "X-Original-URL": [("x-original-url", "/static/x")],
    "X-Original-URL to sign-out": [("x-original-url", "/logout"), ("x-rewrite-url", "/logout")],
    "X-Rewrite-URL": [("x-rewrite-url", "/callback?code=1&state=2")],
    "X-Original-Host": [("x-original-host", EVIL), ("x-host", EVIL), ("x-host-override", EVIL)],
    "X-HTTP-Method-Override": [("x-http-method-override", "POST"), ("x-method-override", "POST")],
    "X-HTTP-Method-Override to HEAD": [("x-http-method-override", "HEAD")],
    "Referer": [("referer", f"https://{EVIL}/app.example.com/")],
    "Origin of a Host": [("host", EVIL), ("origin", f"https://{EVIL}")],
    "all": [
        ("host", EVIL), ("x-forwarded-host", EVIL), ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/x"), ("forwarded", f"host={EVIL};proto=http"),
        ("x-original-url", "/static/x"), ("x-rewrite-url", "/static/x"),
    ],
}  # fmt: skip
# What the server itself knows of the connection, as ProxyHeadersMiddleware rewrites it.
SCOPES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "http scheme": {"scheme": "http"},
    "another server": {"server": (EVIL, 80), "scheme": "http"},
    "no server": {"server": None, "client": None},
}


async def guarded(request: Request) -> Response:
    return PlainTextResponse(require_signed_in(request).user.id)


def application(emulator: WorkOSEmulator) -> Starlette:
    routes = [Route("/me", guarded, methods=["GET", "POST"]), Route("/static/x", guarded)]
    return site(emulator, routes, skip=("/static",))


Call = Callable[[Browser, Headers, dict[str, Any]], Awaitable[Answer]]


def calling(method: str, target: str, own: Headers = NAVIGATION) -> Call:
    async def call(browser: Browser, headers: Headers, scope: dict[str, Any]) -> Answer:
        return await browser.request(method, target, [*own, *headers], **scope)

    return call


ANONYMOUS: dict[str, Call] = {
    "login": calling("GET", "/login?return_to=/who"),
    "sign-up": calling("GET", "/signup"),
    "callback without state": calling("GET", "/callback?code=1"),
    "callback of a stranger": calling("GET", "/callback?code=1&state=2"),
    "guard": calling("GET", "/me?a=1"),
    "guard of a form": calling("POST", "/me"),
    "guard of a fetch": calling("GET", "/me", FETCH),
    "sign-out": calling("POST", "/logout"),
}
SIGNED_IN: dict[str, Call] = {
    "guard": calling("GET", "/me"),
    "guard of a form": calling("POST", "/me"),
    "who": calling("GET", "/who"),
    "login": calling("GET", "/login"),
    "sign-out": calling("POST", "/logout?return_to=/bye"),
    "sign-out elsewhere": calling("POST", f"/logout?return_to=https://{EVIL}/"),
    "sign-out by a link": calling("GET", "/logout"),
    "sign-out from elsewhere": calling("POST", "/logout", [("sec-fetch-site", "cross-site")]),
}


def plain(answer: Answer) -> tuple[Any, ...]:
    """What an answer says, but for what is fresh each time: states, challenges and seals."""
    fresh = re.compile(r"Fe26\.2[*%0-9A-Za-z_.~-]+|(?<=code_challenge=)[\w-]+|[0-9a-f]{8}(?==)")
    headers = sorted((k.decode(), v.decode("latin-1")) for k, v in answer.start["headers"])
    return answer.status, [(k, fresh.sub("…", v)) for k, v in headers], answer.body


def assert_same(answer: Answer, expected: Answer) -> None:
    assert plain(answer) == plain(expected)
    sent = answer.body + b"".join(value for _, value in answer.start["headers"])
    if b"sessions/logout" not in sent:
        assert EVIL.encode() not in sent


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("call", ANONYMOUS.values(), ids=ANONYMOUS)
async def test_anonymous_request_is_answered_as_without_the_header(emulator, call, headers):
    app = application(emulator)
    expected = await call(Browser(app), [], {})
    for scope in SCOPES.values():
        assert_same(await call(Browser(app), headers, scope), expected)


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("call", SIGNED_IN.values(), ids=SIGNED_IN)
async def test_signed_in_request_is_answered_as_without_the_header(emulator, call, headers):
    app = application(emulator)
    session = signed_in_cookie(emulator)

    async def answered(more: Headers, scope: dict[str, Any]) -> Answer:
        browser = Browser(app)
        browser.cookies[SESSION] = session
        return await call(browser, more, scope)

    expected = await answered([], {})
    for scope in SCOPES.values():
        assert_same(await answered(headers, scope), expected)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_sign_in_is_finished_as_without_the_header(emulator, headers, scope):
    browser = Browser(application(emulator))
    target = await begin(browser, emulator, "/login?return_to=/who%3Fa=1")
    answer = await browser.get(target, [*NAVIGATION, *headers], **scope)
    assert (answer.status, answer.location) == (303, "/who?a=1")
    assert answer.set_cookies[SESSION].endswith("; HttpOnly; Secure; SameSite=Lax")
    assert "Domain" not in answer.set_cookies[SESSION]
    assert (await browser.get("/who", [*NAVIGATION, *headers], **scope)).json["user"] == "user_ada"


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_path_rules_look_at_the_path_that_is_served(emulator, headers):
    """`skip` names /static: no header makes another page one of those, nor takes one out."""
    browser = Browser(application(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    assert (await browser.get("/me", [*NAVIGATION, *headers])).text == "user_ada"
    assert emulator.count("authenticate") == 1


TARGETS = {
    "absolute": b"https://evil.example/me",
    "absolute, no path": b"https://evil.example",
    "network path": b"//evil.example/me",
    "backslash": b"/\\evil.example/me",
    "asterisk": b"*",
    "authority": b"evil.example:443",
    "nothing": b"",
}


@pytest.mark.parametrize("raw_path", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize(
    "referrer", [None, f"{ORIGIN}//{EVIL}/", f"{ORIGIN}/\\{EVIL}", f"{ORIGIN}@{EVIL}/"]
)
async def test_guard_of_any_request_target_brings_nobody_off_the_site(emulator, raw_path, referrer):
    browser = Browser(application(emulator))
    headers = [*NAVIGATION] if referrer is None else [*NAVIGATION, ("referer", referrer)]
    method = "GET" if referrer is None else "POST"
    answer = await browser.request(method, "/me", headers, raw_path=raw_path)
    assert answer.status == 303
    assert answer.location.startswith("/login")
    target = await begin(browser, emulator, answer.location)
    assert (await browser.get(target)).location in {"/", "/me"}


@pytest.mark.parametrize("host", [EVIL, f"app.example.com.{EVIL}", "app.example.com", ""])
@pytest.mark.parametrize("origin", [f"https://{EVIL}", f"https://app.example.com.{EVIL}"])
async def test_websocket_of_a_foreign_origin_is_anonymous_whatever_host_it_names(
    emulator, origin, host
):
    seen = []

    async def endpoint(scope, receive, send) -> None:
        seen.append(scope["state"]["auth"].user)
        await send({"type": "websocket.close"})

    app = site(emulator)
    app.router.default = endpoint
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    headers = [("origin", origin), ("host", host), ("x-forwarded-host", origin.partition("//")[2])]
    await browser.websocket("/socket", headers)
    assert seen == [None]


async def test_headers_do_not_make_another_sites_form_ours(emulator):
    """Under SameSite=None a form's origin is compared with the settings, not with its Host."""
    app = site(emulator, cookie_same_site="none")
    headers = [("host", EVIL), ("x-forwarded-host", EVIL), ("origin", f"https://{EVIL}")]
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator)}")
    answer = await drive(app, http_scope("POST", "/logout", [*headers, cookie]))
    assert (answer.status, answer.set_cookies) == (403, {})
