"""The fetch of the key set: what is sent, with which client, and to which addresses."""

from __future__ import annotations

import contextlib
import contextvars
import math
from collections.abc import AsyncIterator

import httpx
import pytest
from key_server import URL, Clock, KeyServer, lookup, make_cache

from authkit_asgi.errors import KeysUnavailableError
from authkit_asgi.jwks import KeySetCache

pytestmark = pytest.mark.anyio


async def test_fetch_is_a_bare_get_whatever_the_client_carries():
    server = KeyServer()
    client = server.client(
        cookies={"session": "secret"},
        headers={"Authorization": "Bearer secret"},
        params={"secret": "1"},
        auth=("user", "secret"),
        base_url="https://elsewhere.example",
        follow_redirects=True,
    )
    assert await lookup(make_cache(server, http_client=client)) is not None
    (request,) = server.requests
    assert (request.method, str(request.url)) == ("GET", URL)
    assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent"}
    assert request.headers["Accept-Encoding"] == "identity"


async def test_fetch_follows_no_redirect_even_if_the_client_does():
    server = KeyServer()
    server.answer = lambda: httpx.Response(302, headers={"Location": "https://evil.example/"})
    with pytest.raises(KeysUnavailableError):
        await lookup(make_cache(server, http_client=server.client(follow_redirects=True)))
    assert server.fetches == 1


async def test_fetch_neither_closes_nor_copies_a_given_client():
    server = KeyServer()
    client = server.client()
    cache = make_cache(server, http_client=client)
    await lookup(cache)
    await cache.aclose()
    assert not client.is_closed


@pytest.mark.parametrize("outcome", ["success", "failure"])
async def test_fetch_gives_a_lent_client_back(outcome):
    server = KeyServer()
    if outcome == "failure":
        server.break_down()
    lent: list[str] = []

    @contextlib.asynccontextmanager
    async def lend() -> AsyncIterator[httpx.AsyncClient]:
        lent.append("lent")
        try:
            yield server.client()
        finally:
            lent.append("back")

    with contextlib.suppress(KeysUnavailableError):
        await lookup(make_cache(server, http_client=lend))
    assert lent == ["lent", "back"]
    assert server.fetches == 1


async def test_fetch_lender_that_raises_is_a_failed_fetch():
    def lend() -> contextlib.AbstractAsyncContextManager[httpx.AsyncClient]:
        raise RuntimeError("no client today")

    with pytest.raises(KeysUnavailableError):
        await lookup(make_cache(KeyServer(), http_client=lend))


async def test_fetch_takes_nothing_of_the_request_along():
    variable = contextvars.ContextVar("variable", default="empty")
    server = KeyServer()
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lend() -> AsyncIterator[httpx.AsyncClient]:
        seen.append(variable.get())
        yield server.client()

    variable.set("the request's")
    await lookup(make_cache(server, http_client=lend))
    assert seen == ["empty"]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.workos.com/sso/jwks/client_1",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "ftp://api.workos.com/",
        "file:///etc/passwd",
        "//api.workos.com/",
        "/sso/jwks",
        "",
        "https://",
    ],
)
def test_cache_address_that_is_not_secure_is_refused(url):
    with pytest.raises(ValueError, match="https"):
        KeySetCache(url, http_client=httpx.AsyncClient(), max_age=1, max_stale=1, clock=Clock())


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80"])
def test_cache_http_address_on_loopback_is_accepted(host):
    KeySetCache(
        f"http://{host}/keys",
        http_client=httpx.AsyncClient(),
        max_age=1,
        max_stale=1,
        clock=Clock(),
    )


@pytest.mark.parametrize("ages", [(0, 1), (1, 0), (-1, 1), (math.nan, 1), (1, math.nan)])
def test_cache_impossible_age_is_refused(ages):
    with pytest.raises(ValueError, match="above 0"):
        make_cache(KeyServer(), max_age=ages[0], max_stale=ages[1])
