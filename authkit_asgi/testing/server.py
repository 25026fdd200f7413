"""Serving an emulator over HTTP on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"

# Requests that still run at the end are waited for so long, then cancelled.
_SHUTDOWN_SECONDS = 5


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; connections queue up until it is served.

    `OSError` if the port is taken or not allowed. Port 0 takes a free one.
    """
    return socket.create_server((LOOPBACK, port))


def base_url(listener: socket.socket) -> str:
    """Return the address of a listening socket."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def make_server(
    app: ASGIApp, *, on_shutdown: Callable[[], None], http: str = "auto", loop: str = "auto"
) -> uvicorn.Server:
    """Return a uvicorn server; `ImportError` if uvicorn is not installed.

    `on_shutdown` runs before the server waits for its requests to end.
    """
    import uvicorn  # noqa: PLC0415  # optional: only those who serve over HTTP need it

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            on_shutdown()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        http=http,
        loop=loop,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return Server(config)


@contextlib.contextmanager
def serve_in_thread(
    app: ASGIApp,
    *,
    port: int,
    on_shutdown: Callable[[], None],
    http: str = "auto",
    loop: str = "auto",
) -> Iterator[str]:
    """Serve in a daemon thread and yield the address; at the end the server has stopped."""
    server = make_server(app, on_shutdown=on_shutdown, http=http, loop=loop)
    with listen(port) as listener:
        address = base_url(listener)
        thread = threading.Thread(
            target=server.run, args=([listener],), name=f"emulator {address}", daemon=True
        )
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()
