"""What a response says of the session: Set-Cookie lines, and how it may be cached."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message, Send

from authkit_asgi.auth_session import AuthSession
from authkit_asgi.cookies import SetCookie

_Headers = list[tuple[bytes, bytes]]


async def send_with_cookies(session: AuthSession, send: Send, message: Message) -> None:
    """Send a message of the application's on, with what its session has to say in the headers."""
    kind = message["type"]
    if kind in {"http.response.start", "websocket.http.response.start"}:
        cookies = _cookie_lines(await session.flush())
        headers = _with_cache_headers(session, message.get("headers", ()), cookies=bool(cookies))
        if headers is not None:
            message = {**message, "headers": headers + cookies}
    elif kind == "websocket.accept":
        if cookies := _cookie_lines(await session.flush()):
            message = {**message, "headers": [*message.get("headers", ()), *cookies]}
    elif kind == "websocket.close":
        session.close()
    await send(message)


def _cookie_lines(cookies: Iterable[SetCookie]) -> _Headers:
    return [(b"set-cookie", cookie.line) for cookie in cookies]


def _with_cache_headers(
    session: AuthSession, headers: Iterable[tuple[bytes, bytes]], *, cookies: bool
) -> _Headers | None:
    """Return the headers that keep a shared cache from serving one user's answer to another.

    `None` where the response is none of our business.
    """
    if not (cookies or session.carried or session.consulted):
        return None
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
    if b"vary" in names:
        _merge_vary(result)
    else:
        result.append((b"vary", b"Cookie"))
    return result


def _merge_vary(headers: _Headers) -> None:
    lines = [index for index, (name, _) in enumerate(headers) if name.lower() == b"vary"]
    fields = {field.strip().lower() for index in lines for field in headers[index][1].split(b",")}
    if not fields.isdisjoint({b"*", b"cookie"}):
        return
    name, value = headers[lines[-1]]
    headers[lines[-1]] = (name, value + b", Cookie" if value.strip() else b"Cookie")
