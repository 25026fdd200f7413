"""The HTTP clients: one a loop, lent and kept, closed when nobody needs it, without cookies."""

from __future__ import annotations

import asyncio
import gc
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import anyio
import httpx
import pytest

from authkit_asgi.http_clients import HTTPClients


class Factory:
    """Makes clients over a transport in the process, and remembers them."""

    def __init__(self) -> None:
        self.made: list[httpx.AsyncClient] = []
        self.cookies: list[str | None] = []

    def __call__(self) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            self.cookies.append(request.headers.get("cookie"))
            return httpx.Response(200, headers={"set-cookie": "user=ada; Path=/; Max-Age=600"})

        self.made.append(httpx.AsyncClient(transport=httpx.MockTransport(answer)))
        return self.made[-1]


@pytest.fixture
def factory() -> Factory:
    return Factory()


@pytest.mark.anyio
async def test_borrowers_share_one_client_that_closes_with_the_last(factory):
    clients = HTTPClients(factory)
    async with clients.lend() as first:
        async with clients.lend() as second:
            assert first is second
        assert not first.is_closed
    assert first.is_closed
    async with clients.lend() as third:
        assert third is not first
        assert not third.is_closed
    assert factory.made == [first, third]


@pytest.mark.anyio
async def test_no_client_is_made_before_it_is_needed(factory):
    clients = HTTPClients(factory)
    clients.keep()
    await clients.release()
    assert factory.made == []


@pytest.mark.anyio
async def test_kept_client_stays_until_the_last_release(factory):
    clients = HTTPClients(factory)
    clients.keep()
    clients.keep()
    async with clients.lend() as client:
        pass
    async with clients.lend() as again:
        assert again is client
    await clients.release()
    assert not client.is_closed
    await clients.release()
    assert client.is_closed


@pytest.mark.anyio
async def test_release_without_keep_changes_nothing(factory):
    clients = HTTPClients(factory)
    await clients.release()
    async with clients.lend() as client:
        pass
    assert client.is_closed
    clients.keep()
    async with clients.lend() as client:
        pass
    assert not client.is_closed
    await clients.release()
    assert client.is_closed


@pytest.mark.anyio
async def test_release_leaves_a_borrowed_client_open(factory):
    clients = HTTPClients(factory)
    clients.keep()
    async with clients.lend() as client:
        await clients.release()
        assert not client.is_closed
    assert client.is_closed


@pytest.mark.anyio
async def test_cookies_are_neither_stored_nor_sent(factory):
    clients = HTTPClients(factory)
    clients.keep()
    for _ in range(3):
        async with clients.lend() as client:
            await client.get("https://api.workos.com/")
            assert list(client.cookies.jar) == []
    await clients.release()
    assert len(factory.made) == 1
    assert factory.cookies == [None, None, None]


@pytest.mark.anyio
async def test_cookies_of_a_client_from_the_factory_are_dropped():
    clients = HTTPClients(lambda: httpx.AsyncClient(cookies={"user": "ada"}))
    async with clients.lend() as client:
        assert list(client.cookies.jar) == []


@pytest.mark.anyio
async def test_failing_factory_leaves_nothing_behind(factory):
    outcomes = [ValueError("no client today"), None]

    def failing_once() -> httpx.AsyncClient:
        if (error := outcomes.pop(0)) is not None:
            raise error
        return factory()

    clients = HTTPClients(failing_once)
    with pytest.raises(ValueError, match="no client today"):
        async with clients.lend():
            pass
    async with clients.lend() as client:
        pass
    assert client.is_closed


@pytest.mark.anyio
async def test_error_of_a_borrower_closes_the_client(factory):
    clients = HTTPClients(factory)
    with pytest.raises(LookupError):
        async with clients.lend():
            raise LookupError
    assert factory.made[0].is_closed


@pytest.mark.anyio
async def test_cancelled_borrower_gives_the_client_back(factory):
    clients = HTTPClients(factory)
    borrowed = asyncio.Event()

    async def borrow() -> None:
        async with clients.lend():
            borrowed.set()
            await asyncio.Event().wait()

    async with clients.lend() as client:
        task = asyncio.create_task(borrow())
        await borrowed.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client.is_closed
    assert client.is_closed


@pytest.mark.anyio
async def test_cancel_scope_that_goes_on_cancelling_does_not_stop_the_closing():
    """anyio raises at every await in a cancelled scope, as under a request's timeout."""

    class Slow(httpx.AsyncClient):
        async def aclose(self) -> None:
            await asyncio.sleep(0)
            await super().aclose()
            closed.append(self)

    closed: list[Slow] = []
    made = Slow()
    clients = HTTPClients(lambda: made)
    with anyio.CancelScope() as scope:
        async with clients.lend():
            scope.cancel()
            await asyncio.sleep(0)
    assert scope.cancelled_caught
    assert closed == [made]


def test_each_loop_has_its_own_client(factory):
    clients = HTTPClients(factory)

    async def borrow() -> httpx.AsyncClient:
        clients.keep()
        async with clients.lend() as client:
            await client.get("https://api.workos.com/")
        await clients.release()
        return client

    assert [asyncio.run(borrow()) for _ in range(3)] == factory.made
    assert len({id(client) for client in factory.made}) == 3
    assert all(client.is_closed for client in factory.made)
    gc.collect()
    assert len(clients._places) == 0


def test_loops_of_several_threads_do_not_share(factory):
    clients = HTTPClients(factory)
    together = threading.Barrier(4)

    async def borrow() -> None:
        async with clients.lend() as client:
            together.wait()
            assert not client.is_closed

    threads = [threading.Thread(target=lambda: asyncio.run(borrow())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in factory.made}) == 4
    assert all(client.is_closed for client in factory.made)


def test_default_client_serves_loop_after_loop_and_leaves_no_socket_open():
    """An open socket would be a ResourceWarning, and warnings are errors."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        clients = HTTPClients()

        async def ask() -> int:
            async with clients.lend() as client:
                return (await client.get(url)).status_code

        statuses = [asyncio.run(ask()) for _ in range(3)]
        server.shutdown()
        thread.join()
    gc.collect()
    assert statuses == [302, 302, 302]  # and no redirect is followed
