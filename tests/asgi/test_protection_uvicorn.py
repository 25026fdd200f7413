"""`protect=True` behind uvicorn: requests octet by octet, as no client library sends them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from asgi_site import SESSION, signed_in_cookie
from protected_sites import SECRET, fastapi, starlette
from starlette.types import ASGIApp

from authkit_asgi.testing import WorkOSEmulator

_PATIENCE_SECONDS = 30  # until a test gives up; nothing waits for so long

TARGETS = [
    b"/admin",
    b"//admin",
    b"/./admin",
    b"/about/../admin",
    b"/assets/../admin",
    b"/assets/..%2fadmin",
    b"/assets/%2e%2e/admin",
    b"/assets/%2e%2e%2fadmin",
    b"/assets/%252e%252e/admin",
    b"/assets/..;/admin",
    b"/assets/..\\admin",
    b"/assets/..%5cadmin",
    b"/assets/..%00/admin",
    b"/assets/\xc0\xae\xc0\xae/admin",
    b"/about%00/../admin",
    b"/about%0a",
    b"/about;/../admin",
    b"/ABOUT/../admin",
    b"/admin?/about",
    b"/admin#/about",
    b"/about#/../admin",
    b"/admin%3f/about",
    b"/%61dmin",
    b"/%2fadmin",
    b"admin",
    b"*",
    b"http://127.0.0.1/admin",
    b"http://127.0.0.1/about/../admin",
    b"http://about/admin",
    b"http://about@127.0.0.1/admin",
    b"//about/admin",
    b"/assets/../../admin",
    b"/login/../admin",
]


@contextlib.contextmanager
def served(app: ASGIApp, http: str) -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(app, http=http, ws="websockets-sansio", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def exchange(address: tuple[str, int], *lines: bytes) -> str:
    """Send a request of these lines and return all that comes back."""
    with socket.create_connection(address, _PATIENCE_SECONDS) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        received = b""
        while part := connection.recv(65_536):
            received += part
            if b"101 Switching" in received:
                break
    return received.decode("latin-1")


HANDSHAKE = [
    b"Host: 127.0.0.1",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("build", [starlette, fastapi])
def test_no_request_target_gets_a_stranger_in(emulator: WorkOSEmulator, build, http):
    hosts = [b"Host: 127.0.0.1", b"Host: about", b"Host: 127.0.0.1/about"]
    with served(build(emulator), http) as address:
        for target in TARGETS:
            for host in hosts:
                received = exchange(address, b"GET " + target + b" HTTP/1.1", host)
                assert SECRET not in received, (target, host)
                # A server may refuse what is no target at all, and nobody else lets it through.
                status = received.split(" ", 2)[1]
                assert status in {"400", "401"} or (status, target[:6]) == ("200", b"/about")
            received = exchange(address, b"GET " + target + b" HTTP/1.1", *HANDSHAKE)
            assert "101 Switching" not in received or b"/about#" in target, target
        ours = b"Cookie: " + f"{SESSION}={signed_in_cookie(emulator)}".encode()
        received = exchange(address, b"GET /admin HTTP/1.1", hosts[0], ours)
        assert received.startswith("HTTP/1.1 200 ")
        assert SECRET in received
        assert "public" in exchange(address, b"GET /about HTTP/1.1", hosts[0])
