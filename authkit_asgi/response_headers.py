"""What a response says of the session: Set-Cookie lines, and how it may be cached."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

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


def sender(session: AuthSession, send: Send) -> Send:
    """Return what sends an application's messages on, with what its session has to say in them.

    What nothing has to be awaited for passes without a coroutine around it.
    """

    def send_on(message: Message) -> Awaitable[None]:
        if message["type"] not in _CONCERNED:
            return send(message)
        if message["type"] == "websocket.close":
            session.close()
            return send(message)
        cookies = session.flush_now()
        if cookies is None:
            return _send_with_awaited(session, send, message)
        return send(_with_cookies(session, message, cookies))

    return send_on


async def _send_with_awaited(session: AuthSession, send: Send, message: Message) -> None:
    await send(_with_cookies(session, message, await session.flush()))


def _with_cookies(session: AuthSession, message: Message, cookies: list[SetCookie]) -> Message:
    lines = [(b"set-cookie", cookie.line) for cookie in cookies] if cookies else []
    if message["type"] == "websocket.accept":
        headers = [*message.get("headers", ()), *lines] if lines else None
    else:
        headers = _with_cache_headers(session, message.get("headers", ()), lines)
    return message if headers is None else {**message, "headers": headers}


def _with_cache_headers(
    session: AuthSession, headers: Iterable[tuple[bytes, bytes]], cookies: _Headers
) -> _Headers | None:
    """Return the headers with `cookies`, and so that no cache serves one user's answer to another.

    `None` where the response is none of our business.
    """
    if not (cookies or session.carried or session.consulted):
        return _varied_by_authorization(list(headers)) if session.consulted_authorization else None
    result = list(headers)
    names = {name.lower() for name, _ in result}
    if cookies:
        result = [(name, value) for name, value in result if name.lower() != b"cache-control"]
        result.append((b"cache-control", b"private, no-store"))
    elif session.carried and b"cache-control" not in names:
        # With a validator, a signed-in browser may keep its own copy and ask whether it is good.
        validator = b"etag" in names or b"last-modified" in names
        result.append(
            (b"cache-control", b"private, no-cache" if validator else b"private, no-store")
        )
    _merge_vary(result, b"Cookie")
    if session.consulted_authorization:
        result = _varied_by_authorization(result)
    return result + cookies


def _varied_by_authorization(headers: _Headers) -> _Headers:
    # No Cache-Control with it: shared caches keep no answer to a request with Authorization unless
    # the application says so (RFC 9111, 3.5); the one to a request without may be kept.
    _merge_vary(headers, b"Authorization")
    return headers


def _merge_vary(headers: _Headers, field: bytes) -> None:
    lines = [index for index, (name, _) in enumerate(headers) if name.lower() == b"vary"]
    if not lines:
        headers.append((b"vary", field))
        return
    fields = {one.strip().lower() for index in lines for one in headers[index][1].split(b",")}
    if not fields.isdisjoint({b"*", field.lower()}):
        return
    name, value = headers[lines[-1]]
    headers[lines[-1]] = (name, value + b", " + field if value.strip() else field)
