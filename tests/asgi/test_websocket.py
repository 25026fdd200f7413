"""WebSockets: who they are from, where a new cookie goes, and which origins may open them."""

from __future__ import annotations

import pytest
from asgi_driver import Browser, drive, http_scope
from asgi_site import SESSION, signed_in_cookie, site
from emulated import ORIGIN, service
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from authkit_asgi import (
    AuthKitMiddleware,
    ResponseStartedError,
    SignedOutReason,
    get_auth,
    get_session,
    require_signed_in,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


async def greet(websocket: WebSocket) -> None:
    await websocket.accept(headers=[(b"x-a", b"1")])
    auth = get_auth(websocket)
    await websocket.send_json(str(auth.reason) if auth.user is None else auth.user.id)
    await websocket.close()


async def refuse(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("no", 403))


async def close(websocket: WebSocket) -> None:
    await websocket.close(1008)


async def late(websocket: WebSocket) -> None:
    await websocket.accept()
    with pytest.raises(ResponseStartedError):
        await get_session(websocket).refresh()
    await websocket.close()


async def refuse_then_change(websocket: WebSocket) -> None:
    await websocket.close()
    with pytest.raises(ResponseStartedError):
        await get_session(websocket).refresh()


async def guarded(websocket: WebSocket) -> None:
    auth = require_signed_in(websocket)
    await websocket.accept()
    await websocket.send_text(auth.user.id)
    await websocket.close()


ENDPOINTS = (greet, refuse, close, late, refuse_then_change, guarded)


def browser_of(emulator: WorkOSEmulator, lifetime: float | None = None, **changes) -> Browser:
    routes = [WebSocketRoute(f"/{endpoint.__name__}", endpoint) for endpoint in ENDPOINTS]
    browser = Browser(site(emulator, routes, **changes))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=lifetime)
    return browser


def sent_text(answer) -> str:
    return next(m["text"] for m in answer.messages if m["type"] == "websocket.send").strip('"')


async def test_websocket_has_auth_and_its_messages_stay_as_they_are(emulator):
    answer = await browser_of(emulator).websocket("/greet")
    accept, message, closing = answer.messages
    assert accept == {
        "type": "websocket.accept",
        "subprotocol": None,
        "headers": [(b"x-a", b"1")],
    }
    assert message == {"type": "websocket.send", "text": '"user_ada"'}
    assert closing == {"type": "websocket.close", "code": 1000, "reason": ""}


async def test_websocket_takes_a_refreshed_cookie_along_with_accept(emulator):
    browser = browser_of(emulator, lifetime=-100)
    answer = await browser.websocket("/greet")
    assert sent_text(answer) == "user_ada"
    accept = answer.messages[0]
    assert accept["type"] == "websocket.accept"
    assert [name for name, _ in accept["headers"]] == [b"x-a", b"set-cookie"]
    assert answer.set_cookies.keys() == {SESSION}
    assert [m["type"] for m in answer.messages] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    again = await browser.websocket("/greet")
    assert (sent_text(again), again.set_cookies) == ("user_ada", {})
    assert emulator.count("authenticate") == 1


async def test_websocket_takes_a_refreshed_cookie_along_with_a_denial(emulator):
    answer = await browser_of(emulator, lifetime=-100).websocket("/refuse")
    assert (answer.status, answer.text) == (403, "no")
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["cache-control"] == "private, no-store"
    assert {m["type"].rpartition(".")[0] for m in answer.messages} == {"websocket.http.response"}


async def test_websocket_closed_at_once_loses_no_session(emulator):
    browser = browser_of(emulator, lifetime=-100)
    answer = await browser.websocket("/close")
    assert answer.messages == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert sent_text(await browser.websocket("/greet")) == "user_ada"
    assert emulator.count("authenticate") == 1


@pytest.mark.parametrize("path", ["/late", "/refuse_then_change"])
async def test_websocket_cannot_change_the_session_once_it_has_answered(emulator, path):
    await browser_of(emulator).websocket(path)
    assert emulator.count("authenticate") == 0


ORIGINS = {
    "own": (ORIGIN, True),
    "none": (None, True),
    "trusted": ("https://admin.example.com", True),
    "foreign": ("https://evil.example", False),
    "a subdomain": ("https://x.app.example.com", False),
    "http": ("http://app.example.com", False),
    "another port": (f"{ORIGIN}:8443", False),
    "with a path": (f"{ORIGIN}/", False),
    "null": ("null", False),
    "empty": ("", False),
}


