"""The HTTP client: one for each event loop, lent out, closed when nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import anyio
import httpx

HTTPClientFactory = Callable[[], httpx.AsyncClient]


class _Place:
    """What one event loop has: its client, and how many borrow or keep it."""

    __slots__ = ("borrowers", "client", "keepers")

    def __init__(self) -> None:
        self.client: httpx.AsyncClient | None = None
        self.borrowers = 0
        self.keepers = 0


class HTTPClients:
    """Lends one `httpx.AsyncClient` per event loop to the WorkOS API and the JWKS fetch.

    An HTTP connection belongs to the loop it was opened in, and Starlette's test client runs every
    request in a loop of its own. While a lifespan is under way in a loop its client is kept;
    without one it is closed as soon as nobody borrows it, so that no socket outlives its loop.
    """

    def __init__(self, factory: HTTPClientFactory | None = None) -> None:
        self._factory = factory or self._default_factory
        self._places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Place] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()
        self._ssl_context: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend the running loop's client; it must not be closed by the borrower."""
        place = self._place()
        place.borrowers += 1
        try:
            if place.client is None:
                place.client = self._factory()
                # A shared jar would send one user's cookies along with another's request.
                # (The bare jar: `httpx.Cookies` would copy what is in it and lose the policy.)
                jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
                place.client.cookies = jar
            yield place.client
        finally:
            place.borrowers -= 1
            await self._close_if_unused(place)

    def keep(self) -> None:
        """Keep the running loop's client until `release`; called when a lifespan begins."""
        self._place().keepers += 1

    async def release(self) -> None:
        """Take one `keep` back, and close the client unless it is lent or still kept."""
        place = self._place()
        place.keepers = max(0, place.keepers - 1)  # closing what was not opened is no debt
        await self._close_if_unused(place)

    async def _close_if_unused(self, place: _Place) -> None:
        if place.borrowers or place.keepers or place.client is None:
            return
        client, place.client = place.client, None
        # Shielded: a request that is cancelled must not leave its connections open.
        with anyio.CancelScope(shield=True):
            await client.aclose()

    def _place(self) -> _Place:
        # Threads are there where several event loops are; the loop itself needs no lock.
        with self._lock:
            return self._places.setdefault(asyncio.get_running_loop(), _Place())

    def _default_factory(self) -> httpx.AsyncClient:
        if self._ssl_context is None:
            self._ssl_context = httpx.create_ssl_context()
        return httpx.AsyncClient(verify=self._ssl_context, follow_redirects=False)
