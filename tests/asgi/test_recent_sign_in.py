"""`require_recent_auth`: a fresh sign-in is asked for, the callback sees to it, and no circles."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, query_of, sealed_session, signed_in_cookie, site, target_of, visit
from emulated import START
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import get_session, require, require_recent_auth
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

MAX_AGE = 300
SLACK = 11  # `jwt_leeway`, and the second of which `auth_time` leaves out the fraction


@require(require_recent_auth(max_age=MAX_AGE))
async def danger(request: Request) -> Response:
    del request
    return PlainTextResponse("danger")


ROUTES = [Route("/danger", danger, methods=["GET", "POST"])]


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    emulator.configure(access_token_lifetime=7200)
    browser = Browser(site(emulator, ROUTES))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    return browser


async def go_through(browser: Browser, emulator: WorkOSEmulator, where: str, **more: str) -> Any:
    """Go to /login as told, to the emulator, and back; return what it asked, and the answer."""
    more_query = "".join(f"&{name}={value}" for name, value in more.items())
    answer = await browser.get(where + more_query)
    assert answer.status == 303, answer.text
    asked = query_of(answer.location)
    return asked, await browser.get(target_of(await visit(emulator, answer.location)))


async def test_recent_is_up_to_the_age_and_the_leeway(browser, clock):
    clock.now = START + MAX_AGE + SLACK
    assert (await browser.get("/danger")).text == "danger"
    clock.now += 1
    answer = await browser.get("/danger?a=1")
    assert answer.location == "/login?return_to=%2Fdanger%3Fa%3D1&max_age=300"


async def test_fresh_sign_in_is_asked_for_and_lets_in(browser, emulator, clock):
    clock.now += 3600
    where = (await browser.get("/danger?a=1")).location
    asked, done = await go_through(browser, emulator, where, login_hint="ada@example.com")
    assert asked["max_age"] == "300"
    assert (done.status, done.location) == (303, "/danger?a=1")
    assert (await browser.get(done.location)).text == "danger"
    clock.now += MAX_AGE + SLACK + 1
    assert (await browser.get("/danger")).status == 303  # and it ends again


async def test_form_comes_back_to_its_page_and_a_program_is_told(browser, clock):
    clock.now += 3600
    referrer = ("referer", "https://app.example.com/settings?x=1")
    answer = await browser.post("/danger", [*NAVIGATION, referrer])
    assert (answer.status, answer.location) == (
        303,
        "/login?return_to=%2Fsettings%3Fx%3D1&max_age=300",
    )
    told = await browser.get("/danger", FETCH)
    assert (told.status, told.json["code"]) == (401, "recent_sign_in_required")
    prefetch = await browser.get("/danger", [*NAVIGATION, ("sec-purpose", "prefetch")])
    assert (prefetch.status, "location" in prefetch.headers) == (401, False)
    assert 'href="/login?return_to=%2Fdanger&amp;max_age=300"' in prefetch.text


async def test_session_tells_an_endpoint_of_ones_own_how_recent_the_sign_in_is(browser, clock):
    async def ask(request: Request) -> Response:
        return PlainTextResponse(str(get_session(request).has_signed_in_within(60)))

    browser.app.add_route("/recent", ask)
    clock.now += 60 + SLACK
    assert (await browser.get("/recent")).text == "True"
    clock.now += 1
    assert (await browser.get("/recent")).text == "False"
    browser.cookies.clear()
    assert (await browser.get("/recent")).text == "False"


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    payload = answer["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


async def answered_with(emulator: WorkOSEmulator, **claims: Any) -> dict[str, Any]:
    """Return what `authenticate` answers, with other claims in its token; None leaves one out."""
    answer = emulator.sign_in("user_ada")
    changed = {**claims_of(answer), **claims}
    kept = {name: value for name, value in changed.items() if value is not None}
    return {**answer, "access_token": emulator.mint_access_token(kept)}


async def test_token_that_does_not_say_when_is_never_recent(browser, emulator):
    browser.cookies[SESSION] = sealed_session(await answered_with(emulator, auth_time=None))
    assert (await browser.get("/danger")).status == 303
    assert (await browser.get("/danger", FETCH)).status == 401
    assert (await browser.get("/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("auth_time", [None, START])
async def test_sign_in_that_was_not_fresh_ends_in_a_page_and_changes_nothing(
    browser, emulator, clock, auth_time
):
    clock.now += 3600
    before = browser.cookies[SESSION]
    where = (await browser.get("/danger")).location
    stale = await answered_with(emulator, auth_time=auth_time and int(auth_time))
    emulator.fail("authenticate", status=200, body=stale)
    _, done = await go_through(browser, emulator, where, login_hint="ada@example.com")
    assert (done.status, "location" in done.headers) == (400, False)
    assert "The sign-in was not completed" in done.text
    assert '<a href="/login">Sign in</a>' in done.text
    assert (browser.cookies.keys(), browser.cookies[SESSION]) == ({SESSION}, before)


async def test_sign_in_that_nobody_asked_to_be_fresh_need_not_be(browser, emulator, clock):
    clock.now += 3600
    emulator.fail("authenticate", status=200, body=await answered_with(emulator, auth_time=None))
    _, done = await go_through(
        browser, emulator, "/login?return_to=/who&login_hint=ada@example.com"
    )
    assert (done.status, done.location) == (303, "/who")


@pytest.mark.parametrize("late", [0, 1, SLACK, SLACK + 1, 60, 300, 3600])
async def test_guard_and_callback_agree_so_that_no_browser_goes_in_circles(
    browser, emulator, clock, late
):
    """WorkOS lets everybody pass at once, with a sign-in that is `late` s too old."""
    clock.now += 7000
    stale = await answered_with(emulator, auth_time=int(clock.now) - MAX_AGE - late)
    browser.cookies[SESSION] = sealed_session(stale)
    answer = await browser.get("/danger")
    if late <= SLACK:
        assert answer.text == "danger"
    else:
        emulator.fail("authenticate", status=200, body=stale)
        _, done = await go_through(browser, emulator, answer.location, login_hint="ada@example.com")
        assert done.status == 400


@pytest.mark.parametrize("age", [9.2, 9.9, 10.1, 10.9, 11.0, 11.1, 20.0])
async def test_sign_in_that_workos_lets_pass_is_one_that_the_callback_takes(emulator, clock, age):
    """Without leeway, at the edge: `auth_time` is in whole seconds, WorkOS's own time is not."""
    clock.now += 0.95
    browser = Browser(site(emulator, ROUTES, jwt_leeway=0))
    emulator.configure(access_token_lifetime=7200)
    at_workos = httpx.AsyncClient(
        transport=httpx.ASGITransport(emulator.app), base_url="http://localhost:9999"
    )
    async with at_workos:
        for wait, hint in ((0.0, "&login_hint=ada@example.com"), (age, "")):
            clock.now += wait
            begun = await browser.get(f"/login?return_to=/who&max_age=10{hint}")
            asked = await at_workos.get(begun.location)
            if asked.status_code == 200:  # the page that asks who it is
                assert age > 10
                return
            done = await browser.get(target_of(asked.headers["location"]))
            assert (done.status, done.location) == (303, "/who")
    assert age <= 10


@pytest.mark.parametrize("slow", [-60, -10, -1, 0, 1, 10])
async def test_clocks_that_differ_a_little_let_a_fresh_sign_in_count(
    browser, emulator, clock, slow
):
    clock.now += 3600
    answer = await answered_with(emulator, auth_time=int(clock.now) - slow)
    browser.cookies[SESSION] = sealed_session(answer)
    assert (await browser.get("/danger")).text == "danger"


async def test_impersonators_sign_in_counts_by_its_own_time(browser, emulator, clock):
    helper = {"email": "help@example.com", "reason": None}
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada", "org_acme", helper))
    assert (await browser.get("/danger")).text == "danger"
    clock.now += 3600
    assert (await browser.get("/danger")).status == 303


@pytest.mark.parametrize("max_age", ["-1", "x", "1.5", "³", "1e9", "123456789"])
async def test_age_that_is_none_is_not_passed_on(browser, max_age):
    assert (await browser.get(f"/login?max_age={max_age}")).status == 400
