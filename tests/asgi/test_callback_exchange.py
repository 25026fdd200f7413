"""The exchange at /callback: what is sent for a hostile code, and what a hostile answer brings."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asgi_driver import Answer, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, sign_in, site, who
from emulated import API, PASSWORD, START, settings
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, auth_routes
from authkit_asgi.seal import unseal
from authkit_asgi.testing import HTML_PAGE, WorkOSEmulator

pytestmark = pytest.mark.anyio

STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})
TOKEN_PATH = "/user_management/authenticate"


class Wire(httpx.AsyncBaseTransport):
    """The way to the emulator, which remembers what went over it."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self.requests: list[httpx.Request] = []
        self._transport = httpx.ASGITransport(emulator.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._transport.handle_async_request(request)

    @property
    def exchanges(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path == TOKEN_PATH]


def watched_site(emulator: WorkOSEmulator, wire: Wire) -> Starlette:
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=wire),
        clock=emulator._state.clock,
    )
    return Starlette(
        routes=[Route("/who", who), *auth_routes()],
        middleware=[Middleware(AuthKitMiddleware, authkit=authkit)],
    )


CODES = ["x\r\nX-Injected: 1", "x\n", "\x00", "\x7f", "\t", " ", '","code_verifier":"', '"}', "\\",
         "x&code_verifier=y", "../..", "é", "日本", "\u2028", "\U0001f600", "\ufffd", "x" * 100_000,
         "null", "{}", "%00", "a+b"]  # fmt: skip


@pytest.mark.parametrize("code", CODES, ids=lambda code: repr(code)[:16])
async def test_hostile_code_is_sent_as_it_is_and_nothing_besides(emulator, clock, code):
    wire = Wire(emulator)
    browser = Browser(watched_site(emulator, wire))
    state = query_of(await begin(browser, emulator))["state"]
    answer = await browser.get(f"/callback?code={quote(code, safe='')}&state={state}")
    assert (answer.status, browser.cookies) == (400, {})
    (request,) = wire.exchanges
    assert (request.method, str(request.url)) == ("POST", API + TOKEN_PATH)
    assert "x-injected" not in request.headers
    assert json.loads(request.content) == {
        "client_id": "client_emulator",
        "client_secret": "sk_test_emulator",
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": unseal(state, PASSWORD, clock=clock)["codeVerifier"],
    }


def secrets_of(browser: Browser, target: str, clock: Any) -> set[str]:
    query = query_of(target)
    verifier = unseal(query["state"], PASSWORD, clock=clock)["codeVerifier"]
    return {query["code"], query["state"], verifier, PASSWORD, "sk_test_emulator", "secret-marker"}


def assert_nothing_gained(browser: Browser, answer: Answer, secrets: set[str], log: str) -> None:
    assert SESSION not in answer.set_cookies
    assert [name for name in browser.cookies if name.startswith(VERIFIER)] == []
    assert answer.headers["referrer-policy"] == "no-referrer"
    shown = answer.text + repr(answer.headers) + log
    assert [secret for secret in secrets if secret in shown] == []


MARKED = '{"error": "secret-marker", "error_description": "secret-marker"}'
BACK = {"Location": API + TOKEN_PATH}
AWAY = {"Location": "https://evil.example/secret-marker"}
ANSWERS: dict[str, tuple[int, dict[str, Any]]] = {
    **{f"{status} back": (502, {"status": status, "headers": BACK})
       for status in (300, 301, 302, 303, 304, 307, 308)},
    **{f"{status} away": (502, {"status": status, "headers": AWAY}) for status in (301, 307, 308)},
    "201 without a body": (502, {"status": 201, "body": b""}),
    "204": (502, {"status": 204, "body": b""}),
    "206 of HTML": (502, {"status": 206, "body": HTML_PAGE}),
    "400 without a reason": (502, {"status": 400, "body": b""}),
    "400 of HTML": (502, {"status": 400, "body": HTML_PAGE}),
    "400 with a reason that is no word": (502, {"status": 400, "body": MARKED}),
    "400 with a list": (502, {"status": 400, "body": ["secret-marker"]}),
    "404 of HTML": (502, {"status": 404, "body": HTML_PAGE}),
    "418": (502, {"status": 418, "body": b"secret-marker"}),
    "500 with a verdict": (502, {"status": 500, "body": {"error": "invalid_grant"}}),
    "599": (502, {"status": 599, "body": MARKED}),
    "5 MB of HTML": (502, {"body": "<p>" + "secret-marker" * 400_000}),
    "5 MB of JSON": (502, {"body": {"user": {}, "x": "secret-marker" * 400_000}}),
    "5 MB of HTML with 500": (502, {"status": 500, "body": "<p>" + "x" * 5_000_000}),
    "JSON nested without end": (502, {"body": b"[" * 200_000}),
    "JSON nested deep": (502, {"body": b'{"a":' * 50_000 + b"1" + b"}" * 50_000}),
    "JSON with a number without end": (502, {"body": b'{"user": ' + b"9" * 10_000 + b"}"}),
    "JSON that stops": (502, {"body": b'{"access_token": "secret-marker", "refresh'}),
    "JSON twice": (502, {"body": b'{"access_token": "secret-marker"}{}'}),
    "NaN": (502, {"body": b"NaN"}),
    "true": (502, {"body": b"true"}),
    "text": (502, {"body": b'"secret-marker"'}),
    "UTF-16": (502, {"body": '{"access_token": "x"}'.encode("utf-16")}),
    "invalid UTF-8": (502, {"body": b'{"access_token": "\xff"}'}),
    "gzip that is none": (502, {"body": b"secret-marker", "headers": {"Content-Encoding": "gzip"}}),
    "a length that is none": (502, {"status": 503, "headers": {"Retry-After": "9" * 5_000}}),
    "no time to retry": (502, {"status": 503, "headers": {"Retry-After": "-1, secret-marker"}}),
    "a cookie": (502, {"status": 500, "headers": {"Set-Cookie": f"{SESSION}=secret-marker"}}),
    "refused": (400, {"status": 400, "body": {"error": "invalid_grant",
                                              "error_description": "<b>secret-marker"}}),
}  # fmt: skip


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
async def test_hostile_answer_signs_nobody_in_and_shows_nothing(
    emulator, clock, caplog, case, signed_in
):
    status, fault = case
    wire = Wire(emulator)
    browser = Browser(watched_site(emulator, wire))
    if signed_in:
        await sign_in(browser, emulator, user="bob")
    before = browser.cookies.get(SESSION)
    target = await begin(browser, emulator)
    secrets = secrets_of(browser, target, clock)
    emulator.fail("authenticate", **fault)
    wire.requests.clear()
    caplog.clear()  # of the emulated browser's own lines
    with caplog.at_level(logging.DEBUG):
        answer = await browser.get(target)
    assert answer.status == status
    assert_nothing_gained(browser, answer, secrets, caplog.text)
    assert [str(request.url) for request in wire.requests if "jwks" not in request.url.path] == [
        API + TOKEN_PATH  # once, and nowhere else
    ]
    assert browser.cookies.get(SESSION) == before
    assert (await browser.get("/who")).json["user"] == ("user_bob" if signed_in else None)


