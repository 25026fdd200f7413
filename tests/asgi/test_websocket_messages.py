"""WebSockets message by message: where the cookie goes, and that nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import Answer, collect, drive, receive_of, websocket_scope
from asgi_site import SESSION, cookie_header
from asgi_spec import checked
from emulated import service
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware

pytestmark = pytest.mark.anyio

PAIRS = [(b"x-a", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"a=2")]
FORMS = {
    "list": (lambda: list(PAIRS), PAIRS),
    "tuple": (lambda: tuple(PAIRS), PAIRS),
    "generator": (lambda: (pair for pair in PAIRS), PAIRS),
    "none": (lambda: None, []),
}
lifetimes = pytest.mark.parametrize("lifetime", [None, -100], ids=["signed in", "expired"])


def sending(*messages: Message) -> ASGIApp:
    async def application(_: Scope, __: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


def with_headers(kind: str, headers: Any, **more: Any) -> Message:
    return {"type": kind, **more} if headers is None else {"type": kind, **more, "headers": headers}


@pytest.mark.parametrize(("make", "pairs"), FORMS.values(), ids=FORMS)
async def test_accept_keeps_its_headers_and_takes_the_cookie_along(emulator, make, pairs):
    accept = with_headers("websocket.accept", make(), subprotocol="chat")
    say = {"type": "websocket.send", "bytes": b"\0", "text": None}
    app = AuthKitMiddleware(sending(accept, say), authkit=service(emulator))
    answer = await drive(app, websocket_scope("/", [cookie_header(emulator, lifetime=-100)]))
    sent = answer.messages[0]
    assert sent["subprotocol"] == "chat"
    assert [tuple(pair) for pair in sent["headers"]][:-1] == pairs
    assert sent["headers"][-1][0] == b"set-cookie"
    assert sent["headers"][-1][1].startswith(f"{SESSION}=".encode())
    assert answer.messages[1] is say


@pytest.mark.parametrize(("make", "_pairs"), FORMS.values(), ids=FORMS)
async def test_accept_without_a_new_cookie_passes_as_it_is(emulator, make, _pairs):
    accept = with_headers("websocket.accept", make())
    app = AuthKitMiddleware(sending(accept), authkit=service(emulator))
    for headers in ([], [cookie_header(emulator)]):
        answer = await drive(app, websocket_scope("/", headers))
        assert answer.messages[0] is accept


@lifetimes
async def test_denial_that_is_a_stream_changes_in_its_start_only(emulator, lifetime):
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            sent.append(message)
            await send(message)

        websocket = WebSocket(scope, receive, note)
        await websocket.receive()
        await websocket.send_denial_response(StreamingResponse(iter(["n", "o"]), 403))

    app = AuthKitMiddleware(application, authkit=service(emulator))
    answer = await drive(app, websocket_scope("/", [cookie_header(emulator, lifetime=lifetime)]))
    assert (answer.status, answer.text) == (403, "no")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["vary"] == "Cookie"
    assert (SESSION in answer.set_cookies) == (lifetime is not None)
    assert all(a is b for a, b in zip(answer.messages[1:], sent[1:], strict=True))


async def test_frames_of_the_client_reach_the_application_as_they_are(emulator):
    frames: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "x"},
        {"type": "websocket.receive", "bytes": b"\xff", "text": None},
        {"type": "websocket.disconnect", "code": 1001, "reason": "bye"},
    ]
    seen: list[Message] = []

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        await send({"type": "websocket.accept"})
        while seen[-1]["type"] != "websocket.disconnect":
            seen.append(await receive())

    app = checked(AuthKitMiddleware(application, authkit=service(emulator)))
    scope = websocket_scope("/", [cookie_header(emulator, lifetime=-100)])
    await app(scope, receive_of(*frames), collect(Answer()))
    assert len(seen) == len(frames)
    assert all(a is b for a, b in zip(seen, frames, strict=True))


@pytest.mark.parametrize("accepted", [False, True])
async def test_exception_of_a_websocket_passes_as_it_is(emulator, accepted):
    error = RuntimeError("of the application")
    accept: Message = {"type": "websocket.accept"}

    async def application(_: Scope, __: Receive, send: Send) -> None:
        if accepted:
            await send(accept)
        raise error

    app = AuthKitMiddleware(application, authkit=service(emulator))
    answer = Answer()
    with pytest.raises(RuntimeError) as raised:
        await app(websocket_scope("/"), receive_of(), collect(answer))
    assert raised.value is error
    assert answer.messages == ([accept] if accepted else [])


async def test_scope_of_a_websocket_keeps_its_own_keys(emulator):
    scope = websocket_scope("/", [cookie_header(emulator)])
    scope["subprotocols"] = protocols = ["chat", "superchat"]
    before = dict(scope)
    app = AuthKitMiddleware(sending({"type": "websocket.close"}), authkit=service(emulator))
    await drive(app, scope)
    assert scope["subprotocols"] is protocols
    assert {key: value for key, value in scope.items() if key in before} == before
    assert scope.keys() - before.keys() == {"authkit_asgi.session"}
