"""What AuthKitMiddleware may do to a connection on its way through, and that it does no more."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

from asgi_breaches import report
from asgi_fields import SCOPES
from asgi_spec import call_checked
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, SignedIn, SignedOut
from authkit_asgi.testing.application import EmulatorApplication

_Headers = list[tuple[bytes, bytes]]

_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
_CACHE_HEADERS = frozenset({b"cache-control", b"vary"})
_OWN_FIELDS = frozenset({b"cookie", b"authorization", b""})  # of Vary
_OWN_SCOPE_KEYS = frozenset(
    {"state", "authkit_asgi.session", "authkit_asgi.counted", "user", "auth"}
)
_OWN_STATE_KEYS = frozenset({"auth", "authkit"})


def observe() -> Callable[[], None]:
    """Check every AuthKitMiddleware and every emulator from now on; return what ends it."""
    middleware, emulator = AuthKitMiddleware.__call__, EmulatorApplication.__call__

    async def through_middleware(
        self: AuthKitMiddleware, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] not in SCOPES:
            await middleware(self, scope, receive, send)
            return

        def around(app: ASGIApp) -> ASGIApp:
            # Calls change nothing in a middleware, so that a copy can have an application apart.
            twin = copy.copy(self)
            twin.app = app
            return functools.partial(middleware, twin)

        await call_observed(around, self.app, scope, receive, send)

    async def to_emulator(
        self: EmulatorApplication, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await call_checked(functools.partial(emulator, self), scope, receive, send)

    def undo() -> None:
        AuthKitMiddleware.__call__ = middleware
        EmulatorApplication.__call__ = emulator

    AuthKitMiddleware.__call__ = through_middleware
    EmulatorApplication.__call__ = to_emulator
    return undo


async def call_observed(
    middleware: Callable[[ASGIApp], ASGIApp],
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve one connection with `middleware` around `app`, and checkers on both its sides."""
    passage = Passage(scope)
    stack = passage.outside(middleware(passage.inside(app)))
    await call_checked(stack, scope, receive, send)


class Passage:
    """One connection, seen on both sides of a middleware."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._scope_before = dict(scope)
        self._state_before = dict(scope.get("state", {}))
        self._entered = False
        self._received: list[Message] = []
        self._handed = 0
        self._sending: _Sending | None = None

    def outside(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with an ear between it and the server."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            async def receive_and_note() -> Message:
                self._received.append(await receive())
                return self._received[-1]

            @functools.wraps(send)
            async def compare_and_send(message: Message) -> None:
                self._compare(message)
                await send(message)

            await app(scope, receive_and_note, compare_and_send)
            if self._entered and self._handed != len(self._received):
                report("The middleware keeps a message that is the application's")

        return application

    def inside(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with an ear between it and the middleware."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if self._entered:
                report("The middleware has called the application twice")
            self._entered = True
            if self._received:
                report("The middleware has used up a message that was the application's")
            self._check_scope(scope)

            async def receive_and_compare() -> Message:
                message = await receive()
                waiting = self._received[self._handed :]
                if not waiting or message is not waiting[0]:
                    report("The application receives something else than the server gave")
                self._handed += 1
                return message

            async def note_and_send(message: Message) -> None:
                sending = self._sending = _Sending(message)
                await send(message)
                if not sending.passed:
                    report(f"The middleware has swallowed {message['type']}")

            await call_checked(app, scope, receive_and_compare, note_and_send)

        return application

    def _check_scope(self, scope: Scope) -> None:
        if scope is not self._scope:
            report("The application's scope is another object than the server's")
        own = _OWN_SCOPE_KEYS if scope["type"] != "lifespan" else frozenset()
        for key in (scope.keys() | self._scope_before.keys()) - own:
            if scope.get(key, self) is not self._scope_before.get(key, self):
                report(f"The middleware has changed {key!r} in the scope")
        if not own:
            return
        state = scope["state"]
        for key in (state.keys() | self._state_before.keys()) - _OWN_STATE_KEYS:
            if state.get(key, self) is not self._state_before.get(key, self):
                report(f"The middleware has changed {key!r} in the state")
        if not isinstance(state.get("auth"), SignedIn | SignedOut):
            report("The state has no `auth`")

    def _compare(self, message: Message) -> None:
        """Check what the middleware sends against what the application has sent."""
        if not self._entered:
            return  # the middleware's own answer, to which the specification alone applies
        sending, self._sending = self._sending, None
        if sending is None:
            report(f"The middleware has sent {message['type']}, which the application has not")
            return
        sending.passed = True
        sending.check_unchanged()
        if message is not sending.message:
            for wrong in _changes(sending.message, message):
                report(f"The middleware has changed {message['type']}: {wrong}")


class _Sending:
    """A message of the application's, and what was in it."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.passed = False
        self._before = dict(message)
        self._headers_before = _headers_of(message)

    def check_unchanged(self) -> None:
        same = self.message.keys() == self._before.keys() and all(
            self.message[key] is value for key, value in self._before.items()
        )
        if not same or self._headers_before != _headers_of(self.message):
            report(f"The middleware has written into the application's own {self.message['type']}")


