"""Clients that go away early: the application learns it as without us, and no session is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest
from asgi_driver import Answer, collect, drive, http_scope, receive_of, websocket_scope
from asgi_site import SESSION, cookie_header, who
from asgi_spec import checked
from emulated import service
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from authkit_asgi import AuthKit, AuthKitMiddleware, ResponseStartedError, get_session

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"x", "more_body": True}
REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await (await who(Request(scope)))(scope, receive, send)


async def is_signed_in_still(emulator, authkit: AuthKit, header: tuple[str, str]) -> None:
    """Ask with the old cookie: the session that was exchanged has not been lost."""
    app = AuthKitMiddleware(answering, authkit=authkit)
    answer = await drive(app, http_scope("GET", "/", [header]))
    assert answer.json["user"] == "user_ada"
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 1


def failing_at(number: int, answer: Answer, error: OSError) -> Send:
    """Return the `send` of a server whose client is gone before the message of that number."""

    async def send(message: Message) -> None:
        if len(answer.messages) == number:
            raise error
        answer.messages.append(message)

    return send


async def stream() -> AsyncIterator[bytes]:
    for _ in range(1000):
        yield b"x"
        await anyio.lowlevel.checkpoint()


async def test_disconnect_during_a_stream_ends_it(emulator):
    """Up to version 2.3, servers tell it by `receive` alone."""
    done: list[str] = []
    answer, gone = Answer(), anyio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        task = BackgroundTask(done.append, "task")
        await StreamingResponse(stream(), background=task)(scope, receive, send)

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)
        if len(answer.messages) == 3:
            gone.set()
            await anyio.sleep_forever()

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    await app(http_scope("GET", "/", [header]), receive, send)
    assert [message["type"] for message in answer.messages] == [
        "http.response.start",
        "http.response.body",
        "http.response.body",
    ]
    assert answer.set_cookies.keys() == {SESSION}
    assert done == ["task"]
    await is_signed_in_still(emulator, authkit, header)


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_disconnect_that_send_tells_reaches_the_application(emulator, number):
    """From version 2.4 on, `send` raises an OSError."""
    error, answer = ConnectionResetError("gone"), Answer()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(stream())(scope, receive, send)

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    scope = http_scope("GET", "/", [header], asgi={"version": "3.0", "spec_version": "2.4"})
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    with pytest.raises(ClientDisconnect) as raised:
        await app(scope, receive_of(REQUEST), failing_at(number, answer, error))
    assert raised.value.__context__ is error
    assert len(answer.messages) == number
    await is_signed_in_still(emulator, authkit, header)


async def test_error_of_the_servers_send_passes_as_it_is(emulator):
    """The headers may have gone out: from then on the session cannot be changed."""
    error, caught = BrokenPipeError("gone"), []

    async def application(scope: Scope, _: Receive, send: Send) -> None:
        try:
            await send(START)
        except OSError as problem:
            caught.append(problem)
            with pytest.raises(ResponseStartedError):
                await get_session(Request(scope)).refresh()
            raise

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    with pytest.raises(BrokenPipeError) as raised:
        await app(http_scope("GET", "/", [header]), receive_of(), failing_at(0, Answer(), error))
    assert raised.value is error
    assert caught == [error]
    await is_signed_in_still(emulator, authkit, header)


async def test_disconnect_before_the_request_is_read_reaches_the_application(emulator):
    gone: Message = {"type": "http.disconnect"}

    async def application(_: Scope, receive: Receive, __: Send) -> None:
        assert await receive() is gone
        assert await receive() is gone

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    answer = Answer()
    await app(http_scope("POST", "/", [header]), receive_of(gone, gone), collect(answer))
    assert answer.messages == []
    await is_signed_in_still(emulator, authkit, header)


async def test_stream_that_is_cancelled_loses_no_session(emulator):
    answer, begun = Answer(), anyio.Event()

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        await send(BODY)
        begun.set()
        await anyio.sleep_forever()

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    async with anyio.create_task_group() as group:
        group.start_soon(app, http_scope("GET", "/", [header]), receive_of(), collect(answer))
        await begun.wait()
        group.cancel_scope.cancel()
    assert len(answer.messages) == 2
    await is_signed_in_still(emulator, authkit, header)


@pytest.mark.parametrize("number", [0, 1], ids=["at the accept", "later"])
async def test_websocket_whose_client_is_gone_loses_no_session(emulator, number):
    error = ConnectionResetError("gone")

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "x"})

    authkit = service(emulator)
    header = cookie_header(emulator, lifetime=-100)
    app = checked(AuthKitMiddleware(application, authkit=authkit))
    connect = receive_of({"type": "websocket.connect"})
    with pytest.raises(ConnectionResetError) as raised:
        await app(websocket_scope("/", [header]), connect, failing_at(number, Answer(), error))
    assert raised.value is error
    await is_signed_in_still(emulator, authkit, header)
