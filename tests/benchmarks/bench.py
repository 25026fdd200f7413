"""Time the session check beside workos-python, in one run, with one payload: `make bench`.

Both sides read a sealed session with the same RS256 access token (RSA-2048) and the same user, and
verify it with signing keys that they have fetched before.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pyperf
from workos import WorkOSClient
from workos.session import seal_session_from_auth_response

from authkit_asgi import AuthKitConfig, AuthKitMiddleware
from authkit_asgi.seal import seal, unseal
from authkit_asgi.service import AuthKit
from authkit_asgi.session import seal_session, session_from_answer
from authkit_asgi.testing import WorkOSEmulator

PASSWORD = "a-cookie-password-of-32-characters-or-more"
FERNET_KEY = "cGFzc3dvcmQtb2YtZXhhY3RseS0zMi1ieXRlcyEhISE="
TARGET_BYTES = 2048  # of the sealed session, about what a user with a role in one organization has


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer as little as an application can, so that the middleware's own cost shows."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def receive() -> dict[str, Any]:
    """Deliver an empty request body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
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
            receive,
            send,
        )

    return serve


def main() -> None:
    """Run all benchmarks; every pyperf worker makes the same session of its own."""
    emulator = WorkOSEmulator(access_token_lifetime=86_400)
    user = emulator.add_user(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    organization = emulator.add_organization("Analytical Engines")
    permissions = tuple(f"area-{number}:write" for number in range(6))
    emulator.add_membership(user, organization, role="admin", permissions=permissions)
    answer = emulator.sign_in(user)
    with emulator.serve() as base_url:
        time_all(answer, base_url)


def time_all(answer: dict[str, Any], base_url: str) -> None:
    """Time our own pieces, then the peer, against keys served at `base_url`."""
    runner = pyperf.Runner()
    config = AuthKitConfig(
        client_id="client_emulator",
        api_key="sk_test_emulator",
        redirect_uri="http://localhost:8000/callback",
        cookie_password=PASSWORD,
        api_base_url=base_url,
    )
    session = session_from_answer(answer)
    sealed = seal_session(session, PASSWORD)
    content = unseal(sealed, PASSWORD)
    runner.metadata["sealed_bytes"] = len(sealed)

    runner.bench_func("seal", seal, content, PASSWORD)
    runner.bench_func("unseal", unseal, sealed, PASSWORD)

    # One client for all of pyperf's event loops: keys are fetched once, before the timing.
    clients = functools.partial(httpx.AsyncClient, timeout=5)
    authkit = AuthKit(config, http_client_factory=clients)
    middleware = AuthKitMiddleware(application, authkit=authkit)
    cookie = f"wos-session={sealed}"
    hostile = f"wos-session={sealed[:-8]}AAAAAA~2"

    runner.bench_async_func("verify", authkit._verifier.verify, session.access_token)
    runner.bench_async_func("bare application", request(application, cookie))
    runner.bench_async_func("middleware, no cookie", request(middleware, None))
    runner.bench_async_func("middleware, valid cookie", request(middleware, cookie))
    runner.bench_async_func("middleware, forged cookie", request(middleware, hostile))

    workos = WorkOSClient(api_key=config.api_key, client_id=config.client_id, base_url=base_url)
    sealed_by_peer = seal_session_from_auth_response(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        cookie_password=FERNET_KEY,
    )

    def authenticate() -> None:
        result = workos.user_management.load_sealed_session(
            session_data=sealed_by_peer, cookie_password=FERNET_KEY
        ).authenticate()
        if not result.authenticated:
            raise RuntimeError("workos-python refused the session, so its time means nothing")

    runner.bench_func("workos-python, authenticate", authenticate)


if __name__ == "__main__":
    main()
