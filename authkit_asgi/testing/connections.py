"""Dropping a connection for real, and telling loopback from elsewhere."""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from typing import Any

import httpx
from starlette.types import Receive, Send

from authkit_asgi.testing.faults import wait_for_disconnect

# What test clients call the server when they run it in-process.
_IN_PROCESS_HOST = "testserver"
# A name or an address, IPv6 in brackets, and perhaps a port (RFC 9110, section 7.2).
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]*)?")
# Close at once and answer with RST instead of FIN: on, 0 seconds. Windows has shorts there.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


async def drop(receive: Receive, send: Send) -> None:
    """Drop the connection of a request as a crashing server would.

    Under uvicorn `send` is a method of an object that has the transport. In-process there is no
    connection; there the client's own `ReadError` is raised.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise _read_error(send)
    if not transport.is_closing():  # the client may have left by itself
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()
    # Until the server has noticed; else it would try to answer for us.
    await wait_for_disconnect(receive, lambda: False)


def _read_error(send: Send) -> Exception:
    """Return the `ReadError` of whichever httpx-like library runs the application."""
    library: Any = sys.modules[send.__module__.partition(".")[0]]
    error: Exception = getattr(library, "ReadError", httpx.ReadError)("Connection reset by peer")
    return error


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine.

    A page on the web can have its name point to 127.0.0.1 (DNS rebinding), but then the browser
    still sends that name.
    """
    name = _host_name(host)
    if name in {"localhost", _IN_PROCESS_HOST} or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_loopback_origin(origin: str) -> bool:
    """Tell whether an Origin header names a page of this machine."""
    scheme, separator, host = origin.partition("://")
    return bool(separator) and scheme in {"http", "https"} and is_loopback(host)


def _host_name(host: str) -> str:
    match = _HOST.fullmatch(host)
    return "" if match is None else match[1].strip("[]").lower()
