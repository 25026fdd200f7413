"""One request over a connection of its own, to whatever stands in front of the workers."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_BODILESS = frozenset({101, 204, 304})
_HEADER_BYTES = 2  # of a short frame from a server (RFC 6455, 5.2)


@dataclass(frozen=True)
class Reply:
    """What came of a request."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def cache(self) -> str:
        """What nginx says of its cache: HIT, MISS, EXPIRED, …"""
        return self.header("x-cache-status")

    @property
    def workers(self) -> str:
        """The ports of the workers that nginx has asked, one after the other."""
        return self.header("x-workers").replace("127.0.0.1:", "")

    @property
    def cookies(self) -> list[tuple[str, str]]:
        """The names and values of the cookies that are set; a value is empty where one goes."""
        lines = [value for name, value in self.headers if name == "set-cookie"]
        pairs = [line.partition(";")[0].partition("=") for line in lines]
        return [(name, value.strip('"')) for name, _, value in pairs]

    @property
    def json(self) -> dict[str, Any]:
        """The body, or what a WebSocket says first, if it is a JSON object; else an empty one."""
        is_json = self.status == 101 or self.header("content-type").startswith("application/json")
        if not is_json or not self.body:
            return {}
        content = json.loads(self.body)
        return content if isinstance(content, dict) else {}


async def fetch(
    port: int,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    cookies: Mapping[str, str] | None = None,
) -> Reply:
    """Send a request and return the reply; `OSError` or `EOFError` if there is none."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers]
    if cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={cookies[name]}" for name in cookies))
    if not any(line.lower().startswith("connection:") for line in lines):
        lines.append("Connection: close")
    if method == "POST":
        lines.append("Content-Length: 0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in rest if line]
        head = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        status = int(first.split()[1])
        body = b""
        if status == 101:
            _, length = await reader.readexactly(_HEADER_BYTES)
            body = await reader.readexactly(length)
        elif method != "HEAD" and status not in _BODILESS:
            body = await reader.readexactly(int(dict(head)["content-length"]))
        return Reply(status, head, body)
    finally:
        writer.close()


def upgrade_headers(origin: str) -> list[tuple[str, str]]:
    """Return what a page of an origin sends to open a WebSocket (RFC 6455, 4.1)."""
    return [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(secrets.token_bytes(16)).decode()),
        ("Origin", origin),
    ]
