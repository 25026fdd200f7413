"""A session to be timed, and a request with its cookie, without a server in between."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from authkit_asgi import AuthKitConfig
from authkit_asgi.testing import WorkOSEmulator

PASSWORD = "a-cookie-password-of-32-characters-or-more"


@contextlib.contextmanager
def signed_in() -> Iterator[tuple[AuthKitConfig, dict[str, Any]]]:
    """Yield settings, whose keys are served meanwhile, and WorkOS's answer to a sign-in."""
    emulator = WorkOSEmulator(access_token_lifetime=86_400)
    user = emulator.add_user(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    organization = emulator.add_organization("Analytical Engines")
    permissions = tuple(f"area-{number}:write" for number in range(6))
    emulator.add_membership(user, organization, role="admin", permissions=permissions)
    answer = emulator.sign_in(user)
    with emulator.serve() as base_url:
        yield (
            AuthKitConfig(
                client_id="client_emulator",
                api_key="sk_test_emulator",
                redirect_uri="http://localhost:8000/callback",
                cookie_password=PASSWORD,
                api_base_url=base_url,
            ),
            answer,
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


def request(app: Any, cookie: str | None) -> Callable[[], Awaitable[None]]:
    """Return what sends one request, with the headers of a browser, through `app`."""
    headers = [
        (b"host", b"localhost:8000"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"),
        (b"accept", b"text/html,application/xhtml+xml"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"accept-language", b"en"),
    ]
    if cookie is not None:
        headers.append((b"cookie", b"theme=dark; " + cookie.encode()))

    async def serve() -> None:
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

    return serve
