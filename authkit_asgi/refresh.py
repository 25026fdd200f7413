"""Refreshing once for all who wait: no refresh token is sent to WorkOS twice."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from authkit_asgi.auth import Auth, Claims
from authkit_asgi.errors import AuthKitError, InvalidTokenError, WorkOSUnavailableError
from authkit_asgi.outcomes import Outcome, OutcomeMemory, Tombstones
from authkit_asgi.revocations import Revocations, UserRevocation
from authkit_asgi.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A session that followed on another: sealed for its cookie, and who is signed in by it.

    `auth` is signed out when the new token could not be verified yet; the cookie is written all
    the same, because the old refresh token is spent.
    """

    session: Session
    sealed: str = field(repr=False)
    auth: Auth


class Exchange(Protocol):
    """One refresh token's exchange, as a coordinator runs it."""

    organization_id: str | None
    """The organization asked for."""
    session_id: str | None
    """The session it is about."""

    async def perform(self) -> Outcome:
        """Ask WorkOS.

        Raises:
            UnavailableError: Nothing is known about the token.
        """
        ...

    async def accept(self, outcome: Outcome) -> Successor:
        """Verify what `perform`, here or in another process, has brought.

        Raises:
            AuthKitError: It is not to be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class Landing:
    """How a refresh token's exchange ended, for one of those who waited."""

    outcome: Outcome
    successor: Successor | None
    """What it was accepted as; `None` for a refusal, and for what was only remembered."""


class RefreshCoordinator(Protocol):
    """Sees to it that each refresh token is exchanged once, and remembers what came of it.

    Tokens are named by `refresh_key`. What is remembered may be lost early (a restart, a bound),
    but never made up.
    """

    revocations: Revocations
    """What this process knows of users whose sessions are over; asked on every request."""

    async def run(self, key: str, exchange: Exchange) -> Landing:
        """Return what the token has come to: remembered, under way, or exchanged now.

        The exchange goes on when the caller is cancelled.

        Raises:
            UnavailableError: It could not be exchanged; the next caller tries again.
            AuthKitError: What `exchange.accept` raised.
        """
        ...

    def is_under_way(self, key: str) -> bool:
        """Tell whether this event loop is exchanging the token now."""
        ...

    def recall(self, key: str) -> Iterator[Outcome]:
        """Yield what this process remembers of the token, then of its successor's, and so on."""
        ...

    async def newest(self, key: str, session_id: str | None) -> str | None:
        """Return the last sealed successor known, for a response that is about to be written.

        What other processes know of the session, and of its end, is known here from then on.
        """
        ...

    def is_awaited(self, key: str) -> bool:
        """Tell whether this token's is a successor's cookie that no request has brought yet.

        After `newest`, what other processes have seen counts too.
        """
        ...

    async def forget(self, key: str, outcome: Outcome) -> None:
        """Drop a refusal that was another organization's."""
        ...

    def see(self, key: str) -> None:
        """Note that a request has brought the cookie with this token. On every request: fast."""
        ...

    async def end(self, session_id: str | None, *, is_superseded: bool = False) -> bool:
        """Note that a session was signed out, or that another has taken its cookie's place.

        Returns whether all who are to know have been told; else they will be.
        """
        ...

    async def revoke(self, revocation: UserRevocation) -> bool:
        """Note that a user's sessions are over; returns as `end` does."""
        ...

    async def begin(self, session_id: str | None) -> None:
        """Note that a session is new, whatever was noted of its id."""
        ...

    def is_ended(self, session_id: str | None, *, or_superseded: bool = False) -> bool:
        """Tell whether this process knows that a session is over. On every request: fast."""
        ...

    def is_quiet(self, key: str | None, claims: Claims) -> bool:
        """Tell whether nothing is known of a token and its session; `False` where that takes more.

        Nor has `see` anything to do, then. On every request: fast.
        """
        ...

    async def open(self) -> None:
        """Keep what the running event loop uses until `aclose`."""
        ...

    async def aclose(self) -> None:
        """Wait for the running event loop's exchanges, within a deadline."""
        ...


