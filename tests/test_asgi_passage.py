"""The checker on both sides of a middleware refuses each thing that ours must not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgi_breaches import SpecificationError, collecting
from asgi_passage import call_observed
from asgi_script import ACCEPT, BODY, HTTP, IS_UP, LIFESPAN, REQUEST, START, WEBSOCKET
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import SignedOut, SignedOutReason

pytestmark = pytest.mark.anyio

SIGNED_OUT = SignedOut(reason=SignedOutReason.NO_SESSION_COOKIE_PROVIDED)
COOKIE = (b"set-cookie", b"a=1; Path=/")
PRIVATE = [(b"cache-control", b"private, no-store"), (b"vary", b"Cookie")]
FROM_APPLICATION: dict[str, list[Message]] = {
    "http": [
        {**START, "headers": [(b"x", b"1"), (b"cache-control", b"no-cache"), (b"vary", b"Accept")]},
        BODY,
    ],
    "websocket": [ACCEPT],
    "lifespan": [IS_UP],
}

Change = Callable[[Message], Any]


def sending(change: Change) -> Callable[[ASGIApp], ASGIApp]:
    """Return a middleware that sends what `change` makes of each message, unless it is None."""

    def around(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            async def changed(message: Message) -> None:
                for one in _listed(change(message)):
                    await send(one)

            _sign_out(scope)
            await app(scope, receive, changed)

        return middleware

    return around


def _listed(messages: Any) -> list[Message]:
    return messages if isinstance(messages, list) else [] if messages is None else [messages]


def _sign_out(scope: Scope) -> None:
    if scope["type"] != "lifespan":
        scope.setdefault("state", {})["auth"] = SIGNED_OUT


def entering(change: Callable[[Scope], Any]) -> Callable[[ASGIApp], ASGIApp]:
    """Return a middleware that calls its application with what `change` makes of the scope."""

    def around(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            _sign_out(scope)
            await app(change(scope) or scope, receive, send)

        return middleware

    return around


def using_up(app: ASGIApp) -> ASGIApp:
    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        _sign_out(scope)
        await receive()
        await app(scope, receive, send)

    return middleware


def replacing_the_request(app: ASGIApp) -> ASGIApp:
    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        async def copied() -> Message:
            return dict(await receive())

        _sign_out(scope)
        await app(scope, copied, send)

    return middleware


def calling_twice(app: ASGIApp) -> ASGIApp:
    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        _sign_out(scope)
        await app(scope, receive, send)
        await app(scope, receive, send)

    return middleware


async def run(
    middleware: Callable[[ASGIApp], ASGIApp], of: Scope, *, reads: bool = False
) -> list[Message]:
    """Serve a copy of `of` through the middleware and return what the server gets."""
    sent: list[Message] = []
    scope = {**of, "state": {"database": object()}}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if reads or scope["type"] == "lifespan":
            await receive()
        for message in FROM_APPLICATION[scope["type"]]:
            await send({**message})

    async def receive() -> Message:
        return {"type": "lifespan.startup"} if of is LIFESPAN else {**REQUEST}

    async def send(message: Message) -> None:
        sent.append(message)

    await call_observed(middleware, application, scope, receive, send)
    return sent


def headers(*added: tuple[bytes, bytes], drop: bytes = b"", **changes: Any) -> Change:
    """Return what adds headers to the messages that carry some, and drops others."""

    def change(message: Message) -> Message:
        if "headers" not in message:
            return message
        kept = [pair for pair in message["headers"] if pair[0] != drop]
        return {**message, "headers": [*kept, *added], **changes}

    return change


def write_headers(message: Message) -> Message:
    if message["type"] == START["type"]:
        message["status"] = 201
    return message


def extend_headers(message: Message) -> Message:
    if message["type"] == START["type"]:
        message["headers"].append((b"y", b"2"))
    return message


def replace_vary(message: Message) -> Message:
    return headers((b"vary", b"Cookie"), drop=b"vary")(message)


def with_cookies(message: Message) -> Message:
    bare = headers(drop=b"cache-control")(message)
    return headers((b"vary", b"Cookie"), PRIVATE[0], COOKIE)(bare)


NO_CACHE_CONTROL = headers((b"vary", b"Cookie"), drop=b"cache-control")

ALLOWED = {
    "nothing": (sending(lambda message: message), HTTP),
    "cookies": (sending(with_cookies), HTTP),
    "vary": (sending(headers((b"vary", b"Cookie"))), HTTP),
    "vary by authorization": (sending(headers((b"vary", b"Authorization"))), HTTP),
    "accept with a cookie": (sending(headers(COOKIE)), WEBSOCKET),
    "lifespan": (sending(lambda message: message), LIFESPAN),
}


@pytest.mark.parametrize(("middleware", "scope"), ALLOWED.values(), ids=ALLOWED)
async def test_passage_lets_pass_what_the_middleware_may_do(middleware, scope):
    with collecting() as breaches:
        sent = await run(middleware, scope)
    assert len(sent) == len(FROM_APPLICATION[scope["type"]])
    assert breaches == []


BREACHES: dict[str, tuple[Callable[[ASGIApp], ASGIApp], Scope, str]] = {
    "status": (sending(headers(*PRIVATE, status=201)), HTTP, "more than its headers"),
    "new key": (sending(headers(*PRIVATE, x=1)), HTTP, "more than its headers"),
    "other header": (sending(headers((b"y", b"2"), *PRIVATE)), HTTP, "something but Set-Cookie"),
    "lost header": (sending(headers(*PRIVATE, drop=b"x")), HTTP, "something but Set-Cookie"),
    "cookie twice": (sending(headers(COOKIE, COOKIE, *PRIVATE)), HTTP, "for one cookie"),
    "cookie in a cache": (sending(headers(COOKIE, PRIVATE[1])), HTTP, "a cache may keep it"),
    "cookie by authorization": (
        sending(headers(COOKIE, PRIVATE[0], (b"vary", b"Authorization"), drop=b"cache-control")),
        HTTP,
        "Vary does not name the cookie",
    ),
    "own cache control": (sending(NO_CACHE_CONTROL), HTTP, "own Cache-Control"),
    "no vary": (sending(headers()), HTTP, "Vary does not name the cookie"),
    "lost vary": (sending(replace_vary), HTTP, "fields of Vary"),
    "copied start": (sending(lambda m: {**m}), HTTP, "Vary does not name the cookie"),
    "copied body": (
        sending(lambda m: {**m} if m["type"] == BODY["type"] else m), HTTP, "no headers of a"
    ),
    "written into": (sending(write_headers), HTTP, "written into the application's own"),
    "headers extended": (sending(extend_headers), HTTP, "written into the application's own"),
    "swallowed": (
        sending(lambda m: None if m["type"] == BODY["type"] else m), HTTP,
        "has swallowed http.response.body",
    ),
    "made up": (
        sending(lambda m: [m, {**BODY, "more_body": True}]), HTTP,
        "http.response.body, which the application has not",
    ),
    "accept copied": (sending(headers()), WEBSOCKET, "nothing, so that it might have passed"),
    "accept changed": (sending(headers((b"y", b"2"))), WEBSOCKET, "something but Set-Cookie"),
    "lifespan copied": (sending(lambda m: {**m}), LIFESPAN, "no headers of a response"),
    "scope copied": (entering(lambda scope: {**scope}), HTTP, "is another object"),
    "path": (entering(lambda scope: scope.update(path="/b")), HTTP, "changed 'path'"),
    "new scope": (entering(lambda scope: scope.update(session="ada")), HTTP, "changed 'session'"),
    "lost key": (entering(lambda scope: scope.pop("path") and None), HTTP, "changed 'path'"),
    "state": (
        entering(lambda scope: scope["state"].update(database=2)), HTTP, "changed 'database'"
    ),
    "no auth": (entering(lambda scope: scope["state"].clear()), HTTP, "changed 'database'"),
    "auth of another type": (
        entering(lambda scope: scope["state"].update(auth=None)), HTTP, "has no `auth`"
    ),
    "lifespan's state": (
        entering(lambda scope: scope.update(state={})), LIFESPAN, "changed 'state'"
    ),
    "request used up": (using_up, HTTP, "used up a message"),
    "request replaced": (replacing_the_request, HTTP, "something else than the server gave"),
    "called twice": (calling_twice, HTTP, "called the application twice"),
}  # fmt: skip


@pytest.mark.parametrize(("middleware", "scope", "text"), BREACHES.values(), ids=BREACHES)
async def test_passage_refuses_what_the_middleware_must_not_do(middleware, scope, text):
    with collecting() as breaches, pytest.raises(SpecificationError) as raised:
        await run(middleware, scope, reads=middleware is replacing_the_request)
    assert text in str(raised.value)
    assert breaches == [str(raised.value)]
