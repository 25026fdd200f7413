"""Every `Authorization` header, alone and beside a cookie, before every kind of endpoint."""

from __future__ import annotations

import itertools

import pytest
from asgi_driver import FETCH, Answer, Browser
from asgi_site import SESSION, signed_in_cookie
from bearer_cases import (
    EXPIRED,
    HEADERS,
    MALFORMED,
    MISSING,
    REFUSED,
    TOKENS,
    UNAVAILABLE,
    VALID,
    Sent,
    sent,
    signed_out,
)
from bearer_site import GUARDS, WAYS, bearer_service, with_dependencies

pytestmark = pytest.mark.anyio

REALM = 'Bearer realm="authkit"'
ONE_HEADER = "Authorization has to be one header: Bearer, a space, and the token"
EITHER = ("/either", "/permission")
DENIALS = {
    MALFORMED: (
        400,
        "invalid_request",
        f'{REALM}, error="invalid_request", error_description="{ONE_HEADER}"',
    ),
    REFUSED: (
        401,
        "invalid_token",
        f'{REALM}, error="invalid_token", error_description="The access token is not valid"',
    ),
    EXPIRED: (
        401,
        "invalid_token",
        f'{REALM}, error="invalid_token", error_description="The access token has expired"',
    ),
    UNAVAILABLE: (503, "temporarily_unavailable", None),
}
CASES = [*TOKENS, *HEADERS, "signed out", "no signing keys"]


async def prepared(case, emulator, kit) -> tuple[Sent, str]:
    if case == "signed out":
        return await signed_out(emulator, kit), REFUSED
    if case == "no signing keys":
        header, _ = sent("of a client", emulator)
        emulator.fail("jwks", status=500, times=None)
        return header, UNAVAILABLE
    return sent(case, emulator)


def let_in(verdict: str, path: str, cookie: str | None) -> str | None:
    """Return who is let in, if anybody."""
    if verdict == VALID:
        return "token:user_ada"
    by_cookie = verdict == MISSING and path in EITHER and cookie is not None
    return f"session:{cookie}" if by_cookie else None


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
async def test_every_header_is_judged_by_itself(emulator, way, case):
    kit = bearer_service(emulator)
    browser = Browser(way(kit))
    header, verdict = await prepared(case, emulator, kit)
    for cookie, path in itertools.product((None, "user_ada"), GUARDS):
        browser.cookies = {SESSION: signed_in_cookie(emulator, cookie)} if cookie else {}
        known = None if cookie is None or verdict == UNAVAILABLE else cookie
        caller = let_in(verdict, path, cookie)
        for method in ("GET", "POST"):
            answer = await browser.request(method, path, [*FETCH, *header])
            assert_varies(answer, verdict, path, cookie)
            assert answer.set_cookies == {}
            assert_nothing_is_reflected(answer, header)
            if caller is None:
                assert_denied(answer, verdict, path)
            else:
                assert answer.status == 200
                found = f"{caller} " if way is with_dependencies else ""
                assert answer.text == f"{found}cookie:{known or 'nobody'}"


def assert_varies(answer: Answer, verdict: str, path: str, cookie: str | None) -> None:
    vary = {field.strip() for field in answer.headers["vary"].split(",")}
    assert "Authorization" in vary
    assert ("Cookie" in vary) == (cookie is not None or (verdict == MISSING and path in EITHER))


def assert_denied(answer: Answer, verdict: str, path: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert "location" not in answer.headers
    if verdict == MISSING:
        code = "not_signed_in" if path in EITHER else "bearer_token_missing"
        challenge = f"Cookie, {REALM}" if path in EITHER else REALM
        expected = (401, code, challenge)
    else:
        expected = DENIALS[verdict]
    status, code, challenge = expected
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers.get("www-authenticate") == challenge
    assert ("retry-after" in answer.headers) == (status == 503)


def assert_nothing_is_reflected(answer: Answer, header: Sent) -> None:
    everything = answer.text + repr(answer.start)
    for _, value in header:
        for part in value.replace(",", ".").replace(" ", ".").split("."):
            assert len(part) < 8 or part not in everything


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
async def test_websocket_is_denied_before_it_is_accepted(emulator, way, case):
    kit = bearer_service(emulator)
    browser = Browser(way(kit))
    header, verdict = await prepared(case, emulator, kit)
    for cookie, path in itertools.product((None, "user_ada"), GUARDS):
        browser.cookies = {SESSION: signed_in_cookie(emulator, cookie)} if cookie else {}
        answer = await browser.websocket(f"{path}/ws", header)
        closed = await browser.websocket(f"{path}/ws", header, denial=False)
        if let_in(verdict, path, cookie) is not None:
            assert answer.messages[0]["type"] == "websocket.accept"
            assert answer.set_cookies == {}
        else:
            assert_denied(answer, verdict, path)
            assert "Authorization" in answer.headers["vary"]
            assert [message["type"] for message in closed.messages] == ["websocket.close"]
            assert closed.messages[0]["code"] == 1008
