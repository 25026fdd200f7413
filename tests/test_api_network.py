"""WorkOS out of reach in every way, within the deadline; and no secret in errors, logs or URLs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest
from emulated import chain, settings, shown

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import AuthKitError, WorkOSUnavailableError
from authkit_asgi.http_clients import HTTPClients

pytestmark = pytest.mark.anyio

SECRETS = {
    "api_key": "sk_secret-marker",
    "cookie_password": "password-marker-of-32-characters-or-more",
    "code": "code-marker",
    "verifier": "verifier-marker",
    "refresh": "refresh-marker",
    "answer": "answer-marker",
}
GRANTS: dict[str, Callable[[WorkOSAPI], Awaitable[Any]]] = {
    "code": lambda asked: asked.exchange_code("code-marker", "verifier-marker"),
    "refresh": lambda asked: asked.exchange_refresh_token("refresh-marker", "org_1"),
}


def api(
    factory: Callable[[], httpx.AsyncClient] | None = None, base_url: str = "", **changes: Any
) -> WorkOSAPI:
    secret = {name: SECRETS[name] for name in ("api_key", "cookie_password")}
    if base_url:
        changes["api_base_url"] = base_url
    return WorkOSAPI(AuthKitConfig(**settings(**secret, **changes)), HTTPClients(factory))


def scripted(behave: Callable[[httpx.Request], Any]) -> Callable[[], httpx.AsyncClient]:
    return lambda: httpx.AsyncClient(transport=httpx.MockTransport(behave))


def check_no_secret(text: str) -> None:
    assert not [name for name, secret in SECRETS.items() if secret in text]
    assert "marker" not in text


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("connect"),
        httpx.ReadTimeout("read"),
        httpx.WriteTimeout("write"),
        httpx.PoolTimeout("pool"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.CloseError("closed"),
        httpx.RemoteProtocolError("half an answer"),
        httpx.LocalProtocolError("header"),
        httpx.ProxyError("proxy"),
        httpx.UnsupportedProtocol("protocol"),
        httpx.DecodingError("gzip"),
        httpx.TooManyRedirects("redirects"),
        httpx.InvalidURL("url"),
        RuntimeError("a transport of the application's own"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("grant", GRANTS)
async def test_every_failure_of_the_client_is_an_outage(error, grant):
    def behave(request: httpx.Request) -> httpx.Response:
        error.request = request
        raise error

    with pytest.raises(WorkOSUnavailableError) as caught:
        await GRANTS[grant](api(scripted(behave)))
    check_no_secret(shown(caught.value) + "".join(traceback.format_exception(caught.value)))
    assert list(chain(caught.value)) == [caught.value]


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """A TCP server that reads the request and then does as told; connections end with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            headers = await reader.readuntil(b"\r\n\r\n")
            length = int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            await serve(reader, writer)
        except (asyncio.CancelledError, ConnectionError, EOFError):
            pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    listener = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for _ in range(5):  # for connections that are just being accepted
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports' own clean-up


async def hang(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an octet so often that no timeout of a single read ever strikes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.005)


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"access_token": "answer-marker')
    await writer.drain()
    writer.close()


async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP answer-marker\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("behaviour", [hang, trickle, reset, half, nonsense])
@pytest.mark.parametrize("grant", GRANTS)
async def test_server_that_misbehaves_is_an_outage_within_the_deadline(behaviour, grant, caplog):
    caplog.set_level(logging.DEBUG)
    async with server(behaviour) as base_url:
        # The 60 s only end a test that would hang for ever.
        with anyio.fail_after(60), pytest.raises(WorkOSUnavailableError) as caught:
            await GRANTS[grant](api(base_url=base_url, api_timeout=1))
    check_no_secret(shown(caught.value) + "".join(traceback.format_exception(caught.value)))
    check_no_secret(caplog.text)


async def test_refused_connection_is_an_outage():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can get it
        asked = api(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(WorkOSUnavailableError, match="cannot be reached"):
            await GRANTS["code"](asked)


async def test_cancelled_caller_is_cancelled_and_closes_its_connection():
    reached = asyncio.Event()
    made: list[httpx.AsyncClient] = []

    async def wait(_: httpx.Request) -> httpx.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    def factory() -> httpx.AsyncClient:
        made.append(scripted(wait)())
        return made[-1]

    task = asyncio.create_task(api(factory).exchange_code("code", "verifier"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made[0].is_closed


ECHO = json.dumps({"message": " ".join(SECRETS.values()), "error_description": "answer-marker"})


@pytest.mark.parametrize("word", ["error", "code", "other"])
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 408, 422, 429, 500, 503])
@pytest.mark.parametrize("grant", GRANTS)
async def test_error_shows_nothing_of_request_and_answer(status, word, grant, caplog):
    caplog.set_level(logging.DEBUG)
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(status, json={**json.loads(ECHO), word: "sso_required"})

    with pytest.raises(AuthKitError) as caught:
        await GRANTS[grant](api(scripted(answer)))
    check_no_secret(shown(caught.value))
    check_no_secret("".join(traceback.format_exception(caught.value)))
    assert list(chain(caught.value)) == [caught.value]
    assert urls
    check_no_secret(" ".join(urls))
    check_no_secret(caplog.text)
    assert any(record.name == "httpx" for record in caplog.records)  # it logs, and it was looked at


@pytest.mark.parametrize(
    "body", [ECHO.replace("}", ""), f"<h1>{ECHO}</h1>", f"[{ECHO}]", f'"{ECHO[2:20]}']
)
@pytest.mark.parametrize("status", [200, 400, 403, 500])
async def test_malformed_answer_shows_nothing_either(status, body, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AuthKitError) as caught:
        await GRANTS["code"](api(scripted(lambda _: httpx.Response(status, text=body))))
    check_no_secret(shown(caught.value) + "".join(traceback.format_exception(caught.value)))
    check_no_secret(caplog.text)


async def test_wire_logs_of_a_successful_exchange_show_no_secret(caplog):
    """Over a real socket, where httpcore logs every step at DEBUG."""
    caplog.set_level(logging.DEBUG)
    answer = b'{"access_token": "answer-marker", "refresh_token": "answer-marker"}'

    async def respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer)
        writer.write(head + answer)
        await writer.drain()
        writer.close()

    async with server(respond) as base_url:
        for grant in GRANTS.values():
            assert (await grant(api(base_url=base_url)))["access_token"] == "answer-marker"
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    check_no_secret(caplog.text)


async def test_reprs_show_no_secret():
    asked = api()
    check_no_secret(f"{asked!r} {asked.client!r} {asked._config!r}")
