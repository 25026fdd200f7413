"""Responses on their way through the middleware: what is added, and that nothing else changes."""

from __future__ import annotations

import anyio.lowlevel
import pytest
from asgi_driver import Answer, collect, drive, http_scope, receive_of
from asgi_site import SESSION, sealed_session, signed_in_cookie
from emulated import service
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, ResponseStartedError, get_session, require_signed_in
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}
END: Message = {"type": "http.response.body", "body": b"x"}
EXTENSIONS: dict[str, dict[str, str]] = {
    f"http.response.{name}": {}
    for name in ("debug", "early_hint", "pathsend", "push", "trailers", "zerocopysend")
}
PASSING = {
    "HEAD": [START, {"type": "http.response.body", "body": b""}],
    "304": [
        {"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"1"')]},
        {"type": "http.response.body"},
    ],
    "no headers": [{"type": "http.response.start", "status": 204}, {"type": "http.response.body"}],
    "early hints": [
        {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]},
        START,
        END,
    ],
    "unknown": [
        {"type": "http.response.informational", "status": 103, "headers": [(b"link", b"</a>")]},
        START,
        END,
    ],
    "trailers": [
        {**START, "trailers": True},
        {"type": "http.response.body", "body": b"x", "more_body": False},
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": False},
    ],
    "path": [START, {"type": "http.response.pathsend", "path": "/tmp/x"}],  # noqa: S108
    "zero copy": [START, {"type": "http.response.zerocopysend", "file": 3, "more_body": True}, END],
    "push": [{"type": "http.response.push", "path": "/a.css", "headers": []}, START, END],
    "debug": [{"type": "http.response.debug", "info": {"template": 1}}, START, END],
    "chunks": [
        START,
        *({"type": "http.response.body", "body": bytes([n]), "more_body": n < 8} for n in range(9)),
    ],
}


def sending(*messages: Message) -> ASGIApp:
    async def application(_: Scope, __: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


@pytest.mark.breaks_asgi("http.response.informational is no")
@pytest.mark.parametrize("messages", PASSING.values(), ids=PASSING)
async def test_anonymous_responses_pass_as_the_same_objects(emulator, messages):
    app = AuthKitMiddleware(sending(*messages), authkit=service(emulator))
    answer = await drive(app, http_scope("GET", "/", extensions=EXTENSIONS))
    assert len(answer.messages) == len(messages)
    assert all(sent is given for sent, given in zip(answer.messages, messages, strict=True))


@pytest.mark.breaks_asgi("http.response.informational is no")
@pytest.mark.parametrize("lifetime", [None, -100])
@pytest.mark.parametrize("messages", PASSING.values(), ids=PASSING)
async def test_signed_in_responses_change_in_the_start_only(emulator, messages, lifetime):
    app = AuthKitMiddleware(sending(*messages), authkit=service(emulator))
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=lifetime)}")
    answer = await drive(app, http_scope("GET", "/", [cookie], extensions=EXTENSIONS))
    for sent, given in zip(answer.messages, messages, strict=True):
        if given["type"] == "http.response.start":
            assert {**sent, "headers": 0} == {**given, "headers": 0}
            own = list(given.get("headers", ()))
            assert sent["headers"][: len(own)] == own
            added = [name for name, _ in sent["headers"][len(own) :]]
            cookies = [b"set-cookie"] if lifetime else []
            assert added == [b"cache-control", b"vary", *cookies]
        else:
            assert sent is given
    assert START["headers"] == [(b"x-a", b"1")]  # the application's own list stays as it was


async def test_streams_pass_unbuffered_with_back_pressure(emulator):
    """Each chunk has reached the server, and the server has said so, before the next is made."""
    log: list[str] = []

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        for number in range(3):
            log.append(f"made {number}")
            more = number < 2
            await send({"type": "http.response.body", "body": b"x", "more_body": more})

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        log.append(f"sent {message['type'].rpartition('.')[2]}")

    app = AuthKitMiddleware(application, authkit=service(emulator))
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=-100)}")
    await app(http_scope("GET", "/", [cookie]), receive_of(), send)
    sent = [entry for number in range(3) for entry in (f"made {number}", "sent body")]
    assert log == ["sent start", *sent]


