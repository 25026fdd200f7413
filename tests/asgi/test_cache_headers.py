"""Caches: which responses a shared cache may not give to somebody else, and which are let be."""

from __future__ import annotations

import pytest
from asgi_driver import Answer, drive, http_scope
from asgi_site import SESSION, signed_in_cookie
from emulated import service
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, get_auth, get_session
from authkit_asgi.testing import WorkOSEmulator

# Header names in upper case are against ASGI; applications send them, and servers let them pass.
pytestmark = [pytest.mark.anyio, pytest.mark.breaks_asgi("not in lower case")]

Header = tuple[str, str]
ETAG = ("ETag", '"1"')
MODIFIED = ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")
PUBLIC = ("Cache-Control", "public, max-age=60")
OWN = ("cache-control", "max-age=60")
VARY = ("vary", "Cookie")
NO_STORE = ("cache-control", "private, no-store")
NO_CACHE = ("cache-control", "private, no-cache")


async def answer_of(
    emulator: WorkOSEmulator, headers: list[Header], *, cookie: str | None, consult: str = ""
) -> Answer:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if consult == "auth":
            get_auth(Request(scope))
        elif consult == "session":
            get_session(Request(scope))
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": b""})

    app = AuthKitMiddleware(application, authkit=service(emulator))
    sent = [] if cookie is None else [("cookie", f"{SESSION}={cookie}")]
    return await drive(app, http_scope("GET", "/", sent))


def pairs(answer: Answer) -> list[Header]:
    """The headers in the order in which they came, but for Set-Cookie."""
    decoded = [(name.decode(), value.decode()) for name, value in answer.start["headers"]]
    return [pair for pair in decoded if pair[0] != "set-cookie"]


# What the application sends, and what becomes of it when a cookie is set, when one was carried,
# when somebody asked who it is, and when nothing of it happened.
TABLE: dict[str, tuple[list[Header], list[Header], list[Header], list[Header]]] = {
    "nothing": ([], [NO_STORE, VARY], [NO_STORE, VARY], [VARY]),
    "own": ([OWN], [NO_STORE, VARY], [OWN, VARY], [OWN, VARY]),
    "public": ([PUBLIC], [NO_STORE, VARY], [PUBLIC, VARY], [PUBLIC, VARY]),
    "etag": ([ETAG], [ETAG, NO_STORE, VARY], [ETAG, NO_CACHE, VARY], [ETAG, VARY]),
    "modified": (
        [MODIFIED],
        [MODIFIED, NO_STORE, VARY],
        [MODIFIED, NO_CACHE, VARY],
        [MODIFIED, VARY],
    ),
    "etag and own": (
        [ETAG, OWN],
        [ETAG, NO_STORE, VARY],
        [ETAG, OWN, VARY],
        [ETAG, OWN, VARY],
    ),
    "two own": (
        [OWN, PUBLIC],
        [NO_STORE, VARY],
        [OWN, PUBLIC, VARY],
        [OWN, PUBLIC, VARY],
    ),
}


@pytest.mark.parametrize(("sent", "with_cookie", "_c", "_a"), TABLE.values(), ids=TABLE)
async def test_response_that_sets_a_cookie_is_never_stored(emulator, sent, with_cookie, _c, _a):
    cookie = signed_in_cookie(emulator, lifetime=-100)
    answer = await answer_of(emulator, sent, cookie=cookie)
    assert answer.set_cookies.keys() == {SESSION}
    assert pairs(answer) == with_cookie


@pytest.mark.parametrize("worth", ["signed in", "rubbish"])
@pytest.mark.parametrize("consult", ["", "auth"])
@pytest.mark.parametrize(("sent", "_s", "carried", "_a"), TABLE.values(), ids=TABLE)
async def test_response_to_a_request_with_our_cookie_is_private(
    emulator, sent, _s, carried, _a, consult, worth
):
    cookie = signed_in_cookie(emulator) if worth == "signed in" else "rubbish"
    answer = await answer_of(emulator, sent, cookie=cookie, consult=consult)
    assert answer.set_cookies == {}
    assert pairs(answer) == carried


@pytest.mark.parametrize("consult", ["auth", "session"])
@pytest.mark.parametrize(("sent", "_s", "_c", "consulted"), TABLE.values(), ids=TABLE)
async def test_response_for_which_auth_was_asked_varies(emulator, sent, _s, _c, consulted, consult):
    answer = await answer_of(emulator, sent, cookie=None, consult=consult)
    assert pairs(answer) == consulted


@pytest.mark.parametrize(("sent", "_s", "_c", "_a"), TABLE.values(), ids=TABLE)
async def test_response_that_is_none_of_our_business_keeps_its_headers(emulator, sent, _s, _c, _a):
    answer = await answer_of(emulator, sent, cookie=None)
    assert pairs(answer) == sent


VARIES = {
    "none": ([], [VARY]),
    "another": ([("Vary", "Accept")], [("Vary", "Accept, Cookie")]),
    "cookie": ([("Vary", "Cookie")], [("Vary", "Cookie")]),
    "lower case": ([("vary", "accept, cookie")], [("vary", "accept, cookie")]),
    "alike": ([("vary", "X-Cookie")], [("vary", "X-Cookie, Cookie")]),
    "star": ([("vary", "*")], [("vary", "*")]),
    "star among others": ([("vary", "Accept, *")], [("vary", "Accept, *")]),
    "two lines": (
        [("vary", "Accept"), ("vary", "Origin")],
        [("vary", "Accept"), ("vary", "Origin, Cookie")],
    ),
    "cookie in the first": (
        [("vary", "Cookie"), ("vary", "Origin")],
        [("vary", "Cookie"), ("vary", "Origin")],
    ),
    "star in the second": (
        [("vary", "Accept"), ("VARY", "*")],
        [("vary", "Accept"), ("VARY", "*")],
    ),
    "empty": ([("Vary", "")], [("Vary", "Cookie")]),
    "blank": ([("vary", " ")], [VARY]),
}


@pytest.mark.parametrize(("sent", "merged"), VARIES.values(), ids=VARIES)
async def test_vary_is_merged(emulator, sent, merged):
    answer = await answer_of(emulator, sent, cookie=None, consult="auth")
    assert pairs(answer) == merged


async def test_another_cookie_is_none_of_our_business(emulator):
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    app = AuthKitMiddleware(application, authkit=service(emulator))
    cookie = ("cookie", f"x{SESSION}=1; {SESSION}x=2; {SESSION}")
    assert (await drive(app, http_scope("GET", "/", [cookie]))).headers == {}