def forged(emulator: WorkOSEmulator, key: Any = "current", header: Any = None, **changes: Any):
    """An answer for Ada whose token has other claims; `None` leaves one out."""
    claims = {
        "iss": emulator.issuer, "sub": "user_ada", "sid": "session_1",
        "iat": int(START), "exp": int(START) + 300, **changes,
    }  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    token = emulator.mint_access_token(kept, key=key, header=header)
    return {**emulator.sign_in("user_ada"), "access_token": token}


def unsigned(emulator: WorkOSEmulator) -> dict[str, Any]:
    answer = emulator.sign_in("user_ada")
    _, payload, _ = answer["access_token"].split(".")
    return {**answer, "access_token": f"eyJhbGciOiJub25lIn0.{payload}."}


def with_spoilt_signature(emulator: WorkOSEmulator) -> dict[str, Any]:
    answer = emulator.sign_in("user_ada")
    start, _, signature = answer["access_token"].rpartition(".")
    return {**answer, "access_token": f"{start}.{signature[::-1]}"}


TOKENS = {
    "another user's": lambda emulator: forged(emulator, sub="user_bob"),
    "nobody's": lambda emulator: forged(emulator, sub=None),
    "an empty subject": lambda emulator: forged(emulator, sub=""),
    "without a session": lambda emulator: forged(emulator, sid=None),
    "without an end": lambda emulator: forged(emulator, exp=None),
    "expired": lambda emulator: forged(emulator, exp=int(START) - 11),
    "not yet valid": lambda emulator: forged(emulator, nbf=int(START) + 61),
    "another client's": lambda emulator: forged(emulator, client_id="client_other"),
    "a stranger's signature": lambda emulator: forged(emulator, key=STRANGER),
    "a stranger's signature under our key's name": lambda emulator: forged(
        emulator, key=STRANGER, header={"kid": emulator.jwks["keys"][0]["kid"]}
    ),
    "critical header": lambda emulator: forged(emulator, header={"crit": ["x"], "x": 1}),
    "no signature": unsigned,
    "a spoilt signature": with_spoilt_signature,
    "another user beside it": lambda emulator: (
        emulator.sign_in("user_ada") | {"user": emulator.sign_in("user_bob")["user"]}
    ),
    "a user whose id is empty": lambda emulator: (
        emulator.sign_in("user_ada") | {"user": {"id": "", "email": "a@example.com"}}
    ),
    "tokens that are no text": lambda emulator: (
        emulator.sign_in("user_ada") | {"refresh_token": ["x"]}
    ),
}


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("forge", TOKENS.values(), ids=TOKENS)
async def test_token_that_is_not_the_users_signs_nobody_in(
    emulator, clock, caplog, forge, signed_in
):
    browser = Browser(site(emulator))
    if signed_in:
        await sign_in(browser, emulator, user="bob")
    before = browser.cookies.get(SESSION)
    target = await begin(browser, emulator)
    secrets = secrets_of(browser, target, clock)
    body = forge(emulator)
    secrets |= set(str(body["access_token"]).split(".")[1:2]) | {str(body["refresh_token"])}
    emulator.fail("authenticate", body=body)
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        answer = await browser.get(target)
    assert answer.status == 502
    assert_nothing_gained(browser, answer, secrets, caplog.text)
    assert browser.cookies.get(SESSION) == before
    assert (await browser.get("/who")).json["user"] == ("user_bob" if signed_in else None)
