"""Tokens that verify nowhere, in an authentic cookie and in a header: nobody, and no 5xx."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser, Headers
from asgi_site import SESSION, site
from emulated import PASSWORD, START
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import require_signed_in
from authkit_asgi.seal import seal

pytestmark = pytest.mark.anyio

USER = {"id": "user_ada", "email": "ada@example.com"}
CLAIMS = {"sub": "user_ada", "sid": "session_1", "exp": int(START) + 300}


def b64(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header: Any, claims: Any = CLAIMS, signature: bytes = bytes(256)) -> str:
    return f"{b64(header)}.{b64(claims)}.{b64(signature)}"


def hostile_tokens(kid: str) -> dict[str, str]:
    good = {"alg": "RS256", "kid": kid}
    return {
        "rubbish": "rubbish",
        "dots": "." * 2,
        "more dots": "." * 9_000,
        "lone surrogate": "\ud800.\ud800.\ud800",
        "control characters": "a\r\nSet-Cookie: x=1\r\n\r\n.b.c",
        "NUL": "\0.\0.\0",
        "signature of zeros": token(good),
        "no signature": token(good, signature=b""),
        "alg none": token({"alg": "none"}, signature=b""),
        "alg HS256": token({**good, "alg": "HS256"}),
        "crit": token({**good, "crit": ["exp"]}),
        "kid that is an address": token({**good, "kid": "https://evil.example/"}),
        "kid of control characters": token({**good, "kid": "\r\n\0\x1b[2J"}),
        "kid of a surrogate": token(b'{"alg":"RS256","kid":"\\ud800"}'),
        "header of no object": token([good]),
        "claims of no object": token(good, claims=[CLAIMS]),
        "deep header": token(b"[" * 5_000),
        "deep claims": token(good, claims=b'{"":' * 1_500),
        "huge integer": token(good, claims=b'{"exp":' + b"9" * 5_000 + b"}"),
        "broken UTF-8": token(b"\xff\xfe"),
        "five parts": token(good) + ".AAAA.AAAA",
        "as long as fits": "a" * 11_000,
    }


NAMES = list(hostile_tokens(""))


@pytest.fixture
def kid(emulator) -> str:
    return emulator._state.keys.current.kid


async def guarded(request: Request) -> Response:
    return PlainTextResponse(require_signed_in(request).user.id)


@pytest.fixture
def browser(emulator) -> Browser:
    return Browser(site(emulator, [Route("/guarded", guarded)]))


async def check_nobody(browser: Browser, headers: Headers, reason: str) -> None:
    answer = await browser.get("/who", headers)
    assert answer.status == 200
    assert json.loads(answer.text) == {"user": None, "reason": reason}
    assert answer.set_cookies == {}
    assert (await browser.get("/guarded", FETCH)).status == 401
    assert (await browser.get("/guarded", NAVIGATION)).status == 303


@pytest.mark.parametrize("name", NAMES)
async def test_cookie_with_a_hostile_token_is_nobodys_and_stays(
    browser, emulator, kid, caplog, name
):
    hostile = hostile_tokens(kid)[name]
    caplog.set_level(logging.DEBUG)
    cookie = seal({"accessToken": hostile, "user": USER}, PASSWORD)
    browser.cookies[SESSION] = cookie
    await check_nobody(browser, NAVIGATION, "invalid_jwt")
    assert browser.cookies[SESSION] == cookie
    assert emulator.count("authenticate") == 0
    assert emulator.count() == emulator.count("jwks") <= 2
    assert hostile not in caplog.text
    answer = await browser.post("/logout", FETCH)
    assert answer.status == 303
    assert SESSION not in browser.cookies


@pytest.mark.breaks_asgi("with CR, LF or NUL")
@pytest.mark.parametrize("name", NAMES)
async def test_header_with_a_hostile_token_is_nobodys_and_asks_nobody(browser, emulator, kid, name):
    hostile = hostile_tokens(kid)[name]
    octets = hostile.encode("utf-8", "surrogatepass").decode("latin-1")
    for scheme in ("Bearer", "bearer", "DPoP", "Basic"):
        headers = [*NAVIGATION, ("authorization", f"{scheme} {octets}")]
        await check_nobody(browser, headers, "no_session_cookie_provided")
    assert emulator.count() == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(min_size=1, max_size=200), header=st.binary(), claims=st.binary())
async def test_cookie_with_any_token_is_nobodys(browser, kid, text, header, claims):
    good = {"alg": "RS256", "kid": kid}
    for hostile in (text, token(header, claims), token(good, claims)):
        browser.cookies[SESSION] = seal({"accessToken": hostile, "user": USER}, PASSWORD)
        await check_nobody(browser, NAVIGATION, "invalid_jwt")
