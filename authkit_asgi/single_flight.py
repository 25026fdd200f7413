"""One piece of work for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import threading
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeAlias, TypeVar

from authkit_asgi.errors import AuthKitError, WorkOSUnavailableError

_T = TypeVar("_T")

_Place: TypeAlias = tuple[asyncio.AbstractEventLoop, Hashable]


class SingleFlight(Generic[_T]):
    """Runs work once for each key and event loop, in a task of its own with an empty context.

    So a client that hangs up does not stop what others wait for.
    """

    def __init__(self) -> None:
        self._flights: dict[_Place, asyncio.Task[_T]] = {}
        self._lock = threading.Lock()

    async def run(self, key: Hashable, begin: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Return what the work under way for `key` comes to; where there is none, begin it.

        Raises:
            AuthKitError: What the work, or `begin`, raises.
            WorkOSUnavailableError: `aclose` has stopped it.
        """
        place = (asyncio.get_running_loop(), key)
        flight = self._flights.get(place)
        if flight is None:
            flight = asyncio.create_task(begin(), context=contextvars.Context())
            with self._lock:
                self._flights[place] = flight
            flight.add_done_callback(lambda done: self._land(place, done))
        await asyncio.wait({flight})
        if flight.cancelled():
            raise WorkOSUnavailableError("The call was stopped")
        error = flight.exception()
        if isinstance(error, AuthKitError):
            # A copy for each: one error raised again and again would grow by every traceback.
            raise copy.copy(error)
        return flight.result()

    async def aclose(self) -> None:
        """Stop what is under way in the running event loop, and wait for its end."""
        loop = asyncio.get_running_loop()
        with self._lock:
            flights = [flight for (at, _), flight in self._flights.items() if at is loop]
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)

    def _land(self, place: _Place, flight: asyncio.Task[_T]) -> None:
        with self._lock:
            del self._flights[place]
        if not flight.cancelled():
            flight.exception()  # read, so that one whose waiters have left is not "never retrieved"
