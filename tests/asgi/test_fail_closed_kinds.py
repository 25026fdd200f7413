"""Every kind of exception, at every seam: nobody is signed in by it and no cookie is touched."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging

import httpx
import pytest
import workos
from asgi_driver import (
    FETCH,
    Answer,
    Browser,
    answer_briefly,
    collect,
    drive,
    http_scope,
    receive_of,
)
from asgi_driver import websocket_scope as ws
from asgi_site import SESSION, begin, signed_in_cookie
from cryptography.hazmat.primitives.ciphers import Cipher
from emulated import http_clients, settings
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

import authkit_asgi.seal
from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, auth_routes, get_auth
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

SECRET = "a secret in an exception"


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError(SECRET)


ERRORS = [
    MemoryError(SECRET),
    RecursionError(SECRET),
    ExceptionGroup(SECRET, [ValueError(SECRET), TypeError(SECRET)]),
    StopAsyncIteration(SECRET),
    OSError(24, SECRET),
    TimeoutError(SECRET),
    asyncio.InvalidStateError(SECRET),
    AssertionError(SECRET),
    AttributeError(SECRET),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    SystemError(SECRET),
    httpx.InvalidURL(SECRET),
    httpx.DecodingError(SECRET),
    UnprintableError(),
]
# Not the package's own functions, but what these stand on. (One is: nothing can take the place
# of a method of cryptography's HMAC.)
SEAMS = {
    "key derivation": (authkit_asgi.seal, "_derive_key"),
    "MAC": (authkit_asgi.seal, "HMAC"),
    "comparison": (hmac, "compare_digest"),
    "decryption": (Cipher, "decryptor"),
    "signature": (RSAKey, "public_key"),
    "hash of a refresh token": (hashlib, "sha256"),
    "SDK": (workos.AsyncWorkOSClient, "request"),
    "HTTP request": (httpx.AsyncClient, "request"),
    "HTTP stream": (httpx.AsyncClient, "send"),
}
VALID_ONLY = {"signature"}
EXPIRED_ONLY = {"hash of a refresh token", "SDK", "HTTP request"}


class Site:
    """Notes who the application is told a request is from; its clock can be made to raise."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self.seen = seen = []
        self.clock_error: BaseException | None = None

        def clock() -> float:
            if self.clock_error is not None:
                raise self.clock_error
            return emulator._state.clock()

        authkit = AuthKit(
            AuthKitConfig(**settings()), http_client_factory=http_clients(emulator), clock=clock
        )

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(get_auth(HTTPConnection(scope)))
            await answer_briefly(scope, receive, send)

        self.app = AuthKitMiddleware(application, authkit=authkit)

    async def get(self, cookie: str):
        headers = [*FETCH, ("cookie", f"{SESSION}={cookie}")]
        answer = await drive(self.app, http_scope("GET", "/", headers))
        assert answer.set_cookies == {}
        return self.seen.pop()


def breaking(error: BaseException):
    def stand_in(*_args: object, **_kwargs: object) -> None:
        raise error

    return stand_in


def break_seam(patch: pytest.MonkeyPatch, seam: str, error: BaseException) -> None:
    holder, name = SEAMS[seam]
    stand_in = breaking(error)
    is_property = not callable(getattr(holder, name))
    patch.setattr(holder, name, property(stand_in) if is_property else stand_in)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("seam", SEAMS)
