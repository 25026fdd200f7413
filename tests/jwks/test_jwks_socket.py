"""The fetch from a real server on a real socket: it ends in time and in size."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from key_documents import document, jwk
from key_server import Clock, let_others_run, lookup

from authkit_asgi import jwks
from authkit_asgi.errors import KeysUnavailableError
from authkit_asgi.jwks import KeySetCache

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def socket_server(
    respond: Callable[[asyncio.StreamWriter], Any],
) -> AsyncIterator[str]:
    """Serve on loopback what `respond` writes; yields the address."""

    connections: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        # On a slow machine the client may be gone before it has asked.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await respond(writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/keys"
        if connections:
            await asyncio.wait([task for task in connections if task])


async def lookup_at(url: str) -> RSAKey | None:
    async with httpx.AsyncClient() as client:
        cache = KeySetCache(url, http_client=client, max_age=300, max_stale=300, clock=Clock())
        try:
            return await lookup(cache)
        finally:
            # Whoever waits gives up in the same moment as the fetch, on a slow machine before it.
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0)), *cache._flights.values()])


async def test_fetch_from_a_socket_finds_the_key():
    async def respond(writer: asyncio.StreamWriter) -> None:
        body = document(jwk())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    async with socket_server(respond) as url:
        assert await lookup_at(url) is not None


async def test_fetch_from_a_server_that_trickles_ends_in_total(monkeypatch, caplog):
    monkeypatch.setattr(jwks, "_FETCH_SECONDS", 0.3)

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with socket_server(respond) as url:
        with pytest.raises(KeysUnavailableError):
            await asyncio.wait_for(lookup_at(url), 5)
        await let_others_run()
    assert "TimeoutError" in caplog.text


async def test_fetch_from_a_server_that_hangs_ends_in_total(monkeypatch, caplog):
    monkeypatch.setattr(jwks, "_FETCH_SECONDS", 0.1)
    over = asyncio.Event()

    async def respond(writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with socket_server(respond) as url:
        with pytest.raises(KeysUnavailableError):
            await asyncio.wait_for(lookup_at(url), 5)
        over.set()
        await let_others_run()
    assert "TimeoutError" in caplog.text


async def test_fetch_cut_off_in_the_middle_brings_no_key(caplog):
    """What came is a whole key set, but less than the server said it would send."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        body = document(jwk())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body) + 9, body))
        await writer.drain()

    async with socket_server(respond) as url:
        with pytest.raises(KeysUnavailableError):
            await asyncio.wait_for(lookup_at(url), 5)
    assert "RemoteProtocolError" in caplog.text


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\n",
        b"<html>not HTTP</html>\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"",
    ],
    ids=lambda head: repr(head[-30:]),
)
async def test_fetch_from_a_server_that_speaks_no_sound_http_is_unavailable(head, caplog):
    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()

    async with socket_server(respond) as url:
        with pytest.raises(KeysUnavailableError):
            await asyncio.wait_for(lookup_at(url), 5)
    (record,) = [record for record in caplog.records if record.name == "authkit_asgi.jwks"]
    assert "JWKS fetch failed" in record.getMessage()


async def test_fetch_from_a_server_that_does_not_stop_ends_at_a_megabyte(caplog):
    sent = 0

    async def respond(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 100_000)
            await writer.drain()
            sent += 100_000

    async with socket_server(respond) as url:
        with pytest.raises(KeysUnavailableError):
            await asyncio.wait_for(lookup_at(url), 5)
    assert "longer than 1,000,000 bytes" in caplog.text
    assert sent < 20_000_000


def test_fetch_lasts_five_seconds_at_most():
    assert jwks._FETCH_SECONDS == 5
