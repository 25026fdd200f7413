"""Text of others in logs: what is not ours to word stands there escaped, or not at all."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote

import httpx
import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, begin, signed_in_cookie, site
from emulated import service
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

from authkit_asgi import AuthKit, AuthKitMiddleware, auth_routes
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

MARKER = "MARKER"
HOSTILE = {
    "a line end": f"\r\n2026-01-01 ERROR {MARKER}",
    "a line feed": f"\n{MARKER}",
    "a terminal's colours": f"\x1b[31m{MARKER}\x1b[0m",
    "a terminal's title": f"\x1b]0;{MARKER}\x07",
    "one-octet escapes": f"\x9b2J\x90{MARKER}\x9c",
    "a next line": f"\x85{MARKER}",
    "line separators": f"\u2028{MARKER}\u2029",
    "bidi overrides": f"\u202e{MARKER}\u202c",
    "bidi isolates": f"\u2066{MARKER}\u2069",
    "zero widths": f"\u200b\u200d\ufeff{MARKER}",
    "erasing": f"\x08\x08\x7f{MARKER}",
    "other ends": f"\x0b\x0c\x1c\x1d\x1e{MARKER}",
    "a NUL": f"\x00{MARKER}",
    "templates": f"%s %(x)s {{0}} ${{jndi:x}} {MARKER}",
    "tags": f"\U000e0041{MARKER}",
}
every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith("authkit_asgi.")]


def lines_of(caplog: pytest.LogCaptureFixture, *loggers: str) -> list[str]:
    """Return what these loggers of ours said, once nothing in the log can be mistaken."""
    for record in caplog.records:
        assert record.getMessage().isprintable(), record
    said = ours(caplog)
    assert {record.name for record in said} == {f"authkit_asgi.{name}" for name in loggers}
    assert all(record.exc_info is None and record.stack_info is None for record in said)
    return [record.getMessage() for record in said]


def check_silent(caplog: pytest.LogCaptureFixture, *loggers: str) -> list[str]:
    lines = lines_of(caplog, *loggers)
    assert not any(MARKER in line for line in lines)
    return lines


@every_text
async def test_query_of_a_callback_is_not_logged(emulator, caplog, text):
    browser = Browser(site(emulator, issuers=["http://localhost:9999"]))
    target = await begin(browser, emulator)
    cookies = dict(browser.cookies)
    odd = quote(text)
    for query in (
        f"&error={odd}&error_description={odd}&error_uri={odd}",
        f"&iss={odd}",
        f"&code={odd}",
        f"&{odd}={odd}",
    ):
        browser.cookies = dict(cookies)
        await browser.get(target.partition("&code=")[0] + query)
    for query in (f"state={odd}&code={odd}", f"error={odd}", f"code={odd}&{odd}", odd):
        await browser.get(f"/callback?{query}")
    browser.cookies = dict(cookies)
    await browser.get(target.partition("?")[0] + f"?code={odd}&{target.partition('?')[2]}")
    assert len(check_silent(caplog, "routes")) > 5


@every_text
@pytest.mark.breaks_asgi("is no header name", "with CR, LF or NUL", "upper case")
@pytest.mark.parametrize("path", ["/who", "/login", "/logout", "/callback"])
async def test_nothing_of_a_request_is_logged(emulator, caplog, path, text):
    browser = Browser(site(emulator))
    odd = text.encode().decode("latin-1")
    browser.cookies = {SESSION: odd, odd: odd, f"wos-auth-verifier-{'0' * 8}": odd}
    headers = [(name, odd) for name in ("host", "user-agent", "referer", "origin", "accept", odd)]
    for method in ("GET", "POST", odd):
        for metadata in (NAVIGATION, FETCH, ()):
            target = f"{path}?{quote(text)}={quote(text)}&return_to={quote(text)}"
            await browser.request(method, target, [*headers, *metadata])
    await browser.websocket(path, headers)
    lines_of(caplog, *({"routes"} if path == "/callback" else ()))
    assert MARKER not in caplog.text


def hostile_token(text: str, emulator: WorkOSEmulator, part: str) -> str:
    """Return an access token that is refused, or not, with hostile text in it."""
    if part == "the header":
        header = json.dumps({"alg": text, "kid": text}).encode()
        return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AAAA"
    claims = {"sub": "user_ada", "sid": text, "exp": 4_000_000_000}
    if part == "a claim":
        return emulator.mint_access_token({**claims, "iss": text, "client_id": text, text: text})
    if part == "a claim's type":
        return emulator.mint_access_token({**claims, "org_id": [text]})
    return text


@every_text
@pytest.mark.parametrize("part", ["the header", "a claim", "a claim's type", "the whole"])
async def test_answer_of_a_refresh_is_not_logged(emulator, caplog, part, text):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    answer = emulator.sign_in("user_ada")
    answer["access_token"] = hostile_token(text, emulator, part)
    emulator.fail("authenticate", status=200, body=answer)
    assert (await browser.get("/who")).json["user"] is None
    (line,) = check_silent(caplog, "exchange")
    assert line.startswith("Unavailable: refresh of session 'session_")
    assert "' of user 'user_ada' (temporarily_unavailable): WorkOS's answer cannot be" in line


@every_text
@pytest.mark.parametrize("status", [400, 403, 404, 408, 500])
async def test_words_of_workos_are_logged_if_they_are_words(emulator, caplog, status, text):
    words = {"error_description": text, "message": text, "errors": [text], text: text}
    for name in ("error", "code"):
        browser = Browser(site(emulator))
        browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
        emulator.fail("authenticate", status=status, body={**words, name: text})
        assert (await browser.get("/who")).json["reason"] == "temporarily_unavailable"
        emulator.fail("authenticate", status=status, body={"error": text, **words, name: "ok_word"})
        await browser.get("/who")
    lines = check_silent(caplog, "exchange")
    assert len(lines) == 4
    denied = [line for line in lines if line.startswith("Denied: refresh of session 'session_")]
    assert [line.partition("' of user 'user_ada' (")[2] for line in denied] == (
        ["ok_word)"] * len(denied)
    )
    assert bool(denied) == (status in {400, 404})


@every_text
async def test_callback_whose_exchange_fails_logs_nothing_of_workos(emulator, caplog, text):
    browser = Browser(site(emulator))
    words = {"error": text, "code": text}
    for status, body in ((400, words), (200, {"access_token": text}), (200, text.encode())):
        emulator.fail("authenticate", status=status, body=body)
        assert (await browser.get(await begin(browser, emulator))).status == 502
    assert len(check_silent(caplog, "routes")) == 3


@every_text
async def test_key_server_is_quoted_escaped(emulator, caplog, text):
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError(text)

    authkit = AuthKit(
        service(emulator).config,
        http_client_factory=lambda: httpx.AsyncClient(transport=httpx.MockTransport(fail)),
        clock=emulator._state.clock,
    )
    app = Starlette(
        routes=auth_routes(), middleware=[Middleware(AuthKitMiddleware, authkit=authkit)]
    )
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    await browser.get("/")
    (line,) = lines_of(caplog, "jwks")
    assert repr(text) in line


@every_text
async def test_key_set_is_not_quoted(emulator, caplog, text):
    for body in (text.encode(), json.dumps({text: text}), json.dumps({"keys": [{text: text}]})):
        browser = Browser(site(emulator))
        browser.cookies[SESSION] = signed_in_cookie(emulator)
        emulator.fail("jwks", status=200, body=body, content_type="application/json")
        assert (await browser.get("/who")).json["reason"] == "temporarily_unavailable"
    assert len(check_silent(caplog, "jwks")) == 3


@every_text
async def test_session_too_large_is_logged_without_what_is_in_it(emulator, caplog, text):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.update_user("user_ada", first_name=text, metadata={text: (text * 4000)[:6000]})
    assert (await browser.get("/who")).status == 500
    lines = check_silent(caplog, *{record.name[13:] for record in ours(caplog)})
    assert lines[-1].startswith("session_too_large: The ")
    # One that fits into a seal, but not into a cookie, has been refreshed all the same.
    assert [line[:19] for line in lines[:-1]] == ["Refreshed session '", "Large: a session co"]


@every_text
async def test_load_that_breaks_is_logged_without_what_broke_it(emulator, caplog, text):
    def clock() -> float:
        raise RuntimeError(text)

    authkit = AuthKit(service(emulator).config, clock=clock)
    browser = Browser(AuthKitMiddleware(site(emulator), authkit=authkit))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    await browser.get("/who")
    assert check_silent(caplog, "middleware") == ["Loading a session failed with RuntimeError"]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1).map(lambda text: MARKER + text))
async def test_any_error_of_a_callback_stays_out_of_the_log(emulator, caplog, text):
    caplog.clear()
    browser = Browser(site(emulator))
    target = await begin(browser, emulator)
    odd = quote(text, errors="replace")
    await browser.get(f"{target.partition('&code=')[0]}&error={odd}")
    (line,) = check_silent(caplog, "routes")
    assert "(authorization_denied)" in line
