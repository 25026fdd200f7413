"""What the tests of the key cache share: a key server, a clock to turn, a cache on both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from joserfc.jwk import RSAKey
from key_documents import document, jwk

from authkit_asgi.jwks import KeySetCache

URL = "https://api.workos.com/sso/jwks/client_1"
START = 1_800_000_000.0
MAX_AGE = 300
MAX_STALE = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class KeyServer:
    """The JWKS endpoint: answers as told, when told, and remembers what it was asked."""

    def __init__(self, *kids: str) -> None:
        self.requests: list[httpx.Request] = []
        self.opened = asyncio.Event()
        self.opened.set()
        self.publish(*kids or ("key_1",))

    def publish(self, *kids: str) -> None:
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(
            200, content=document(*map(jwk, kids))
        )

    def break_down(self) -> None:
        self.answer = lambda: httpx.Response(503, text="down")

    def hang(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answer
        await self.opened.wait()
        return answer()

    @property
    def fetches(self) -> int:
        return len(self.requests)

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self), **options)


def make_cache(
    server: KeyServer, clock: Callable[[], float] | None = None, **options: Any
) -> KeySetCache:
    settings = {"http_client": server.client(), "max_age": MAX_AGE, "max_stale": MAX_STALE}
    return KeySetCache(URL, **{**settings, "clock": clock or Clock(), **options})


async def lookup(cache: KeySetCache, kid: str = "key_1") -> RSAKey | None:
    """Look a key up as the verifier does."""
    return cache.get(kid) or await cache.find(kid)


async def lookup_all(cache: KeySetCache, kids: Iterable[str]) -> list[RSAKey | None]:
    return list(await asyncio.gather(*(lookup(cache, kid) for kid in kids)))


async def let_others_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def warm_cache(server: KeyServer, clock: Clock, **options: Any) -> KeySetCache:
    cache = make_cache(server, clock, **options)
    assert await lookup(cache) is not None
    server.requests.clear()
    return cache


def raiser(error: Exception) -> Callable[[], httpx.Response]:
    def fail() -> httpx.Response:
        raise error

    return fail
