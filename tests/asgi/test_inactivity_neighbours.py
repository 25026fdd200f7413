"""The time of last use beside other applications, settings, and requests under way."""

from __future__ import annotations

import anyio
import pytest
from asgi_site import SESSION, begin, sign_in, site
from emulated import ORIGIN, OTHER_PASSWORD, PASSWORD, Clock
from idle_site import ACTIVITY, ADA, IDLE, TIMEOUT, shop, signed_in, with_long_token
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

pytestmark = pytest.mark.anyio


async def test_application_that_only_reads_checks_and_leaves_the_cookies_alone(
    emulator, clock: Clock
):
    reader = JarBrowser(shop(emulator, refresh="never"))
    owner = await signed_in(emulator)
    reader.jar = owner.jar
    clock.now += 200
    assert (answer := await reader.get("/who")).json == ADA
    assert answer.set_cookies == {}
    clock.now += TIMEOUT - 199
    answer = await reader.get("/who")
    assert (answer.json, answer.set_cookies) == (IDLE, {})
    assert sorted(reader.names()) == [SESSION, ACTIVITY]


async def test_two_applications_of_a_domain_share_the_time(emulator, clock: Clock):
    shared = {"cookie_domain": "example.com"}
    app = await with_long_token(emulator, **shared)
    (cookie,) = app.named(SESSION)
    app.jar.set(f"{SESSION}={cookie}; Path=/; Domain=example.com; Secure; HttpOnly", ORIGIN)
    other = JarBrowser(
        shop(emulator, redirect_uri="https://admin.example.com/callback", **shared),
        origin="https://admin.example.com",
    )
    other.jar = app.jar
    for browser in (other, app, other, app):
        clock.now += TIMEOUT - 1
        assert (await browser.get("/who")).json == ADA


async def test_left_over_of_the_host_alone_does_not_stand_in_the_way(emulator, clock: Clock):
    browser = await with_long_token(emulator, cookie_domain="example.com")
    (value,) = browser.named(ACTIVITY)
    browser.jar.set(f"{ACTIVITY}={value}; Path=/; Secure; HttpOnly", ORIGIN)
    clock.now += TIMEOUT - 1
    assert (await browser.get("/who")).json == ADA
    assert len(browser.named(ACTIVITY)) == 2
    clock.now += TIMEOUT - 1
    assert (await browser.get("/who")).json == ADA
    await browser.post("/logout")
    assert browser.names() == []


async def test_sign_out_deletes_a_time_that_has_lost_its_session(emulator):
    browser = await signed_in(emulator)
    browser.jar.set(f"{SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly", ORIGIN)
    assert browser.names() == [ACTIVITY]
    assert (await browser.get("/who")).json["reason"] == "no_session_cookie_provided"
    await browser.post("/logout")
    assert browser.names() == []


async def test_password_change_keeps_the_time(emulator, clock: Clock):
    browser = await with_long_token(emulator, OTHER_PASSWORD)
    clock.now += TIMEOUT - 1
    assert (await browser.get("/who")).json == ADA
    clock.now += TIMEOUT - 1
    rotating = {"cookie_password": PASSWORD, "cookie_password_previous": OTHER_PASSWORD}
    browser.app = shop(emulator, **rotating)
    assert (await browser.get("/who")).json == ADA
    browser.app = shop(emulator)
    clock.now += TIMEOUT - 1
    assert (await browser.get("/who")).json == ADA


async def test_late_answer_notes_no_time_once_the_session_has_ended(emulator, clock: Clock):
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    browser = JarBrowser(
        site(emulator, [Route("/slow", slow)], inactivity_timeout=TIMEOUT, eager_auth=True)
    )
    await sign_in(browser, emulator)
    clock.now += 150
    async with anyio.create_task_group() as group:
        group.start_soon(browser.get, "/slow")
        await entered.wait()
        await browser.post("/logout")
        go_on.set()
    assert browser.names() == []


async def test_sign_in_that_was_begun_leaves_the_next_session_alone(emulator, clock: Clock):
    """As with a refused one: a slow answer to the unused session deletes nothing of the new."""
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    browser = JarBrowser(site(emulator, [Route("/slow", slow)], inactivity_timeout=TIMEOUT))
    await sign_in(browser, emulator)
    clock.now += TIMEOUT + 1
    async with anyio.create_task_group() as group:
        group.start_soon(browser.get, "/slow")
        await entered.wait()
        await browser.get(await begin(browser, emulator))
        go_on.set()
    assert sorted(browser.names()) == [SESSION, ACTIVITY]
    assert (await browser.get("/who")).json == ADA
