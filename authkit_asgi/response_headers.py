"""What a response says of the session: Set-Cookie lines, and how it may be cached."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence

from starlette.types import Message, Send

from authkit_asgi.auth_session import AuthSession
from authkit_asgi.cookies import SetCookie

_Headers = list[tuple[bytes, bytes]]

_CONCERNED = frozenset(
    {
        "http.response.start",
        "websocket.http.response.start",
        "websocket.accept",
        "websocket.close",
    }
)


def send_on(session: AuthSession, send: Send, message: Message) -> Awaitable[None]:
    """Send an application's message on, with what its session has to say in it.

    What nothing has to be awaited for passes without a coroutine around it.
    """
    kind = message["type"]
    if kind not in _CONCERNED:
        return send(message)
    if kind == "websocket.close":
        session.close()
        return send(message)
    cookies = session.flush_now()
    if cookies is None:
        return _send_with_awaited(session, send, message)
    if cookies or session.carried or session.consulted or session.consulted_authorization:
        message = _with_cookies(session, message, cookies)
    return send(message)


async def _send_with_awaited(session: AuthSession, send: Send, message: Message) -> None:
    await send(_with_cookies(session, message, await session.flush()))


def _with_cookies(session: AuthSession, message: Message, cookies: Sequence[SetCookie]) -> Message:
    headers = message.get("headers", ())
    if message["type"] == "websocket.accept":
        headers = [*headers, *_lines(cookies)] if cookies else None
    elif cookies or session.carried or session.consulted:
        headers = _with_cache_headers(session, headers, cookies)
    else:
        # None of our business, unless the application has asked who a token is from.
        headers = (
            _varied(list(headers), b"Authorization") if session.consulted_authorization else None
        )
    return message if headers is None else {**message, "headers": headers}


def _lines(cookies: Sequence[SetCookie]) -> _Headers:
    return [(b"set-cookie", cookie.line) for cookie in cookies]


def _with_cache_headers(
    session: AuthSession, headers: Iterable[tuple[bytes, bytes]], cookies: Sequence[SetCookie]
) -> _Headers:
    """Return the headers with `cookies`, and that no cache gives one's answer to another."""
    result = list(headers)
    names = [name.lower() for name, _ in result]
    if cookies:
        result = [(name, value) for name, value in result if name.lower() != b"cache-control"]
        result.append((b"cache-control", b"private, no-store"))
    elif session.carried and b"cache-control" not in names:
        # With a validator, a signed-in browser may keep its own copy and ask whether it is good.
        validator = b"etag" in names or b"last-modified" in names
        result.append(
            (b"cache-control", b"private, no-cache" if validator else b"private, no-store")
        )
    if b"vary" in names:
        _varied(result, b"Cookie")
    else:
        result.append((b"vary", b"Cookie"))
    if session.consulted_authorization:
        # No Cache-Control with it: shared caches keep no answer to a request with Authorization
        # unless the application says so (RFC 9111, 3.5); the one to a request without may be kept.
        _varied(result, b"Authorization")
    return result + _lines(cookies) if cookies else result


def _varied(headers: _Headers, field: bytes) -> _Headers:
    """Add a field to the Vary header, and return the headers."""
    lines = [index for index, (name, _) in enumerate(headers) if name.lower() == b"vary"]
    if not lines:
        headers.append((b"vary", field))
        return headers
    fields = {one.strip().lower() for index in lines for one in headers[index][1].split(b",")}
    if fields.isdisjoint({b"*", field.lower()}):
        name, value = headers[lines[-1]]
        headers[lines[-1]] = (name, value + b", " + field if value.strip() else field)
    return headers