class InProcessRefreshCoordinator:
    """The coordinator of one process: one flight for each token and event loop, one memory for all.

    A flight runs in a task of its own with an empty context. A client that hangs up does not stop
    it, after which the old token would be worth nothing; and the request's trace spans and
    database sessions may end before it does.

    Args:
        timeout: Seconds for which `aclose` waits.
        clock: Seconds since the epoch.
    """

    def __init__(self, *, timeout: float, clock: Callable[[], float]) -> None:
        self._timeout = timeout
        self._memory = OutcomeMemory(clock)
        self._signed_out = Tombstones(clock)
        self._superseded = Tombstones(clock)
        self.revocations: Revocations = Revocations(clock)
        self._flights: dict[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Landing]]] = {}
        self._lock = threading.Lock()

    async def run(self, key: str, exchange: Exchange) -> Landing:
        """See `RefreshCoordinator.run`."""
        flights = self._flights_here()
        flight = flights.get(key)
        if flight is None:
            if (known := self._memory.find(key)) is not None:
                return Landing(known, None)
            flight = flights[key] = asyncio.create_task(
                self._fly(key, exchange), context=contextvars.Context()
            )
            flight.add_done_callback(lambda done: _land(flights, key, done))
        return await _outcome(flight)

    async def _fly(self, key: str, exchange: Exchange) -> Landing:
        outcome = await exchange.perform()
        # Before anything else may fail: the old token is spent.
        self._memory.remember(key, outcome)
        if outcome.sealed is None:
            return Landing(outcome, None)
        try:
            return Landing(outcome, await exchange.accept(outcome))
        except InvalidTokenError:
            return Landing(outcome, None)  # another process's, and over since

    def remember(self, key: str, outcome: Outcome) -> None:
        """Remember what another process has found out."""
        self._memory.remember(key, outcome)

    def is_under_way(self, key: str) -> bool:
        """See `RefreshCoordinator.is_under_way`."""
        return key in self._flights_here()

    def recall(self, key: str) -> Iterator[Outcome]:
        """See `RefreshCoordinator.recall`."""
        return self._memory.chain(key)

    async def newest(self, key: str, session_id: str | None) -> str | None:  # noqa: ARG002
        """See `RefreshCoordinator.newest`."""
        newest: Outcome | None = None
        for known in self._memory.chain(key):
            if known.sealed is not None:
                newest = known
            elif newest is not None and known.organization_id == newest.organization_id:
                return None  # refused since, and not for another organization
        return newest.sealed if newest else None

    def is_awaited(self, key: str) -> bool:
        """See `RefreshCoordinator.is_awaited`."""
        return self.predecessor(key) is not None

    def predecessor(self, key: str) -> str | None:
        """Return the token whose successor this is, while its cookie has not been seen."""
        return self._memory.predecessor(key)

    async def forget(self, key: str, outcome: Outcome) -> None:
        """See `RefreshCoordinator.forget`."""
        self._memory.forget(key, outcome)

    def see(self, key: str) -> None:
        """See `RefreshCoordinator.see`."""
        self._memory.see(key)

    async def end(self, session_id: str | None, *, is_superseded: bool = False) -> bool:
        """See `RefreshCoordinator.end`."""
        (self._superseded if is_superseded else self._signed_out).add(session_id)
        return True

    async def revoke(self, revocation: UserRevocation) -> bool:
        """See `RefreshCoordinator.revoke`."""
        self.revocations.add(revocation)
        return True

    async def begin(self, session_id: str | None) -> None:
        """See `RefreshCoordinator.begin`."""
        self._signed_out.discard(session_id)
        self._superseded.discard(session_id)

    def is_ended(self, session_id: str | None, *, or_superseded: bool = False) -> bool:
        """See `RefreshCoordinator.is_ended`."""
        return session_id in self._signed_out or (or_superseded and session_id in self._superseded)

    def is_quiet(self, key: str | None, claims: Claims) -> bool:
        """See `RefreshCoordinator.is_quiet`."""
        return (
            key not in self._memory.places
            and key not in self._memory.predecessors
            and claims["sid"] not in self._signed_out.noted
            and not (self.revocations.noted and self.revocations.cover(claims))
        )

    async def open(self) -> None:
        """Do nothing: a memory needs no opening."""

    async def aclose(self) -> None:
        """See `RefreshCoordinator.aclose`."""
        if flights := list(self._flights_here().values()):
            await asyncio.wait(flights, timeout=self._timeout)

    def _flights_here(self) -> dict[str, asyncio.Task[Landing]]:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._flights:
                # Looked for, as weak references to loops would not do: a task holds its loop.
                for closed in [at for at in self._flights if at.is_closed()]:
                    del self._flights[closed]
                self._flights[loop] = {}
            return self._flights[loop]


async def _outcome(flight: asyncio.Task[Landing]) -> Landing:
    """Wait for a flight, which goes on if the waiter is cancelled, and return or raise its end."""
    await asyncio.wait({flight})
    if flight.cancelled():
        raise WorkOSUnavailableError("The refresh was stopped")
    error = flight.exception()
    if isinstance(error, AuthKitError):
        # A copy for each: one error raised again and again would grow by every traceback.
        raise copy.copy(error)
    return flight.result()


def _land(
    flights: dict[str, asyncio.Task[Landing]], key: str, flight: asyncio.Task[Landing]
) -> None:
    del flights[key]
    if not flight.cancelled():
        flight.exception()  # read, so that one whose waiters have left is not "never retrieved"
