"""Scopes and messages as ASGI allows them, and an application that plays a script of them."""

from __future__ import annotations

from typing import Any

from asgi_spec import checked
from starlette.types import Message, Receive, Scope, Send

_ASGI = {"version": "3.0", "spec_version": "2.5"}
HTTP: Scope = {
    "type": "http",
    "asgi": _ASGI,
    "http_version": "1.1",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [(b"host", b"app.example.com")],
    "extensions": {},
}
WEBSOCKET: Scope = {key: HTTP[key] for key in HTTP if key != "method"} | {"type": "websocket"}
LIFESPAN: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
SCOPES = {"http": HTTP, "websocket": WEBSOCKET, "lifespan": LIFESPAN}

REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}
GONE: Message = {"type": "http.disconnect"}
START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]}
MORE: Message = {"type": "http.response.body", "body": b"x", "more_body": True}
BODY: Message = {"type": "http.response.body", "body": b"x"}
SUM: Message = {"type": "http.response.trailers", "headers": [(b"sum", b"1")]}
CONNECT: Message = {"type": "websocket.connect"}
ACCEPT: Message = {"type": "websocket.accept", "subprotocol": None, "headers": ()}
SAY: Message = {"type": "websocket.send", "text": "x"}
HEAR: Message = {"type": "websocket.receive", "bytes": b"x", "text": None}
CLOSE: Message = {"type": "websocket.close", "code": 1000, "reason": ""}
DENY: Message = {"type": "websocket.http.response.start", "status": 403, "headers": []}
DENIED: Message = {"type": "websocket.http.response.body", "body": b"no"}
UP: Message = {"type": "lifespan.startup"}
IS_UP: Message = {"type": "lifespan.startup.complete"}
DOWN: Message = {"type": "lifespan.shutdown"}
IS_DOWN: Message = {"type": "lifespan.shutdown.complete"}


async def play(scope: Scope, *script: Message) -> None:
    """Have an application receive and send these messages, in this order."""
    given = [message for message in script if _is_given(message)]

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        for message in script:
            if _is_given(message):
                assert await receive() is message
            else:
                await send(message)

    async def receive() -> Message:
        return given.pop(0)

    async def send(_: Message) -> None:
        pass

    await checked(application)(scope, receive, send)


def _is_given(message: Any) -> bool:
    kind = message.get("type") if isinstance(message, dict) else None
    return kind in {
        "http.request", "http.disconnect", "websocket.connect", "websocket.receive",
        "websocket.disconnect", "lifespan.startup", "lifespan.shutdown",
    }  # fmt: skip


def offering(*names: str, of: Scope = HTTP) -> Scope:
    return {**of, "extensions": {name: {} for name in names}}


TRAILING = offering("http.response.trailers")
DENYING = offering("websocket.http.response", of=WEBSOCKET)
PUSH: Message = {"type": "http.response.push", "path": "/a.css", "headers": []}
HINT: Message = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
PATH: Message = {"type": "http.response.pathsend", "path": "/a"}
FILE: Message = {"type": "http.response.zerocopysend", "file": 3, "offset": 1, "count": None}
DEBUG: Message = {"type": "http.response.debug", "info": {}}
