"""Each kind of response takes a new cookie along, whatever form its headers have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgi_driver import Answer, collect, drive, http_scope, receive_of
from asgi_site import SESSION, cookie_header
from asgi_spec import checked
from emulated import service
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

END: Message = {"type": "http.response.body", "body": b"x"}
PAIRS = [(b"x-a", b"1"), (b"x-a", b"2"), (b"x-b", b"\xff")]


def start(headers: Any = None, **more: Any) -> Message:
    message: Message = {"type": "http.response.start", "status": 200, **more}
    return message if headers is None else {**message, "headers": headers}


def sending(*messages: Message) -> ASGIApp:
    async def application(_: Scope, __: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


async def expired(emulator: WorkOSEmulator, app: ASGIApp, method: str = "GET", **more) -> Answer:
    """Ask `app` with a session that is exchanged on the way."""
    around = AuthKitMiddleware(app, authkit=service(emulator))
    header = cookie_header(emulator, lifetime=-100)
    return await drive(around, http_scope(method, "/", [header], **more))


FORMS = {
    "list": (lambda: list(PAIRS), PAIRS),
    "tuple": (lambda: tuple(PAIRS), PAIRS),
    "lists": (lambda: [list(pair) for pair in PAIRS], PAIRS),
    "iterator": (lambda: iter(PAIRS), PAIRS),
    "generator": (lambda: (pair for pair in PAIRS), PAIRS),
    "empty": (lambda: (), []),
    "none": (lambda: None, []),
}


@pytest.mark.parametrize(("make", "pairs"), FORMS.values(), ids=FORMS)
async def test_headers_of_any_form_keep_their_order(emulator, make, pairs):
    answer = await expired(emulator, sending(start(make()), END))
    headers = [tuple(pair) for pair in answer.start["headers"]]
    assert headers[: len(pairs)] == pairs
    added = [name for name, _ in headers[len(pairs) :]]
    assert added == [b"cache-control", b"vary", b"set-cookie"]


@pytest.mark.parametrize(("make", "pairs"), FORMS.values(), ids=FORMS)
async def test_headers_of_any_form_are_let_be_for_strangers(emulator, make, pairs):
    message = start(make())
    app = AuthKitMiddleware(sending(message, END), authkit=service(emulator))
    answer = await drive(app, http_scope("GET", "/"))
    assert answer.messages[0] is message
    assert [tuple(pair) for pair in message.get("headers", ())] == pairs


async def test_the_applications_cookies_keep_their_order_and_their_duplicates(emulator):
    own = [b"b=1", b"a=1; Path=/x", b"b=2", f"{SESSION}=own".encode(), b"a=1; Path=/x"]
    app = sending(start([(b"set-cookie", line) for line in own]), END)
    lines = (await expired(emulator, app)).all("set-cookie")
    assert [line.encode() for line in lines[:-1]] == own
    assert lines[-1].startswith(f"{SESSION}=Fe26.2*")


async def test_message_that_the_application_changes_afterwards_has_gone_out_as_it_was(emulator):
    message = start([(b"x-a", b"1")])

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send(message)
        message["status"] = 500
        message["headers"].append((b"set-cookie", b"late=1"))
        await send(END)

    answer = await expired(emulator, application)
    assert answer.status == 200
    assert answer.set_cookies.keys() == {SESSION}


async def test_message_that_the_application_sends_to_everybody_carries_nobodys_cookie(emulator):
    message = start([(b"x-a", b"1")])
    app = AuthKitMiddleware(sending(message, END), authkit=service(emulator))
    for user, lifetime in (("user_ada", -100), ("user_bob", None)):
        header = cookie_header(emulator, user, lifetime)
        answer = await drive(app, http_scope("GET", "/", [header]))
        assert (SESSION in answer.set_cookies) == (lifetime is not None)
        assert answer.headers["cache-control"] == "private, no-store"
        assert message == start([(b"x-a", b"1")])
    assert (await drive(app, http_scope("GET", "/"))).messages[0] is message


@pytest.mark.parametrize("status", [200, 204, 304, 307, 404, 416, 500, 503])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
async def test_every_status_takes_a_new_cookie_along(emulator, method, status):
    answer = await expired(emulator, Response(status_code=status, headers={"etag": '"1"'}), method)
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.set_cookies.keys() == {SESSION}


async def test_early_hints_and_trailers_stay_without_cookies(emulator):
    messages: list[Message] = [
        {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]},
        start([], trailers=True),
        {**END, "more_body": True},
        END,
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True},
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"2")]},
    ]
    extensions = {"http.response.early_hint": {}, "http.response.trailers": {}}
    answer = await expired(emulator, sending(*messages), extensions=extensions)
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.start["trailers"] is True
    others = [index for index in range(len(messages)) if index != 1]
    assert all(answer.messages[index] is messages[index] for index in others)


@pytest.mark.parametrize("extensions", [{}, {"http.response.pathsend": {}}], ids=["read", "sent"])
async def test_file_is_left_to_the_server_where_it_can_send_one(
    emulator, tmp_path: Path, extensions
):
    path = tmp_path / "report.txt"
    path.write_text("a report")
    answer = await expired(emulator, FileResponse(path), extensions=extensions)
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["content-length"] == "8"
    last = answer.messages[-1]
    if extensions:
        assert last == {"type": "http.response.pathsend", "path": str(path)}
    else:
        assert answer.text == "a report"


async def test_open_file_is_left_to_the_server(emulator, tmp_path: Path):
    path = tmp_path / "report.txt"
    path.write_text("a report")
    with path.open("rb") as file:
        parts: list[Message] = [
            {"type": "http.response.zerocopysend", "file": file, "count": 4, "more_body": True},
            {"type": "http.response.zerocopysend", "file": file, "offset": 4},
        ]
        extensions = {"http.response.zerocopysend": {}}
        answer = await expired(emulator, sending(start(), *parts), extensions=extensions)
        assert all(sent is part for sent, part in zip(answer.messages[1:], parts, strict=True))
        assert answer.set_cookies.keys() == {SESSION}
        assert not file.closed


@pytest.mark.parametrize("kind", ["signed in", "expired", "stranger"])
async def test_request_body_in_parts_reaches_the_application_whole(emulator, kind):
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(body)(scope, receive, send)

    header = cookie_header(emulator, lifetime=-100 if kind == "expired" else None)
    parts: list[Message] = [
        {"type": "http.request", "body": bytes([65 + number]), "more_body": number < 25}
        for number in range(26)
    ]
    answer = Answer()
    app = checked(AuthKitMiddleware(application, authkit=service(emulator)))
    scope = http_scope("POST", "/", [] if kind == "stranger" else [header])
    await app(scope, receive_of(*parts), collect(answer))
    assert answer.text == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
