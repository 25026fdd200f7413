"""The checker of the tests: it lets pass what ASGI allows, and refuses each kind of breach."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_breaches import SpecificationError, collecting
from asgi_script import (
    ACCEPT,
    BODY,
    CLOSE,
    CONNECT,
    DEBUG,
    DENIED,
    DENY,
    DENYING,
    DOWN,
    FILE,
    GONE,
    HEAR,
    HINT,
    HTTP,
    IS_DOWN,
    IS_UP,
    LIFESPAN,
    MORE,
    PATH,
    PUSH,
    REQUEST,
    SAY,
    START,
    SUM,
    TRAILING,
    UP,
    WEBSOCKET,
    offering,
    play,
)
from asgi_spec import checked
from starlette.types import Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio

ALLOWED: dict[str, tuple[Scope, list[Message]]] = {
    "response": (HTTP, [REQUEST, START, MORE, BODY]),
    "request in parts": (HTTP, [{**REQUEST, "more_body": True}, REQUEST, START, BODY, GONE, GONE]),
    "tuples": (HTTP, [{**START, "headers": ((b"a", b"1"), [b"a", b"\xff"])}, BODY]),
    "iterator": (HTTP, [{**START, "headers": iter([])}, BODY]),
    "no headers": (HTTP, [{"type": "http.response.start", "status": 204}, BODY]),
    "client gone": (HTTP, [REQUEST, START, MORE, GONE]),
    "client gone at once": (HTTP, [GONE]),
    "trailers": (
        TRAILING,
        [{**START, "trailers": True}, BODY, {**SUM, "more_trailers": True}, SUM],
    ),
    "push": (offering("http.response.push"), [PUSH, START, PUSH, BODY]),
    "early hints": (offering("http.response.early_hint"), [HINT, HINT, START, BODY]),
    "path": (offering("http.response.pathsend"), [START, PATH]),
    "file": (offering("http.response.zerocopysend"), [START, MORE, FILE]),
    "debug": (offering("http.response.debug"), [DEBUG, START, BODY]),
    "client and server": (
        {**HTTP, "client": ["192.0.2.1", 1], "server": ("/run/socket", None), "state": {}},
        [START, BODY],
    ),
    "websocket": (WEBSOCKET, [CONNECT, ACCEPT, HEAR, SAY, CLOSE]),
    "websocket left open": (WEBSOCKET, [CONNECT, ACCEPT]),
    "websocket gone": (WEBSOCKET, [CONNECT, {"type": "websocket.disconnect", "code": 1001}]),
    "websocket refused": (WEBSOCKET, [CONNECT, CLOSE]),
    "websocket denied": (DENYING, [CONNECT, DENY, {**DENIED, "more_body": True}, DENIED]),
    "lifespan": (LIFESPAN, [UP, IS_UP, DOWN, IS_DOWN]),
    "lifespan failed": (LIFESPAN, [UP, {"type": "lifespan.startup.failed", "message": "x"}]),
}


@pytest.mark.parametrize(("scope", "script"), ALLOWED.values(), ids=ALLOWED)
async def test_checker_lets_pass_what_asgi_allows(scope, script):
    with collecting() as breaches:
        await play(scope, *script)
    assert breaches == []


async def test_checker_leaves_other_scopes_alone():
    await play({"type": "mqtt"}, {"type": "x"}, {"y": 1})


async def test_checker_passes_on_what_send_raises_and_asks_for_no_more():
    async def application(_: Scope, __: Receive, send: Send) -> None:
        with pytest.raises(ConnectionResetError):
            await send(START)

    async def send(_: Message) -> None:
        raise ConnectionResetError

    with collecting() as breaches:
        await checked(application)(HTTP, send, send)
    assert breaches == []


AT_UNSTARTED = "in the stage 'unstarted'"
AT_END = "in the stage 'ended'"
ORDER_BREACHES: dict[str, tuple[Scope, list[Message], str]] = {
    "body first": (HTTP, [BODY], AT_UNSTARTED),
    "start twice": (HTTP, [START, START], "http.response.start in the stage 'body'"),
    "start after the end": (HTTP, [START, BODY, START], AT_END),
    "body after the end": (HTTP, [START, BODY, BODY], AT_END),
    "no response": (HTTP, [REQUEST], "returned in the stage 'unstarted'"),
    "no body": (HTTP, [START], "returned in the stage 'body'"),
    "half a body": (HTTP, [START, MORE], "returned in the stage 'body'"),
    "request after its end": (HTTP, [REQUEST, REQUEST], "after the end of the request"),
    "request after the client": (HTTP, [GONE, REQUEST], "after the end of the request"),
    "websocket's message": (HTTP, [SAY], "websocket.send is no message that an application sends"),
    "websocket's event": (HTTP, [CONNECT], "websocket.connect is no message that an application"),
    "server's message": (HTTP, [START, {"type": "http.response.body"}, IS_UP], "is no message"),
    "hints not offered": (HTTP, [HINT], "needs the extension http.response.early_hint"),
    "push not offered": (HTTP, [PUSH], "needs the extension http.response.push"),
    "path not offered": (HTTP, [START, PATH], "needs the extension http.response.pathsend"),
    "file not offered": (HTTP, [START, FILE], "needs the extension http.response.zerocopysend"),
    "debug not offered": (HTTP, [DEBUG], "needs the extension http.response.debug"),
    "trailers not offered": (HTTP, [{**START, "trailers": True}], "announces trailers"),
    "hints after the start": (offering(HINT["type"]), [START, HINT], "in the stage 'body'"),
    "debug after the start": (offering(DEBUG["type"]), [START, DEBUG], "in the stage 'body'"),
    "body after a path": (offering(PATH["type"]), [START, PATH, BODY], AT_END),
    "body after a file": (offering(FILE["type"]), [START, FILE, BODY], AT_END),
    "trailers unannounced": (TRAILING, [START, BODY, SUM], AT_END),
    "trailers too early": (TRAILING, [{**START, "trailers": True}, SUM], "in the stage 'body'"),
    "no trailers": (TRAILING, [{**START, "trailers": True}, BODY], "in the stage 'trailers'"),
    "trailers twice": (TRAILING, [{**START, "trailers": True}, BODY, SUM, SUM], AT_END),
    "send first": (WEBSOCKET, [CONNECT, SAY], "in the stage 'handshake'"),
    "accept twice": (WEBSOCKET, [CONNECT, ACCEPT, ACCEPT], "in the stage 'open'"),
    "close twice": (WEBSOCKET, [CONNECT, CLOSE, CLOSE], "in the stage 'closed'"),
    "send after close": (WEBSOCKET, [CONNECT, ACCEPT, CLOSE, SAY], "in the stage 'closed'"),
    "denial not offered": (WEBSOCKET, [CONNECT, DENY], "extension websocket.http.response"),
    "denial after accept": (DENYING, [CONNECT, ACCEPT, DENY], "in the stage 'open'"),
    "accept after denial": (DENYING, [CONNECT, DENY, ACCEPT], "in the stage 'denial'"),
    "denial without start": (DENYING, [CONNECT, DENIED], "in the stage 'handshake'"),
    "half a denial": (DENYING, [CONNECT, DENY], "returned in the stage 'denial'"),
    "neither accepted nor closed": (WEBSOCKET, [CONNECT], "returned in the stage 'handshake'"),
    "http's message": (WEBSOCKET, [CONNECT, START], "http.response.start is no message that"),
    "http's event": (WEBSOCKET, [REQUEST], "http.request is no message that an application"),
    "connect twice": (WEBSOCKET, [CONNECT, CONNECT], "websocket.connect twice"),
    "frame first": (WEBSOCKET, [HEAR], "before websocket.connect"),
    "frame before accept": (WEBSOCKET, [CONNECT, HEAR], "while the connection is not open"),
    "complete unasked": (LIFESPAN, [IS_UP], AT_UNSTARTED),
    "complete twice": (LIFESPAN, [UP, IS_UP, IS_UP], "in the stage 'running'"),
    "down before up": (LIFESPAN, [DOWN], AT_UNSTARTED),
    "down unasked": (LIFESPAN, [UP, IS_UP, IS_DOWN], "in the stage 'running'"),
    "down after a failure": (
        LIFESPAN, [UP, {"type": "lifespan.startup.failed"}, DOWN], AT_END
    ),
    "startup unanswered": (LIFESPAN, [UP], "returned in the stage 'starting'"),
    "shutdown unanswered": (LIFESPAN, [UP, IS_UP, DOWN], "returned in the stage 'stopping'"),
}  # fmt: skip


@pytest.mark.parametrize(("scope", "script", "text"), ORDER_BREACHES.values(), ids=ORDER_BREACHES)
async def test_checker_refuses_an_order(scope, script, text):
    with collecting() as breaches, pytest.raises(SpecificationError) as raised:
        await play(scope, *script)
    assert text in str(raised.value)
    assert breaches == [str(raised.value)]


async def test_checker_notes_a_breach_that_the_application_swallows():
    async def application(_: Scope, __: Receive, send: Send) -> None:
        with pytest.raises(SpecificationError):
            await send({**START, "status": 1})
        await send(START)
        await send(BODY)

    async def nothing(*_: Any) -> None:
        return None

    with collecting() as breaches:
        await checked(application)(HTTP, nothing, nothing)
    assert breaches == ["http.response.start: 'status' is 1, not from 200 to 599"]


async def test_checker_lets_pass_what_is_allowed_by_name():
    with collecting("not in lower case") as breaches:
        await play(HTTP, {**START, "headers": [(b"Vary", b"x")]}, BODY)
    assert breaches == []