async def test_what_breaks_below_signs_nobody_in(emulator, monkeypatch, caplog, seam, error):
    caplog.set_level(logging.DEBUG)
    for lifetime in (None, -100):
        if seam in (EXPIRED_ONLY if lifetime is None else VALID_ONLY):
            continue
        site = Site(emulator)
        cookie = signed_in_cookie(emulator, lifetime=lifetime)
        with monkeypatch.context() as patch:
            break_seam(patch, seam, error)
            auth = await site.get(cookie)
        assert auth.user is None
        assert cookie not in caplog.text
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("authkit_asgi")]
        assert not any(SECRET in line for line in ours if not line.startswith("JWKS"))
        emulator._state.clock.now += 5
        headers = [*FETCH, ("cookie", f"{SESSION}={cookie}")]
        await drive(site.app, http_scope("GET", "/", headers))
        assert site.seen.pop().user.id == "user_ada"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_clock_that_breaks_signs_nobody_in_over_http_and_websockets(emulator, error):
    site = Site(emulator)
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator)}")
    site.clock_error = error
    for scope in (http_scope("GET", "/", [cookie]), http_scope("POST", "/", [cookie])):
        assert (await drive(site.app, scope)).set_cookies == {}
    await drive(site.app, ws("/", [cookie]))
    assert [auth.user for auth in site.seen] == [None] * 3
    assert {auth.reason for auth in site.seen} == {"temporarily_unavailable"}


ABORTS = [
    asyncio.CancelledError(),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    BaseExceptionGroup("several", [KeyboardInterrupt()]),
]


@pytest.mark.parametrize("abort", ABORTS, ids=lambda error: type(error).__name__)
async def test_aborting_is_passed_on_and_the_application_is_not_asked(emulator, abort):
    site = Site(emulator)
    cookie = signed_in_cookie(emulator)
    answer = Answer()
    scope = http_scope("GET", "/", [("cookie", f"{SESSION}={cookie}")])
    site.clock_error = abort
    with pytest.raises(type(abort)) as caught:
        await site.app(scope, receive_of(), collect(answer))
    assert caught.value is abort
    assert (answer.messages, site.seen) == ([], [])
    site.clock_error = None
    assert (await site.get(cookie)).user.id == "user_ada"


@pytest.mark.parametrize("lifetime", [None, -100])
async def test_exchange_or_fetch_that_is_cancelled_from_within_is_an_outage(
    emulator, monkeypatch, lifetime
):
    """A task that belongs to no request, cancelled by a library, must not cancel the request."""
    site = Site(emulator)
    cookie = signed_in_cookie(emulator, lifetime=lifetime)
    if lifetime is not None:
        await site.get(signed_in_cookie(emulator))  # the keys are there: it is the exchange's turn
    with monkeypatch.context() as patch:
        for name in ("request", "send"):
            patch.setattr(httpx.AsyncClient, name, breaking(asyncio.CancelledError()))
        auth = await site.get(cookie)
    assert (auth.user, auth.reason) == (None, "temporarily_unavailable")
    emulator._state.clock.now += 5
    headers = [("cookie", f"{SESSION}={cookie}")]
    await drive(site.app, http_scope("GET", "/", headers))
    assert site.seen.pop().user.id == "user_ada"


def site_with_routes(emulator: WorkOSEmulator) -> Browser:
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        clock=emulator._state.clock,
    )
    app = Starlette(routes=auth_routes())
    return Browser(AuthKitMiddleware(app, authkit=authkit))


CALLBACK_SEAMS = ["key derivation", "MAC", "comparison", "decryption", "signature", "SDK",
                  "HTTP request", "HTTP stream"]  # fmt: skip


class AbortError(BaseException):
    """Like KeyboardInterrupt, which asyncio would pass on past the test."""


@pytest.mark.parametrize("error", [*ERRORS, asyncio.CancelledError(), AbortError()],
                         ids=lambda error: type(error).__name__)  # fmt: skip
@pytest.mark.parametrize("seam", CALLBACK_SEAMS)
async def test_callback_under_which_something_breaks_signs_nobody_in(
    emulator, monkeypatch, seam, error
):
    browser = site_with_routes(emulator)
    target = await begin(browser, emulator)
    browser.cookies[SESSION] = before = signed_in_cookie(emulator, "user_bob")
    status = 500  # the server's answer to what gets through to it
    with monkeypatch.context() as patch, contextlib.suppress(type(error)):
        break_seam(patch, seam, error)
        status = (await browser.get(target)).status
    assert status >= 400
    assert browser.cookies[SESSION] == before
