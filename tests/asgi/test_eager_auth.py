"""The access token for scripts: with which responses it comes, how it looks, when it goes."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, sign_in, signed_in_cookie, site
from emulated import ORIGIN, Clock
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import get_auth, get_session

pytestmark = pytest.mark.anyio

TOKEN = "workos-access-token"
ADA = {"user": "user_ada", "organization": "org_acme"}
OLD_BROWSER = (("accept", "text/html"),)
FRAME = (*NAVIGATION[:2], ("sec-fetch-dest", "iframe"))


async def token(request: Request) -> Response:
    """Answer with the access token in force, whatever the method."""
    return PlainTextResponse(get_auth(request).access_token, headers={"cache-control": "public"})


async def switch(request: Request) -> Response:
    auth = await get_session(request).switch_organization("org_globex")
    return PlainTextResponse(auth.access_token)


async def move(_: Request) -> Response:
    return RedirectResponse("/token")


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


ROUTES = [
    Route("/token", token, methods=["GET", "HEAD", "POST"]),
    Route("/switch", switch),
    Route("/move", move),
    WebSocketRoute("/ws", greet),
]


def shop(emulator, **changes: Any):
    return site(emulator, ROUTES, **{"eager_auth": True, **changes})


def signed_in(emulator, lifetime: float | None = None, **changes: Any) -> Browser:
    browser = Browser(shop(emulator, **changes))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=lifetime)
    return browser


@pytest.mark.parametrize("headers", [NAVIGATION, OLD_BROWSER, FRAME])
async def test_page_of_a_signed_in_user_brings_the_token_and_is_not_stored(emulator, headers):
    answer = await signed_in(emulator).get("/token", headers)
    line = f"{TOKEN}={answer.text}; Path=/; Max-Age=30; Secure; SameSite=Lax"
    assert answer.set_cookies == {TOKEN: line}
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"cookie_domain": "example.com"}, "; Secure; SameSite=Lax"),
        ({"cookie_same_site": "strict"}, "; Secure; SameSite=Strict"),
        ({"cookie_same_site": "none"}, "; Secure; SameSite=None"),
        ({"redirect_uri": "http://localhost:8000/callback"}, "; SameSite=Lax"),
    ],
)
async def test_cookie_is_of_this_host_alone_and_else_as_the_session(emulator, changes, end):
    answer = await signed_in(emulator, **changes).get("/token")
    assert answer.set_cookies[TOKEN] == f"{TOKEN}={answer.text}; Path=/; Max-Age=30{end}"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", FETCH),
        ("GET", (("accept", "application/json"),)),
        ("GET", (*NAVIGATION, ("sec-purpose", "prefetch;prerender"))),
        ("GET", (*NAVIGATION, ("purpose", "prefetch"))),
        ("HEAD", NAVIGATION),
        ("POST", NAVIGATION),
        ("POST", OLD_BROWSER),
    ],
)
async def test_request_for_no_page_brings_none(emulator, method, headers):
    answer = await signed_in(emulator).request(method, "/token", headers)
    assert (answer.status, answer.set_cookies) == (200, {})


async def test_websocket_brings_none(emulator):
    answer = await signed_in(emulator).websocket("/ws", [*NAVIGATION, ("origin", ORIGIN)])
    assert answer.messages[0]["type"] == "websocket.accept"
    assert answer.set_cookies == {}


async def test_stranger_gets_none(emulator):
    browser = Browser(shop(emulator))
    assert (await browser.get("/who")).set_cookies == {}
    browser.cookies[SESSION] = "x"
    assert (await browser.get("/who")).set_cookies == {}


async def test_not_configured_means_none(emulator):
    assert (await signed_in(emulator, eager_auth=False).get("/token")).set_cookies == {}


async def test_application_that_only_reads_writes_none(emulator):
    assert (await signed_in(emulator, refresh="never").get("/token")).set_cookies == {}


async def test_token_that_the_browser_has_is_not_sent_again(emulator):
    browser = signed_in(emulator)
    first = await browser.get("/token")
    again = await browser.get("/token")
    assert (again.text, again.set_cookies) == (first.text, {})
    del browser.cookies[TOKEN]
    assert list((await browser.get("/token")).set_cookies) == [TOKEN]
    browser.cookies[TOKEN] = "another"
    assert list((await browser.get("/token")).set_cookies) == [TOKEN]


async def test_token_is_the_one_after_the_refresh(emulator, clock: Clock):
    browser = signed_in(emulator)
    old = (await browser.get("/token")).text
    clock.now += 400
    answer = await browser.get("/token")
    assert sorted(answer.set_cookies) == [TOKEN, SESSION]
    assert browser.cookies[TOKEN] == answer.text != old
    assert emulator.count("authenticate") == 1


async def test_token_is_the_one_after_a_switch(emulator):
    browser = signed_in(emulator)
    answer = await browser.get("/switch")
    assert browser.cookies[TOKEN] == answer.text


async def test_redirect_brings_it_too(emulator):
    browser = signed_in(emulator)
    assert (await browser.get("/move")).status == 307
    assert browser.cookies[TOKEN] == (await browser.get("/token")).text


@pytest.mark.parametrize(
    "changes",
    [{}, {"cookie_domain": "example.com"}, {"cookie_same_site": "strict"}],
)
async def test_sign_out_clears_it(emulator, changes):
    browser = JarBrowser(shop(emulator, **changes))
    await sign_in(browser, emulator)
    await browser.get("/who")
    assert sorted(browser.names()) == [TOKEN, SESSION]
    await browser.post("/logout")
    assert browser.names() == []


async def test_sign_out_clears_the_one_that_is_on_its_way(emulator):
    """Another page's may arrive between the request to sign out and its answer."""
    browser = signed_in(emulator)
    answer = await browser.post("/logout")
    line = f"{TOKEN}=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    assert answer.set_cookies[TOKEN] == f"{line}; Secure; SameSite=Lax"


async def test_every_large_token_is_left_out_and_the_first_is_told(emulator, caplog):
    emulator.add_membership(
        "user_ada", "org_acme", role="admin", permissions=[f"area-{n}:manage" for n in range(200)]
    )
    browser = signed_in(emulator)
    for _ in range(3):
        answer = await browser.get("/token")
        assert (answer.status, answer.set_cookies) == (200, {})
        assert len(TOKEN) + len(answer.text) > 4096
    (record,) = [one for one in caplog.records if one.name == "authkit_asgi.eager_auth"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Large: eager_auth leaves out access tokens")
    assert answer.text not in caplog.text