def _headers_of(message: Message) -> _Headers | None:
    """Return the headers as a list; None where reading them would use them up."""
    headers = message.get("headers", ())
    return None if isinstance(headers, Iterator) else [tuple(item) for item in headers]


def _changes(given: Message, sent: Message) -> Iterator[str]:
    is_start = sent["type"] in _STARTS
    if not is_start and sent["type"] != "websocket.accept":
        yield "it carries no headers of a response"
    if {**given, "headers": ()} != {**sent, "headers": ()}:
        yield "more than its headers"
    before, after = _headers_of(given), _headers_of(sent)
    if before is None or after is None:
        return  # an iterator's content is the test's to compare
    kept = [pair for pair in before if not (is_start and pair[0].lower() in _CACHE_HEADERS)]
    rest = [pair for pair in after if not (is_start and pair[0].lower() in _CACHE_HEADERS)]
    added = rest[len(kept) :]
    if rest[: len(kept)] != kept or any(name != b"set-cookie" for name, _ in added):
        yield "something but Set-Cookie, Cache-Control and Vary"
    cookies = [_cookie_of(value) for _, value in added]
    if len(set(cookies)) < len(cookies):
        yield "two lines of Set-Cookie for one cookie"
    if is_start:
        yield from _cache_faults(before, after, has_set_cookie=bool(added))
    elif not added:
        yield "nothing, so that it might have passed as it was"


def _cookie_of(line: bytes) -> tuple[bytes, bytes]:
    """Return name and domain: a cookie of the host alone and one of the domain are two."""
    attributes = dict(part.strip().partition(b"=")[::2] for part in line.split(b";")[1:])
    return line.partition(b"=")[0], attributes.get(b"Domain", b"")


def _cache_faults(before: _Headers, after: _Headers, *, has_set_cookie: bool) -> Iterator[str]:
    own, now = (_values(headers, b"cache-control") for headers in (before, after))
    if has_set_cookie:
        if now != [b"private, no-store"]:
            yield "a cookie is set, and a cache may keep it"
    elif own and now != own:
        yield "the application's own Cache-Control"
    elif not own and now not in ([], [b"private, no-store"], [b"private, no-cache"]):
        yield "a Cache-Control that is not private"
    fields, merged = (
        [
            field.strip().lower()
            for value in _values(headers, b"vary")
            for field in value.split(b",")
        ]
        for headers in (before, after)
    )
    is_by_cookie = has_set_cookie or now != own
    expected = {b"cookie", b"*"} | (set() if is_by_cookie else {b"authorization"})
    if not expected & set(merged):
        yield "its headers, but Vary does not name the cookie"
    if [field for field in merged if field not in _OWN_FIELDS] != [
        field for field in fields if field not in _OWN_FIELDS
    ]:
        yield "fields of Vary that are the application's"


def _values(headers: Any, wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name.lower() == wanted]
