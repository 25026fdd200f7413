"""A session to be timed, and a request with its cookie, without a server in between."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware
from authkit_asgi.session import seal_session, session_from_answer
from authkit_asgi.testing import WorkOSEmulator

PASSWORD = "a-cookie-password-of-32-characters-or-more"
OLD_PASSWORD = "an-older-password-of-32-characters-or-more"
LARGE = 6_000  # characters of a sealed session that takes two cookies

Request: TypeAlias = Callable[[], Awaitable[None]]

_CHUNK = 4_000


@dataclass(frozen=True, kw_only=True)
class SignedInUser:
    """WorkOS's answer to a sign-in, and settings whose keys are served meanwhile."""

    emulator: WorkOSEmulator
    config: AuthKitConfig
    answer: Mapping[str, Any]

    @property
    def sealed(self) -> str:
        return sealed(self.answer)


@contextlib.contextmanager
def signed_in() -> Iterator[SignedInUser]:
    """Sign somebody in, with a token that lives for a day."""
    emulator = WorkOSEmulator(access_token_lifetime=86_400)
    user = emulator.add_user(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    organization = emulator.add_organization("Analytical Engines")
    permissions = tuple(f"area-{number}:write" for number in range(6))
    emulator.add_membership(user, organization, role="admin", permissions=permissions)
    answer = emulator.sign_in(user)
    with emulator.serve() as base_url:
        config = AuthKitConfig(
            client_id="client_emulator",
            api_key="sk_test_emulator",
            redirect_uri="http://localhost:8000/callback",
            cookie_password=PASSWORD,
            api_base_url=base_url,
        )
        yield SignedInUser(emulator=emulator, config=config, answer=answer)


def sealed(answer: Mapping[str, Any], password: str = PASSWORD) -> str:
    return seal_session(session_from_answer(answer), password)


def enlarged(answer: Mapping[str, Any], length: int) -> dict[str, Any]:
    """Return the answer with as much metadata as seals to so many characters, or as it is."""
    letters = max(0, (length - len(sealed(answer))) * 3 // 4 - len('{"notes":""}'))
    notes = {"notes": "x" * letters} if letters else {}
    return {**answer, "user": {**answer["user"], "metadata": notes}}


def cookie_of(sealed_session: str) -> str:
    """Return the `Cookie` header of a sealed session: in two cookies where one cannot hold it."""
    if len(sealed_session) <= _CHUNK:
        return f"wos-session={sealed_session}"
    parts = range(0, len(sealed_session), _CHUNK)
    return "; ".join(
        f"wos-session.{number}={sealed_session[start : start + _CHUNK]}"
        for number, start in enumerate(parts)
    )


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer as little as an application can, so that the middleware's own cost shows."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _receive() -> dict[str, Any]:
    """Deliver an empty request body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Any) -> None:
    """Throw a response away."""


def headers_of(cookie: str | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a browser."""
    headers = [
        (b"host", b"localhost:8000"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"),
        (b"accept", b"text/html,application/xhtml+xml"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"accept-language", b"en"),
    ]
    if cookie is not None:
        headers.append((b"cookie", b"theme=dark; " + cookie.encode()))
    return headers


async def serve(app: Any, headers: list[tuple[bytes, bytes]]) -> None:
    """Send one request through `app`."""
    await app(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "root_path": "",
            "query_string": b"",
            "headers": headers,
        },
        _receive,
        _send,
    )


def request(app: Any, cookie: str | None) -> Request:
    """Return what sends one request, with the headers of a browser, through `app`."""
    headers = headers_of(cookie)

    async def send_one() -> None:
        await serve(app, headers)

    return send_one


async def check_signed_in(authkit: AuthKit, cookie: str | None, *, is_expected: bool) -> None:
    """See that a cookie signs in, or does not; a wrong answer's time means nothing.

    Raises:
        RuntimeError: It is otherwise.
    """
    asked: list[bool] = []

    async def application_that_asks(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["state"]["auth"].user is not None)
        await application(scope, receive, send)

    await request(AuthKitMiddleware(application_that_asks, authkit=authkit), cookie)()
    if asked != [is_expected]:
        raise RuntimeError(f"signed in: {asked}, expected: {is_expected}; the times mean nothing")