@pytest.mark.parametrize("same_site", ["lax", "none"])
@pytest.mark.parametrize(("origin", "trusted"), ORIGINS.values(), ids=ORIGINS)
async def test_websocket_of_a_foreign_origin_is_anonymous(emulator, origin, trusted, same_site):
    browser = browser_of(
        emulator,
        lifetime=-100,
        trusted_origins=("https://admin.example.com",),
        cookie_same_site=same_site,
    )
    headers = [] if origin is None else [("origin", origin)]
    answer = await browser.websocket("/greet", [*headers, ("host", "evil.example")])
    assert sent_text(answer) == ("user_ada" if trusted else "untrusted_origin")
    assert (SESSION in answer.set_cookies) == trusted
    assert emulator.count("authenticate") == int(trusted)


SAFE = dict.fromkeys(("GET", "HEAD", "OPTIONS", "TRACE"), True)
METHODS = SAFE | dict.fromkeys(("POST", "PUT", "PATCH", "DELETE", "CUSTOM", "get"), False)


async def auth_of(emulator, method: str, origin: str | None, same_site: str):
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(get_auth(HTTPConnection(scope)))
        await PlainTextResponse("ok")(scope, receive, send)

    seen: list = []
    authkit = service(
        emulator, cookie_same_site=same_site, trusted_origins=["https://admin.example.com"]
    )
    headers = [("cookie", f"{SESSION}={signed_in_cookie(emulator)}")]
    if origin is not None:
        headers.append(("origin", origin))
    await drive(AuthKitMiddleware(application, authkit=authkit), http_scope(method, "/", headers))
    return seen[0]


@pytest.mark.breaks_asgi("not in upper case")
@pytest.mark.parametrize(("method", "safe"), METHODS.items())
async def test_unsafe_methods_of_foreign_origins_are_anonymous_under_none(emulator, method, safe):
    auth = await auth_of(emulator, method, "https://evil.example", "none")
    assert (auth.user is not None) == safe
    assert safe or auth.reason is SignedOutReason.UNTRUSTED_ORIGIN


@pytest.mark.parametrize("same_site", ["lax", "strict"])
async def test_unsafe_methods_of_foreign_origins_are_the_browsers_to_refuse(emulator, same_site):
    assert (await auth_of(emulator, "POST", "https://evil.example", same_site)).user is not None


@pytest.mark.parametrize(("origin", "trusted"), ORIGINS.values(), ids=ORIGINS)
async def test_unsafe_methods_under_none_need_a_known_origin_or_none(emulator, origin, trusted):
    auth = await auth_of(emulator, "POST", origin, "none")
    assert (auth.user is not None) == trusted


async def test_websocket_guard_lets_a_user_through(emulator):
    assert sent_text(await browser_of(emulator).websocket("/guarded")) == "user_ada"


async def test_websocket_guard_denies_with_a_response(emulator):
    browser = browser_of(emulator)
    browser.cookies.clear()
    answer = await browser.websocket("/guarded")
    assert answer.status == 401
    assert answer.headers["vary"] == "Cookie"


async def test_websocket_guard_during_an_outage_denies_with_503(emulator):
    browser = browser_of(emulator, lifetime=-100)
    emulator.fail("authenticate", status=503, headers={"Retry-After": "3"})
    answer = await browser.websocket("/guarded")
    assert (answer.status, answer.headers["retry-after"]) == (503, "3")
    assert answer.set_cookies == {}


async def test_websocket_guard_closes_where_the_server_cannot_send_a_response(emulator):
    browser = browser_of(emulator)
    browser.cookies.clear()
    answer = await browser.websocket("/guarded", denial=False)
    assert answer.messages == [{"type": "websocket.close", "code": 1008, "reason": "Not signed in"}]


async def test_websocket_of_a_session_that_outgrew_its_cookie_fails(emulator):
    browser = browser_of(emulator, lifetime=-100)
    emulator.update_user("user_ada", metadata={"note": "x" * 6000})
    with pytest.raises(Exception, match="7168 bytes"):
        await browser.websocket("/greet")
