"""`protect=True`: where strangers are sent, what they may have, and what is asked of the rules."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser, drive, http_scope
from asgi_site import SESSION, query_of, sign_in, signed_in_cookie
from emulated import service
from protected_sites import (
    OF_PREFLIGHTS,
    PUBLIC,
    SECRET,
    lenient,
    middleware,
    starlette,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Host, Mount, Route

from authkit_asgi import AuthKitMiddleware, ConfigurationError

pytestmark = pytest.mark.anyio


async def test_page_comes_back_after_the_sign_in(emulator):
    browser = Browser(starlette(emulator))
    answer = await browser.get("/admin?tab=2")
    assert (answer.status, answer.location) == (303, "/login?return_to=%2Fadmin%3Ftab%3D2")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Cookie"
    done = await sign_in(browser, emulator, answer.location)
    assert (done.status, done.location) == (303, "/admin?tab=2")
    assert (await browser.get(done.location)).text == SECRET
    assert (await browser.get("/logout")).status == 303
    assert (await browser.get("/admin", FETCH)).status == 401


async def test_strangers_are_sent_to_sign_up_from_where_they_should(emulator):
    app = Starlette(
        routes=[Mount("/", lenient)],
        middleware=[middleware(emulator, sign_up_paths=("/join", "/offers/*"))],
    )
    browser = Browser(app)
    for target in ("/join", "/offers/1"):
        answer = await browser.get(target)
        assert answer.location.partition("?")[0] == "/signup"
        assert query_of(answer.location) == {"return_to": target}
        assert (await browser.get(target, FETCH)).status == 401
    assert (await browser.get("/joint")).location.startswith("/login?")


async def test_routes_of_a_mounted_application_are_public_by_their_full_paths(emulator):
    changes = {
        "redirect_uri": "https://app.example.com/app/callback",
        "login_path": "/app/login",
    }
    protecting = Middleware(AuthKitMiddleware, authkit=service(emulator, **changes), protect=True)
    inner = Starlette(routes=starlette(emulator).routes, middleware=[protecting])
    browser = Browser(Starlette(routes=[Mount("/app", inner)]))
    answer = await browser.get("/app/admin?a=1")
    assert answer.location == "/app/login?return_to=%2Fapp%2Fadmin%3Fa%3D1"
    done = await sign_in(browser, emulator, answer.location)
    assert (done.location, done.set_cookies.keys() >= {SESSION}) == ("/app/admin?a=1", True)
    assert (await browser.get(done.location)).text == SECRET


PREFLIGHT = [("origin", "https://spa.example"), ("access-control-request-method", "POST")]


@pytest.mark.breaks_asgi(*OF_PREFLIGHTS)
async def test_preflight_reaches_the_cors_middleware_inside(emulator):
    cors = Middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_methods=["POST"])
    app = Starlette(routes=[Mount("/", lenient)], middleware=[middleware(emulator), cors])
    answer = await drive(app, http_scope("OPTIONS", "/admin", PREFLIGHT))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "https://spa.example"
    assert answer.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", []),
        ("OPTIONS", PREFLIGHT[:1]),
        ("OPTIONS", PREFLIGHT[1:]),
        ("GET", PREFLIGHT),
        ("POST", PREFLIGHT),
    ],
)
async def test_what_only_looks_like_a_preflight_is_denied(emulator, method, headers):
    answer = await drive(starlette(emulator), http_scope(method, "/admin", headers))
    assert answer.status == 401


@pytest.mark.breaks_asgi(*OF_PREFLIGHTS)
async def test_forged_preflight_gets_no_page_of_an_application_that_ignores_the_method(emulator):
    answer = await drive(starlette(emulator), http_scope("OPTIONS", "/admin", PREFLIGHT))
    assert (answer.status, answer.body) == (200, b"")
    browser = Browser(starlette(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.request("OPTIONS", "/admin", PREFLIGHT)).text == SECRET


async def test_outage_of_a_protected_application(emulator):
    browser = Browser(starlette(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"})
    answer = await browser.get("/admin")
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert 'href="/login?return_to=%2Fadmin"' in answer.text
    assert (await browser.get("/admin")).text == SECRET


@pytest.mark.parametrize("denial", [True, False])
async def test_websocket_of_a_stranger_is_refused_unaccepted(emulator, denial):
    browser = Browser(starlette(emulator))
    answer = await browser.websocket("/admin/ws", denial=denial)
    if denial:
        assert (answer.status, answer.json["code"]) == (401, "not_signed_in")
    else:
        assert answer.messages == [
            {"type": "websocket.close", "code": 1008, "reason": "Not signed in"}
        ]


async def test_session_of_a_page_of_another_site_does_not_open_a_websocket(emulator):
    browser = Browser(starlette(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    foreign = [("origin", "https://evil.example")]
    assert (await browser.websocket("/admin/ws", foreign)).status == 401


async def test_rules_hold_for_every_host_alike(emulator):
    """A path that is public is public at each host: such applications need rules of their own."""
    hosts = [Host("admin.example.com", Starlette(routes=[Route("/admin", lenient)]))]
    app = Starlette(routes=hosts, middleware=[middleware(emulator)])
    for host in ("admin.example.com", "about", "/about", ""):
        answer = await drive(app, http_scope("GET", "/admin", [*FETCH, ("host", host)]))
        assert answer.status == 401


async def test_lifespan_of_a_protected_application_runs(emulator):
    events: list[str] = []

    async def app(scope, receive, send):
        while (message := await receive())["type"] != "lifespan.shutdown":
            events.append(message["type"])
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(messages)

    async def send(message):
        events.append(message["type"])

    wrapped = AuthKitMiddleware(app, authkit=service(emulator), protect=True)
    await wrapped({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert events == [
        "lifespan.startup",
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


BAD_RULES = [
    "about",
    "",
    "*",
    "/a*",
    "/*/a",
    "/a/**",
    "/a//b",
    "/a/../b",
    "/a/.",
    "/a;b",
    "/a%20b",
    "/a\\b",
    "/a\n",
    "//*",
    "https://app.example.com/about",
]


@pytest.mark.parametrize("rule", BAD_RULES)
@pytest.mark.parametrize("name", ["public", "sign_up_paths"])
async def test_rule_that_could_not_match_is_a_fault_of_the_settings(emulator, name, rule):
    rules = {name: ("/good", rule)}
    app = AuthKitMiddleware(lenient, authkit=service(emulator), protect=True, **rules)
    with pytest.raises(ConfigurationError) as caught:
        await drive(app, http_scope("GET", "/good"))
    assert caught.value.problems == (
        f"{name} holds {rule!r}, which is neither a path nor all below one: /assets/*",
    )


@pytest.mark.parametrize("name", ["public", "sign_up_paths"])
async def test_rules_without_protection_are_a_fault_of_the_settings(emulator, name):
    app = AuthKitMiddleware(lenient, authkit=service(emulator), **{name: PUBLIC})
    with pytest.raises(ConfigurationError, match=f"{name} means nothing without protect=True"):
        await drive(app, http_scope("GET", "/"))


async def test_one_rule_may_stand_there_as_text(emulator):
    app = AuthKitMiddleware(lenient, authkit=service(emulator), protect=True, public="/about")
    assert (await drive(app, http_scope("GET", "/about"))).text == "public"
    assert (await drive(app, http_scope("GET", "/a", NAVIGATION))).status == 303
