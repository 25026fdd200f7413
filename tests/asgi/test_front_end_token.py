"""The token route: for fetches of scripts in the site's own pages, with a token that lasts."""

from __future__ import annotations

import itertools
from typing import Any

import anyio
import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser
from asgi_site import SESSION, sealed_session, signed_in_cookie, site
from emulated import ORIGIN, START, Clock
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import AuthKit, get_auth
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

SITES = ("same-origin", "same-site", "cross-site", "none", None)
MODES = ("cors", "same-origin", "no-cors", "navigate", "websocket", None)
DESTINATIONS = ("empty", "document", "iframe", "image", "script", "worker", None)
OWN = {("same-origin", "cors", "empty"), ("same-origin", "same-origin", "empty")}


async def token_in_force(request: Request) -> Response:
    auth = get_auth(request)
    return PlainTextResponse(auth.access_token if auth.user is not None else "")


def front(emulator: WorkOSEmulator, **changes: Any) -> Starlette:
    routes = [Route("/in-force", token_in_force)]
    return site(emulator, routes, auth_options={"token": "/token"}, **changes)


def signed_in(emulator: WorkOSEmulator, lifetime: float | None = None, **changes: Any) -> Browser:
    browser = Browser(front(emulator, **changes))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=lifetime)
    return browser


def expect_refused(answer: Answer) -> None:
    assert (answer.status, answer.set_cookies) == (403, {})
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "eyJ" not in answer.text


async def test_script_of_the_site_gets_the_token_in_force(emulator):
    browser = signed_in(emulator)
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.set_cookies) == (200, {})
    assert answer.json == {
        "access_token": (await browser.get("/in-force")).text,
        "token_type": "Bearer",
        "expires_at": int(START) + 300,
        "expires_in": 300,
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Cookie"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("same_site", ["lax", "none"])
async def test_every_other_request_is_refused(emulator, same_site):
    browser = signed_in(emulator, cookie_same_site=same_site)
    for asked in itertools.product(SITES, MODES, DESTINATIONS):
        names = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
        pairs = [(name, value) for name, value in zip(names, asked, strict=True) if value]
        for origin in ((), (("origin", ORIGIN),), (("origin", "https://spa.example"),)):
            answer = await browser.get("/token", [*pairs, *origin])
            if asked in OWN:
                assert answer.status == 200, asked
            else:
                expect_refused(answer)


async def test_header_sent_twice_is_refused(emulator):
    twice = [("sec-fetch-site", "cross-site"), *FETCH]
    expect_refused(await signed_in(emulator).get("/token", twice))


async def test_page_that_is_opened_there_says_so_to_people(emulator):
    answer = await signed_in(emulator).get("/token", NAVIGATION)
    expect_refused(answer)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    program = await signed_in(emulator).get("/token", [("accept", "*/*")])
    expect_refused(program)
    assert program.json["code"] == "cross_site_request"


async def test_refused_request_renews_no_token_that_is_good(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 290
    expect_refused(await browser.get("/token", NAVIGATION))
    assert emulator.count("authenticate") == 0


async def test_cors_lets_no_other_origin_have_it(emulator):
    app = Starlette(
        routes=front(emulator).routes,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origin_regex=".*",
                allow_credentials=True,
                allow_headers=["*"],
            ),
            *front(emulator).user_middleware,
        ],
    )
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    for where in ("same-site", "cross-site"):
        headers = [*FETCH[:3], ("sec-fetch-site", where), ("origin", "https://spa.example")]
        answer = await browser.get("/token", headers)
        assert answer.headers["access-control-allow-origin"] == "https://spa.example"
        expect_refused(answer)


async def test_stranger_is_told_to_sign_in(emulator):
    browser = Browser(front(emulator))
    for cookie, reason in ((None, "no_session_cookie_provided"), ("x", "invalid_session_cookie")):
        browser.cookies = {SESSION: cookie} if cookie else {}
        answer = await browser.get("/token", FETCH)
        assert (answer.status, answer.set_cookies) == (401, {})
        assert (answer.json["code"], answer.json["reason"]) == ("not_signed_in", reason)
        assert answer.headers["www-authenticate"] == "Cookie"
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_expired_token_is_renewed_and_the_cookie_goes_out(emulator):
    browser = signed_in(emulator, lifetime=-100)
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.json["expires_in"]) == (200, 300)
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json["access_token"] == (await browser.get("/in-force")).text
    assert emulator.count("authenticate") == 1


