"""Two applications on one domain: one session, set and deleted alike; or two, by name."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest
from asgi_driver import Answer
from asgi_site import SESSION, begin, query_of, sealed_session, sign_in, signed_in_cookie, site
from emulated import Clock
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import get_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

APP, DASHBOARD = "https://app.example.com", "https://dashboard.example.com"
ADA = {"user": "user_ada", "organization": "org_acme"}
NOBODY = {"user": None, "reason": "no_session_cookie_provided"}


async def switch(request: Request) -> Response:
    auth = await get_session(request).switch_organization("org_globex")
    return PlainTextResponse(auth.organization_id or "")


def at(emulator: WorkOSEmulator, origin: str, **changes: Any) -> JarBrowser:
    """A browser at an application that shares its cookies with the whole of example.com."""
    settings = {"cookie_domain": "example.com", "redirect_uri": f"{origin}/callback", **changes}
    return JarBrowser(site(emulator, [Route("/switch", switch)], **settings), origin=origin)


def two_sites(emulator: WorkOSEmulator) -> tuple[JarBrowser, JarBrowser]:
    """One browser at two applications, which have no process and no Redis in common."""
    app, dashboard = at(emulator, APP), at(emulator, DASHBOARD)
    dashboard.jar = app.jar
    return app, dashboard


def session_lines(answer: Answer) -> list[str]:
    """Return the Set-Cookie lines of the session, without the seal in them."""
    lines = [line for line in answer.all("set-cookie") if line.startswith(f"{SESSION}=")]
    return [re.sub(r"=Fe26[^;]+", "=SEAL", line) for line in lines]


async def test_sign_in_at_one_is_a_sign_in_at_the_other(emulator):
    app, dashboard = two_sites(emulator)
    assert (await dashboard.get("/who")).json == NOBODY
    await sign_in(app, emulator)
    answer = await dashboard.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    assert len(dashboard.named(SESSION)) == 1


async def test_each_signs_in_at_its_own_redirect_uri(emulator):
    for browser in two_sites(emulator):
        asked = query_of((await browser.get("/login")).location)
        assert asked["redirect_uri"] == f"{browser.origin}/callback"
        await sign_in(browser, emulator)
        assert (await browser.get("/who")).json == ADA
    assert emulator.count("authenticate", grant_type="authorization_code") == 2


async def test_both_set_and_delete_the_session_alike(emulator):
    app, dashboard = two_sites(emulator)
    begun = [await sign_in(browser, emulator) for browser in (app, dashboard)]
    ended = [await browser.post("/logout") for browser in (app, dashboard)]
    for answers in (begun, ended):
        assert session_lines(answers[0]) == session_lines(answers[1])
        assert "Domain=example.com" in " ".join(session_lines(answers[0]))


async def test_sign_out_at_one_is_a_sign_out_at_the_other(emulator):
    app, dashboard = two_sites(emulator)
    await sign_in(app, emulator)
    assert (await dashboard.post("/logout")).status == 303
    assert app.jar.cookies == {}
    assert (await app.get("/who")).json == NOBODY


async def test_session_renewed_at_one_is_the_one_used_at_the_other(emulator, clock: Clock):
    app, dashboard = two_sites(emulator)
    await sign_in(app, emulator)
    before = app.named(SESSION)
    clock.now += 400
    assert (await dashboard.get("/who")).json == ADA
    answer = await app.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
    (after,) = app.named(SESSION)
    assert after not in before


async def test_organization_switched_at_one_is_seen_at_the_other(emulator):
    app, dashboard = two_sites(emulator)
    await sign_in(app, emulator)
    assert (await dashboard.get("/switch")).text == "org_globex"
    assert (await app.get("/who")).json == {**ADA, "organization": "org_globex"}


async def test_session_of_the_host_alone_serves_on_and_moves_to_the_domain(emulator, clock: Clock):
    app, dashboard = two_sites(emulator)
    with_domain, app.app = app.app, site(emulator)
    await sign_in(app, emulator)
    app.app = with_domain
    answer = await app.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    assert (await dashboard.get("/who")).json == NOBODY
    clock.now += 400
    answer = await app.get("/who")
    assert answer.json == ADA
    (cookie,) = app.jar.cookies.values()
    assert (cookie.name, cookie.domain, cookie.host_only) == (SESSION, "example.com", False)
    assert (await dashboard.get("/who")).json == ADA


@pytest.mark.parametrize("path", ["/who", "/switch"])
async def test_left_over_of_the_host_alone_goes_when_the_session_changes(
    emulator, clock: Clock, path
):
    """A JavaScript kit takes the first of two cookies, so the older one would count for ever."""
    app, dashboard = two_sites(emulator)
    app.toss(f"{SESSION}={signed_in_cookie(emulator)}; Path=/; Secure; HttpOnly", APP)
    clock.now += 5
    await sign_in(dashboard, emulator)
    newest = dashboard.named(SESSION)
    assert len(app.named(SESSION)) == 2
    clock.now += 400
    assert (await app.get(path)).status == 200
    (left,) = app.named(SESSION)
    assert [left] == dashboard.named(SESSION) != newest


async def test_left_over_of_the_host_alone_stays_while_nothing_changes(emulator, clock: Clock):
    app, _ = two_sites(emulator)
    app.toss(f"{SESSION}={signed_in_cookie(emulator)}; Path=/; Secure", APP)
    clock.now += 5
    newer = sealed_session(emulator.sign_in("user_ada", "org_globex"))
    app.toss(f"{SESSION}={newer}; Path=/; Domain=example.com; Secure", APP)
    answer = await app.get("/who")
    assert (answer.json["organization"], answer.set_cookies) == ("org_globex", {})


async def test_session_renewed_too_late_for_a_sign_out_leaves_all_cookies_alone(
    emulator, clock: Clock
):
    """The sign-out has deleted both; a slow answer neither writes one back nor deletes."""
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    app = JarBrowser(site(emulator, [Route("/slow", slow)], cookie_domain="example.com"))
    await sign_in(app, emulator)
    clock.now += 400
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await app.get("/slow"))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await entered.wait()
        await app.post("/logout")
        go_on.set()
    assert session_lines(answers[0]) == []
    assert app.jar.cookies == {}


@pytest.mark.parametrize("origin", [APP, DASHBOARD])
async def test_cookie_name_keeps_two_applications_apart(emulator, origin):
    shop = at(emulator, APP)
    admin = at(emulator, origin, cookie_name="admin-session")
    admin.jar = shop.jar
    await sign_in(shop, emulator)
    assert (await admin.get("/who")).json == NOBODY
    await sign_in(admin, emulator, user="bob")
    assert (await admin.get("/who")).json == {"user": "user_bob", "organization": None}
    assert (await shop.get("/who")).json == ADA
    await admin.post("/logout")
    assert (await admin.get("/who")).json == NOBODY
    assert (await shop.get("/who")).json == ADA


async def test_sign_in_under_way_at_one_survives_one_at_the_other(emulator):
    app, dashboard = two_sites(emulator)
    callback = await begin(app, emulator)
    await sign_in(dashboard, emulator)
    assert (await app.get(callback)).status == 303
    assert emulator.count("authenticate", grant_type="authorization_code") == 2
    assert app.names() == [SESSION]