async def test_no_cookie_is_set_when_nothing_has_changed(emulator):
    app = AuthKitMiddleware(sending(START, END), authkit=service(emulator))
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator)}")
    for _ in range(3):
        assert (await drive(app, http_scope("GET", "/", [cookie]))).set_cookies == {}


def started_by(emulator: WorkOSEmulator, endpoint) -> Starlette:
    return Starlette(
        routes=[Route("/", endpoint)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator))],
    )


async def test_of_several_changes_the_last_cookie_alone_is_sent(emulator):
    async def endpoint(request: Request) -> Response:
        session = get_session(request)
        await session.refresh()
        await session.switch_organization("org_globex")
        await session.refresh()
        return PlainTextResponse(require_signed_in(request).organization_id)

    app = started_by(emulator, endpoint)
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=-100)}")
    answer = await drive(app, http_scope("GET", "/", [cookie]))
    assert (answer.text, answer.set_cookies.keys()) == ("org_globex", {SESSION})
    again = ("cookie", answer.set_cookies[SESSION].partition(";")[0])
    assert (await drive(app, http_scope("GET", "/", [again]))).text == "org_globex"


async def test_the_applications_own_cookies_stay_beside_ours(emulator):
    headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    start = {"type": "http.response.start", "status": 200, "headers": iter(headers)}
    inner = sending(start, END)
    app = AuthKitMiddleware(inner, authkit=service(emulator))
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=-100)}")
    answer = await drive(app, http_scope("GET", "/", [cookie]))
    assert list(answer.set_cookies) == ["a", "b", SESSION]


CHANGES = {
    "refresh": lambda session: session.refresh(),
    "switch": lambda session: session.switch_organization("org_globex"),
    "sign out": lambda session: session.sign_out(),
    "sign in": lambda session: session.authorization_url(),
    "complete": lambda session: session.complete_sign_in("code", "state"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_after_the_start_raises_and_asks_workos_nothing(emulator, change):
    async def application(scope: Scope, _: Receive, send: Send) -> None:
        await send(START)
        await change(get_session(Request(scope)))

    app = AuthKitMiddleware(application, authkit=service(emulator))
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator)}")
    answer = Answer()
    with pytest.raises(ResponseStartedError, match="before the response"):
        await app(http_scope("GET", "/", [cookie]), receive_of(), collect(answer))
    assert (answer.set_cookies, emulator.count("authenticate")) == ({}, 0)


async def test_a_rotated_session_survives_an_application_that_fails(emulator):
    async def endpoint(_: Request) -> Response:
        raise RuntimeError("of the application")

    app = started_by(emulator, endpoint)
    cookie = ("cookie", f"{SESSION}={signed_in_cookie(emulator, lifetime=-100)}")
    for _ in range(3):
        answer = Answer()
        with pytest.raises(RuntimeError):
            await app(http_scope("GET", "/", [cookie]), receive_of(), collect(answer))
        assert answer.status == 500
    assert emulator.count("authenticate") == 1


@pytest.mark.parametrize("size", [6000, 20_000], ids=["for cookies", "for a seal"])
@pytest.mark.parametrize("kind", ["document", "program"])
async def test_a_session_too_large_is_a_500_that_says_so(emulator, kind, size, caplog):
    answer = emulator.sign_in("user_ada", lifetime=-100)
    emulator.update_user("user_ada", metadata={"note": "x" * size})
    app = AuthKitMiddleware(sending(START, END), authkit=service(emulator))
    headers = [("cookie", f"{SESSION}={sealed_session(answer)}")]
    if kind == "document":
        headers.append(("accept", "text/html"))
    response = await drive(app, http_scope("GET", "/", headers))
    assert response.status == 500
    assert (
        response.json["code"] == "session_too_large"
        if kind == "program"
        else "<h1>" in response.text
    )
    assert response.set_cookies == {}
    (record,) = [record for record in caplog.records if record.name == "authkit_asgi.middleware"]
    assert record.getMessage().startswith("session_too_large: The se")
