"""Many requests at once over plain sockets: a client that costs little beside what it asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECTIONS = 200


@dataclass(frozen=True)
class Ask:
    """A request with a session cookie."""

    path: str
    cookie: str = field(repr=False)
    user_id: str = ""
    organization: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    ask: Ask
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: dict[str, Any]
    seconds: float = field(compare=False)

    @property
    def who(self) -> tuple[str | None, str | None]:
        return self.body.get("user"), self.body.get("organization")

    @property
    def cookies(self) -> list[str]:
        """The values that the session cookie is set to; empty where it is deleted."""
        lines = [value for name, value in self.headers if name == "set-cookie"]
        pairs = [line.partition(";")[0].partition("=") for line in lines]
        return [value.strip('"') for name, _, value in pairs if name == "wos-session"]


class Connection:
    """A connection that is kept open from one request to the next."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, ask: Ask) -> Answer:
        """Send a request and return its answer; `OSError` or `EOFError` if there is none."""
        head = f"GET {ask.path} HTTP/1.1\r\nHost: localhost:{self._port}\r\n"
        begin = time.perf_counter()
        self._writer.write(f"{head}Cookie: wos-session={ask.cookie}\r\n\r\n".encode())
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(":") for line in lines if line]
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        body = await self._reader.readexactly(int(dict(headers)["content-length"]))
        seconds = time.perf_counter() - begin
        return Answer(ask, int(first.split()[1]), headers, json.loads(body), seconds)


async def storm(
    ports: Sequence[int], asks: Sequence[Ask], *, connections: int = CONNECTIONS
) -> list[Answer]:
    """Send requests over many open connections at once, as many to each port as to the others."""
    waiting = deque(asks)
    answers: list[Answer] = []

    async def serve(connection: Connection) -> None:
        while waiting:
            answers.append(await connection.send(waiting.popleft()))

    async with contextlib.AsyncExitStack() as stack:
        numbers = range(min(connections, len(asks)))
        new = (Connection(ports[index % len(ports)]) for index in numbers)
        opened = await asyncio.gather(*(stack.enter_async_context(each) for each in new))
        async with asyncio.TaskGroup() as tasks:
            for connection in opened:
                tasks.create_task(serve(connection))
    return answers
