"""A session sealed with an older password, or by workos-python, is sealed anew on its way out."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, site
from emulated import PASSWORD, sealed, service
from outdated import ROTATING, WRITERS
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi.session import session_from_answer, unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("writer", WRITERS)]

WHO = {"user": "user_ada", "organization": "org_acme"}


def browser_with(emulator: WorkOSEmulator, cookie: str, *routes: Any, **changes: Any) -> Browser:
    browser = Browser(site(emulator, routes, **{**ROTATING, **changes}))
    browser.cookies[SESSION] = cookie
    return browser


async def test_next_response_brings_the_session_sealed_anew_and_the_one_after_nothing(
    emulator, writer
):
    answer = emulator.sign_in("user_ada", impersonator={"email": "eve@workos.com"})
    browser = browser_with(emulator, WRITERS[writer](answer))
    first = await browser.get("/who")
    assert (first.json, first.set_cookies.keys()) == (WHO, {SESSION})
    assert first.set_cookies[SESSION].endswith(
        "; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    )
    assert first.headers["cache-control"] == "private, no-store"
    renewed = unseal_session(browser.cookies[SESSION], PASSWORD)  # the newest, and no other
    expected = session_from_answer(answer)
    assert (renewed.access_token, renewed.refresh_token) == (
        answer["access_token"], answer["refresh_token"],
    )  # fmt: skip
    assert (renewed.user_json, renewed.impersonator) == (expected.user_json, expected.impersonator)
    second = await browser.get("/who")
    assert (second.json, second.set_cookies) == (WHO, {})
    only_new = browser_with(
        emulator, browser.cookies[SESSION], cookie_password_previous=(), legacy_fernet_key=()
    )
    third = await only_new.get("/who")
    assert (third.json, third.set_cookies) == (WHO, {})
    assert emulator.count("authenticate") == 0


async def test_websocket_takes_the_session_sealed_anew_along(emulator, writer):
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.state.auth.user.id)
        await websocket.close()

    cookie = WRITERS[writer](emulator.sign_in("user_ada"))
    browser = browser_with(emulator, cookie, WebSocketRoute("/greet", greet))
    answer = await browser.websocket("/greet")
    assert answer.messages[1]["text"] == "user_ada"
    assert unseal_session(browser.cookies[SESSION], PASSWORD).user_id == "user_ada"


async def test_cookie_in_quotes_is_sealed_anew(emulator, writer):
    """Python's frameworks put a value in quotes when it holds an equals sign."""
    cookie = WRITERS[writer](emulator.sign_in("user_ada"))
    answer = await browser_with(emulator, f'"{cookie}"').get("/who")
    assert (answer.json, answer.set_cookies.keys()) == (WHO, {SESSION})


async def test_session_of_another_application_is_left_to_it(emulator, writer):
    cookie = WRITERS[writer](emulator.sign_in("user_ada"))
    answer = await browser_with(emulator, cookie, refresh="never").get("/who")
    assert (answer.json, answer.set_cookies) == (WHO, {})


async def test_routes_of_ours_leave_the_session_as_it_is(emulator, writer):
    browser = browser_with(emulator, WRITERS[writer](emulator.sign_in("user_ada")))
    begun = await browser.get("/login")
    assert [name[: len(VERIFIER)] for name in begun.set_cookies] == [VERIFIER]
    for target in ("/callback?state=x&code=y", "/logout"):
        answer = await browser.get(target, [*NAVIGATION[:3], ("sec-fetch-site", "cross-site")])
        assert SESSION not in answer.set_cookies
    signed_out = await browser.post("/logout")
    assert "session_id=" in signed_out.location
    assert SESSION not in browser.cookies


@pytest.mark.parametrize("fault", ["foreign user", "spoilt token"])
async def test_session_that_signs_nobody_in_is_not_sealed_anew(emulator, writer, fault):
    answer = emulator.sign_in("user_ada")
    if fault == "foreign user":
        answer["user"] = emulator.sign_in("user_bob")["user"]
    else:
        emulator.fail("authenticate", status=503)
        answer["access_token"] = answer["access_token"][:-8] + "AAAAAAAA"
    browser = browser_with(emulator, WRITERS[writer](answer))
    refused = await browser.get("/who")
    assert (refused.json["user"], refused.set_cookies) == (None, {})


async def test_expired_session_is_exchanged_and_sealed_with_the_newest_password(emulator, writer):
    answer = emulator.sign_in("user_ada", lifetime=-100)
    browser = browser_with(emulator, WRITERS[writer](answer))
    assert (await browser.get("/who")).json == WHO
    renewed = unseal_session(browser.cookies[SESSION], PASSWORD)
    assert renewed.refresh_token != answer["refresh_token"]
    assert (await browser.get("/who")).set_cookies == {}


