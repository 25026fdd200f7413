"""What the tests of the doctor share: settings, one examination, and servers that answer oddly."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.doctor.examination import examine
from authkit_asgi.doctor.findings import Finding, Report
from authkit_asgi.doctor.subject import Subject, from_environment

RANDOM = "mR4x0bYpVn3qTz8wLd6hKc1sJf9gUe2a"
OTHER_RANDOM = "Zq7vXn2kBt5rWy9pHs4dGm8cFj1lTa6e"


def environment(**changes: str) -> dict[str, str]:
    """Return variables with which nothing is wrong but, perhaps, the address of the API."""
    return {
        "WORKOS_CLIENT_ID": "client_emulator",
        "WORKOS_API_KEY": "sk_test_emulator",
        "WORKOS_REDIRECT_URI": "https://app.example.com/callback",
        "WORKOS_COOKIE_PASSWORD": RANDOM,
        **changes,
    }


def config(**changes: Any) -> AuthKitConfig:
    """Return settings with which nothing is wrong."""
    values = {
        "client_id": "client_emulator",
        "api_key": "sk_test_emulator",
        "redirect_uri": "https://app.example.com/callback",
        "cookie_password": RANDOM,
    }
    return AuthKitConfig(**{**values, **changes})


def examined(
    subject: Mapping[str, str] | AuthKitConfig,
    *,
    redis_url: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Report:
    """Examine settings, or what an environment holds."""
    if isinstance(subject, AuthKitConfig):
        read = Subject(origin="the test", config=subject)
    else:
        read = from_environment(subject, origin="the environment")
    read = dataclasses.replace(read, redis_url=redis_url)

    async def run() -> Report:
        return await examine(read, clock=clock)

    return anyio.run(run)


def found(report: Report, check: str) -> Finding:
    """Return the only finding of a check."""
    (finding,) = [finding for finding in report.findings if finding.check == check]
    return finding


@contextlib.contextmanager
def answering(
    status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve the same answer to every GET, with no headers but these, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who asked has had enough
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
