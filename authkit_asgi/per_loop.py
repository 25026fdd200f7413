"""Connections that belong to an event loop: made in it, lent, closed when nobody needs them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

import anyio

_T = TypeVar("_T")


class _Place(Generic[_T]):
    """What one event loop has: its client, how many borrow or keep it, and since when."""

    __slots__ = ("borrowers", "client", "keepers", "since")

    def __init__(self) -> None:
        self.since = asyncio.get_running_loop().time()
        self.client: _T | None = None
        self.borrowers = 0
        self.keepers = 0


class PerLoop(Generic[_T]):
    """Lends one client per event loop.

    A connection belongs to the loop it was opened in, and Starlette's test client runs every
    request in a loop of its own. While a lifespan is under way in a loop its client is kept;
    without one it is closed as soon as nobody borrows it, so that no socket outlives its loop.
    """

    def __init__(self, make: Callable[[], _T], close: Callable[[_T], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._places: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Place[_T]] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[_T]:
        """Lend the running loop's client; it must not be closed by the borrower."""
        place = self._place()
        place.borrowers += 1
        try:
            if place.client is None:
                place.client = self._make()
            yield place.client
        finally:
            place.borrowers -= 1
            await self._close_if_unused(place)

    def outlasts(self, seconds: float) -> bool:
        """Tell whether the running loop is one that goes on after a request.

        Either a lifespan is under way in it, or it was first seen so many seconds ago.
        """
        place = self._place()
        age = asyncio.get_running_loop().time() - place.since
        return place.keepers > 0 or age >= seconds

    def keep(self) -> None:
        """Keep the running loop's client until `release`; called when a lifespan begins."""
        self._place().keepers += 1

    async def release(self) -> None:
        """Take one `keep` back, and close the client unless it is lent or still kept."""
        place = self._place()
        place.keepers = max(0, place.keepers - 1)  # closing what was not opened is no debt
        await self._close_if_unused(place)

    async def _close_if_unused(self, place: _Place[_T]) -> None:
        if place.borrowers or place.keepers or place.client is None:
            return
        client, place.client = place.client, None
        # Shielded: a request that is cancelled must not leave its connections open.
        with anyio.CancelScope(shield=True):
            await self._close(client)

    def _place(self) -> _Place[_T]:
        # Threads are there where several event loops are; the loop itself needs no lock.
        with self._lock:
            return self._places.setdefault(asyncio.get_running_loop(), _Place())