async def test_outage_keeps_the_cookie_of_an_expired_session(emulator, writer):
    cookie = WRITERS[writer](emulator.sign_in("user_ada", lifetime=-100))
    browser = browser_with(emulator, cookie)
    emulator.fail("authenticate", status=503)
    answer = await browser.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("temporarily_unavailable", {})
    assert (await browser.get("/who")).json == WHO


async def test_refused_session_is_deleted_in_its_time_and_not_sealed_anew(emulator, writer):
    cookie = WRITERS[writer](emulator.sign_in("user_ada", lifetime=-100))
    authkit = service(emulator, **ROTATING)
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    for is_dead in (False, True):
        loaded = await authkit.load([cookie])
        assert (loaded.is_dead, loaded.is_outdated) == (is_dead, False)
        emulator._state.clock.now += 60


async def test_signing_keys_out_of_reach_keep_the_cookie(emulator, writer):
    emulator.fail("jwks", status=503)
    browser = browser_with(emulator, WRITERS[writer](emulator.sign_in("user_ada")))
    answer = await browser.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("temporarily_unavailable", {})


@pytest.mark.parametrize(
    ("buffer", "seconds", "is_written"),
    [
        (None, 24, True),
        (None, 25, False),  # a successor's outcome may be forgotten by the time it arrives
        (None, 270, False),  # 30 s before its end a token of 5 minutes is renewed
        (None, 400, False),
        (0, 300, False),
    ],
)
async def test_slow_answer_writes_no_token_that_is_about_to_be_renewed(
    emulator, writer, buffer, seconds, is_written
):
    async def slow(_: Request) -> Response:
        emulator._state.clock.now += seconds
        return PlainTextResponse("done")

    cookie = WRITERS[writer](emulator.sign_in("user_ada"))
    browser = browser_with(emulator, cookie, Route("/slow", slow), refresh_buffer=buffer)
    assert ((await browser.get("/slow")).set_cookies != {}) is is_written


@pytest.mark.parametrize(("lifetime", "is_written"), [(50, True), (45, False)])
async def test_answer_during_which_the_time_to_renew_begins_writes_nothing(
    emulator, writer, lifetime, is_written
):
    """It is renewed in the second half of its life; 24 s are not too slow by themselves."""

    async def slow(_: Request) -> Response:
        emulator._state.clock.now += 24
        return PlainTextResponse("done")

    cookie = WRITERS[writer](emulator.sign_in("user_ada", lifetime=lifetime))
    browser = browser_with(emulator, cookie, Route("/slow", slow))
    assert ((await browser.get("/slow")).set_cookies != {}) is is_written
    assert emulator.count("authenticate") == 0


@pytest.mark.parametrize("outcome", ["copies", "old and new", "new and old"])
async def test_doubled_cookies_are_sealed_anew_until_one_is(emulator, writer, outcome):
    answer = emulator.sign_in("user_ada")
    old, new = WRITERS[writer](answer), sealed(answer)
    values = {"copies": (old, old), "old and new": (old, new), "new and old": (new, old)}[outcome]
    browser = browser_with(emulator, f"{values[0]}; {SESSION}={values[1]}")
    got = await browser.get("/who")
    assert got.json == WHO
    assert got.set_cookies.keys() == ({SESSION} if outcome == "copies" else set())


async def test_of_doubled_cookies_the_newer_token_is_sealed_anew(emulator, clock, writer):
    current = sealed(emulator.sign_in("user_ada"))
    clock.now += 5
    newer = emulator.sign_in("user_ada", "org_globex")
    browser = browser_with(emulator, f"{current}; {SESSION}={WRITERS[writer](newer)}")
    assert (await browser.get("/who")).json["organization"] == "org_globex"
    written = unseal_session(browser.cookies[SESSION], PASSWORD)
    assert written.access_token == newer["access_token"]


async def test_cookies_of_two_users_are_left_as_they_are(emulator, writer):
    ada, bob = (WRITERS[writer](emulator.sign_in(user)) for user in ("user_ada", "user_bob"))
    answer = await browser_with(emulator, f"{ada}; {SESSION}={bob}").get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("invalid_session_cookie", {})


async def test_session_that_outgrows_the_cookie_stays_as_it_is(emulator, writer):
    answer = emulator.sign_in("user_ada")
    answer["user"]["metadata"] = {"note": "x" * 8000}
    got = await browser_with(emulator, WRITERS[writer](answer)).get("/who")
    assert (got.status, got.json, got.set_cookies) == (200, WHO, {})