# Nothing renews these ahead of time: the loop ends with its request.
@pytest.mark.parametrize(("left", "exchanges"), [(31, 0), (30, 0), (29, 1), (1, 1), (0, 1)])
async def test_token_lasts_for_half_a_minute_or_is_renewed(emulator, clock: Clock, left, exchanges):
    browser = signed_in(emulator)
    clock.now += 300 - left
    answer = await browser.get("/token", FETCH)
    assert answer.json["expires_in"] == (300 if exchanges else left)
    assert answer.json["access_token"] == (await browser.get("/in-force")).text
    assert emulator.count("authenticate") == exchanges
    assert answer.set_cookies.keys() == ({SESSION} if exchanges else set())


async def test_token_of_a_short_life_is_renewed_after_half_of_it(emulator, clock: Clock):
    emulator.access_token_lifetime = 20
    browser = signed_in(emulator, refresh_buffer=0)
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 20
    clock.now += 10
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 10
    assert emulator.count("authenticate") == 0
    clock.now += 1
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 20


async def test_token_that_does_not_say_since_when_is_handed_out(emulator, clock: Clock):
    emulator.update_user("user_ada", claims={"iat": None})
    browser = signed_in(emulator)
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 300
    clock.now += 280
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 300


async def test_in_an_outage_a_token_that_is_good_serves(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 290
    emulator.fail("authenticate", status=503, times=None)
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.json["expires_in"], answer.set_cookies) == (200, 10, {})


async def test_in_an_outage_there_is_none_that_has_expired(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 305  # within the leeway, which is for the clock of this machine
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"}, times=None)
    assert (await browser.get("/in-force")).text
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.headers["retry-after"], answer.set_cookies) == (503, "7", {})
    assert answer.json["code"] == "temporarily_unavailable"
    clock.now += 100
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.set_cookies) == (503, {})


async def test_workos_that_hangs_holds_up_a_good_token_for_two_seconds(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 290
    emulator.fail("authenticate", hang=True, times=None)
    with anyio.fail_after(9):  # the whole exchange would take ten
        answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.json["expires_in"]) == (200, 10)


async def test_once_workos_has_refused_there_is_none(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 290
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    for _ in range(2):
        answer = await browser.get("/token", FETCH)
        assert (answer.status, answer.json["reason"]) == (401, "refresh_denied")
        assert answer.set_cookies == {}
    assert emulator.count("authenticate") == 1


async def test_application_that_only_reads_hands_out_what_there_is(emulator, clock: Clock):
    browser = signed_in(emulator, refresh="never")
    clock.now += 290
    assert (await browser.get("/token", FETCH)).json["expires_in"] == 10
    clock.now += 15
    answer = await browser.get("/token", FETCH)
    assert (answer.status, answer.json["reason"]) == (401, "session_expired")
    assert emulator.count("authenticate") == 0


async def test_new_session_too_large_for_its_cookies_leaves_the_token(emulator, clock: Clock):
    browser = signed_in(emulator, cookie_chunking=False)
    emulator.update_user("user_ada", metadata={"notes": "x" * 4000})
    clock.now += 290
    answer = await browser.get("/token", FETCH)
    assert (answer.json["expires_in"], answer.set_cookies) == (10, {})


async def test_token_of_an_impersonated_user_names_who_it_is(emulator, authkit: AuthKit):
    helper = {"email": "help@example.com", "reason": None}
    browser = Browser(front(emulator))
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada", "org_acme", helper))
    answer = await browser.get("/token", FETCH)
    claims = await authkit._verifier.verify(answer.json["access_token"])
    assert claims["act"] == {"sub": "help@example.com"}


async def test_two_scripts_at_once_cost_one_exchange(emulator, clock: Clock):
    browser = signed_in(emulator)
    clock.now += 290
    answers: list[Answer] = []

    async def fetch() -> None:
        answers.append(await browser.get("/token", FETCH))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(fetch)
    assert len({answer.json["access_token"] for answer in answers}) == 1
    assert emulator.count("authenticate") == 1


async def test_head_is_no_fetch_of_the_token_from_elsewhere(emulator):
    browser = signed_in(emulator)
    assert (await browser.request("HEAD", "/token", FETCH)).status == 200
    assert (await browser.request("HEAD", "/token", NAVIGATION)).status == 403
    assert (await browser.request("POST", "/token", FETCH)).status == 405
