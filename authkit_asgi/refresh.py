"""Refreshing once for all who wait: no refresh token is sent to WorkOS twice."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from authkit_asgi.auth import Auth
from authkit_asgi.errors import AuthKitError, GrantRejectedError, WorkOSUnavailableError
from authkit_asgi.session import Session

_REMEMBERED_SECONDS = 30  # requests that were under way with the old cookie still arrive
_MAX_REMEMBERED = 10_000  # results in one event loop; the oldest go first


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What an exchange made of a session: its successor, sealed, and who is signed in by it.

    `auth` is signed out when the new token could not be verified yet; the cookie is written all
    the same, because the old refresh token is spent.
    """

    session: Session
    sealed: str = field(repr=False)
    auth: Auth


Exchange = Callable[[Session, str | None], Awaitable[Successor]]


@dataclass(slots=True)
class _Flight:
    """An exchange under way or just finished, and the organization it asked for."""

    organization_id: str | None
    task: asyncio.Task[Successor]


class RefreshCoordinator:
    """Runs one exchange for each refresh token within this process.

    Flights are keyed by the refresh token alone, since a strict server revokes the session when
    one token comes twice. Each runs in a task of its own: a client that hangs up does not stop an
    exchange after which the old token is worth nothing.
    """

    def __init__(self, *, timeout: float) -> None:
        self._timeout = timeout
        self._flights: dict[asyncio.AbstractEventLoop, dict[bytes, _Flight]] = {}
        self._lock = threading.Lock()

    async def refresh(
        self, session: Session, organization_id: str | None, exchange: Exchange
    ) -> Successor:
        """Return the successor of `session` in `organization_id`, from whichever flight makes it.

        Who asks for another organization than the flight under way waits for it, then exchanges
        the successor's refresh token.

        Raises:
            WorkOSUnavailableError: The deadline passed; the exchange itself goes on.
            AuthKitError: What `exchange` raised, to all who waited for it.
        """
        try:
            with anyio.fail_after(self._timeout):
                return await self._join(session, organization_id, exchange)
        except TimeoutError:
            raise WorkOSUnavailableError("The refresh did not end in time") from None

    async def _join(
        self, session: Session, organization_id: str | None, exchange: Exchange
    ) -> Successor:
        flights = self._flights_here()
        while flight := flights.get(key := _key(session)):
            is_other = flight.organization_id != organization_id
            try:
                successor = await _outcome(flight.task)
            except GrantRejectedError:
                if not is_other:
                    raise
                # What WorkOS refuses for one organization (SSO, MFA) it may grant for another:
                # a switch that failed must not end the session.
                if flights.get(key) is flight:
                    del flights[key]
                continue
            if not is_other:
                return successor
            session = successor.session
        flight = _start(session, organization_id, exchange)
        flights[key] = flight
        if len(flights) > _MAX_REMEMBERED:
            flights.pop(next(iter(flights)))
        flight.task.add_done_callback(lambda _: _forget_later(flights, key, flight))
        return await _outcome(flight.task)

    def newest(self, session: Session) -> Successor | None:
        """Return the last of the remembered successors of `session`, `None` if it has none.

        A request that is late with its answer must not put a spent token over its successor.
        """
        newest: Successor | None = None
        flights = self._flights_here()
        while flight := flights.get(_key(session)):
            if not flight.task.done() or flight.task.cancelled() or flight.task.exception():
                break
            newest = flight.task.result()
            session = newest.session
        return newest

    async def aclose(self) -> None:
        """Wait for the running loop's exchanges, until the deadline at the longest."""
        with self._lock:
            flights = self._flights.pop(asyncio.get_running_loop(), {})
        if pending := [flight.task for flight in flights.values() if not flight.task.done()]:
            await asyncio.wait(pending, timeout=self._timeout)

    def _flights_here(self) -> dict[bytes, _Flight]:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._flights:
                # Looked for, as weak references to loops would not do: a task holds its loop.
                for closed in [at for at in self._flights if at.is_closed()]:
                    del self._flights[closed]
                self._flights[loop] = {}
            return self._flights[loop]


def _key(session: Session) -> bytes:
    return hashlib.sha256((session.refresh_token or "").encode("utf-8", "surrogatepass")).digest()


def _start(session: Session, organization_id: str | None, exchange: Exchange) -> _Flight:
    async def run() -> Successor:
        return await exchange(session, organization_id)

    # An empty context: the request's trace spans and database sessions end before this may.
    task = asyncio.create_task(run(), context=contextvars.Context())
    return _Flight(organization_id, task)


async def _outcome(task: asyncio.Task[Successor]) -> Successor:
    """Wait for a flight, which goes on if the waiter is cancelled, and return or raise its end."""
    await asyncio.wait({task})
    if task.cancelled():
        raise WorkOSUnavailableError("The refresh was stopped")
    error = task.exception()
    if isinstance(error, AuthKitError):
        # A copy for each: one error raised again and again would grow by every traceback.
        raise copy.copy(error)
    return task.result()


def _forget_later(flights: dict[bytes, _Flight], key: bytes, flight: _Flight) -> None:
    def forget() -> None:
        if flights.get(key) is flight:
            del flights[key]

    if _is_final(flight.task):
        asyncio.get_running_loop().call_later(_REMEMBERED_SECONDS, forget)
    else:
        forget()  # so that the next request tries again


def _is_final(task: asyncio.Task[Successor]) -> bool:
    if task.cancelled():
        return False
    # Reading it also keeps an exchange whose waiters are all gone from being "never retrieved".
    return task.exception() is None or isinstance(task.exception(), GrantRejectedError)
