"""What becomes of the cookie of a session that is refused, superseded, or another application's."""

from __future__ import annotations

import anyio
import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, signed_in_cookie, site
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import get_session
from authkit_asgi.errors import (
    GrantRejectedError,
    ReauthenticationRequiredError,
    SessionReadOnlyError,
)

pytestmark = pytest.mark.anyio

REFUSED = {"status": 400, "body": {"error": "invalid_grant"}}


async def test_dead_cookie_is_deleted_60_s_after_the_verdict(emulator, clock):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", times=None, **REFUSED)
    for _ in range(3):
        answer = await browser.get("/who")
        assert (answer.json["reason"], answer.set_cookies) == ("refresh_denied", {})
    assert browser.cookies == {SESSION: cookie}
    clock.now += 60
    answer = await browser.get("/who")
    assert answer.json["reason"] == "refresh_denied"
    assert answer.headers["cache-control"] == "private, no-store"
    assert browser.cookies == {}


async def test_dead_cookie_is_deleted_by_the_login(emulator):
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", times=None, **REFUSED)
    await browser.get("/who")
    assert SESSION in browser.cookies
    await browser.get("/login")
    assert SESSION not in browser.cookies


async def test_dead_cookie_is_deleted_by_the_login_and_the_next_session_kept(emulator, clock):
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    app = site(emulator, [Route("/slow", slow)])
    browser, same = Browser(app), Browser(app)
    browser.cookies[SESSION] = same.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", **REFUSED)
    await browser.get("/who")
    clock.now += 60
    async with anyio.create_task_group() as group:
        group.start_soon(same.get, "/slow")
        await entered.wait()
        await browser.get(await begin(browser, emulator))
        same.cookies = dict(browser.cookies)  # two tabs have one jar
        go_on.set()
    assert same.cookies == browser.cookies
    assert same.cookies.keys() == {SESSION}


async def test_slow_answer_of_a_superseded_session_writes_nothing(emulator):
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    app = site(emulator, [Route("/slow", slow)])
    one, other = Browser(app), Browser(app)
    one.cookies[SESSION] = other.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    async with anyio.create_task_group() as group:
        group.start_soon(one.get, "/slow")
        await entered.wait()
        await other.get(await begin(other, emulator))
        one.cookies = dict(other.cookies)
        go_on.set()
    assert one.cookies == other.cookies
    assert (await one.get("/who")).json["user"] == "user_ada"


async def test_switch_that_asks_for_another_sign_in_says_where(emulator):
    emulator.add_organization("Strict", sso_required=True, organization_id="org_strict")
    emulator.add_membership("user_ada", "org_strict")

    async def switch(request: Request) -> Response:
        session = get_session(request)
        with pytest.raises(ReauthenticationRequiredError) as caught:
            await session.switch_organization("org_strict", return_to="/who")
        assert caught.value.reason == "sso_required"
        assert session.auth.organization_id == "org_acme"
        return PlainTextResponse(caught.value.authorization_url)

    browser = Browser(site(emulator, [Route("/switch", switch)]))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator)
    answer = await browser.get("/switch")
    query = query_of(answer.text)
    assert (query["organization_id"], query["provider"]) == ("org_strict", "authkit")
    assert [name[: len(VERIFIER)] for name in answer.set_cookies] == [VERIFIER]
    assert browser.cookies[SESSION] == cookie


@pytest.mark.parametrize("lifetime", [None, -100], ids=["good", "expired"])
async def test_read_only_session_is_never_written(emulator, lifetime):
    answers = emulator.sign_in("user_ada")

    async def change(request: Request) -> Response:
        session = get_session(request)
        for call in (
            session.refresh,
            lambda: session.switch_organization("org_globex"),
            lambda: session.sign_in(answers),
        ):
            with pytest.raises(SessionReadOnlyError):
                await call()
        return PlainTextResponse("unchanged")

    browser = Browser(site(emulator, [Route("/change", change)], refresh="never"))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator, lifetime=lifetime)
    for path in ("/change", "/who"):
        answer = await browser.get(path, NAVIGATION)
        assert answer.status == 200
        assert answer.set_cookies == {}
    expected = "user_ada" if lifetime is None else None
    assert answer.json["user"] == expected
    assert answer.json.get("reason") == (None if expected else "session_expired")
    assert browser.cookies == {SESSION: cookie}
    assert emulator.count("authenticate") == 0


@pytest.mark.parametrize("path", ["/leave", "/logout"])
async def test_read_only_session_can_be_signed_out(emulator, path):
    """It is the user who wants it, not the application."""

    async def leave(request: Request) -> Response:
        return PlainTextResponse(await get_session(request).sign_out())

    routes = [Route("/leave", leave, methods=["POST"])]
    browser = Browser(site(emulator, routes, refresh="never"))
    browser.cookies[SESSION] = old = signed_in_cookie(emulator)
    answer = await browser.post(path, [("sec-fetch-site", "same-origin")])
    assert "Max-Age=0" in answer.set_cookies[SESSION]
    assert browser.cookies == {}
    browser.cookies[SESSION] = old  # a copy
    assert (await browser.get("/who")).json == {"user": None, "reason": "signed_out"}


async def test_switch_that_another_sign_in_does_not_put_right_is_refused(emulator):
    async def switch(request: Request) -> Response:
        with pytest.raises(GrantRejectedError) as caught:
            await get_session(request).switch_organization("org_nowhere")
        return PlainTextResponse(type(caught.value).__name__)

    browser = Browser(site(emulator, [Route("/switch", switch)]))
    browser.cookies[SESSION] = cookie = signed_in_cookie(emulator)
    answer = await browser.get("/switch")
    assert (answer.text, answer.set_cookies) == ("GrantRejectedError", {})
    assert browser.cookies == {SESSION: cookie}


async def test_sign_in_of_ones_own_takes_the_place_of_the_session(emulator):
    async def enter(request: Request) -> Response:
        auth = await get_session(request).sign_in(emulator.sign_in("user_bob"))
        return PlainTextResponse(auth.user.id)

    browser = Browser(site(emulator, [Route("/enter", enter)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get("/enter")
    assert (answer.text, answer.set_cookies.keys()) == ("user_bob", {SESSION})
    assert (await browser.get("/who")).json["user"] == "user_bob"
