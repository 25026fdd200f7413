"""Calls of a session store: bounded in time, settled between workers, repeated if need be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import anyio

from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import InvalidSessionError, StoreUnavailableError
from authkit_asgi.log_events import named_logger
from authkit_asgi.outcomes import LIFETIME
from authkit_asgi.session import Session, session_issued_at
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import ENDED, SessionStore, StoredAs

logger: logging.Logger = named_logger(__name__)

_T = TypeVar("_T")

_CALL_SECONDS = 5
_MAX_CONFLICTS = 10  # of one change with those of other workers, one after the other
_MAX_LATE = 10_000
_RETRY_SECONDS = (0.05, 1)  # between attempts to tell the store: at first, later
_CLOSE_SECONDS = 2


class EndedError(Exception):
    """The session has been signed out."""


class StoreCalls:
    """Calls stores for all requests of a process.

    Args:
        records: Seals what is stored.
        seconds: For which a session is stored, from its last change on.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, records: SessionRecords, *, seconds: int, clock: Callable[[], float]
    ) -> None:
        self._records = records
        self._seconds = seconds
        self._clock = clock
        # What could not be told yet; the first with the time of the change.
        self._unsaved: OrderedDict[str, tuple[StoredAs, Session, float]] = OrderedDict()
        self._unended: OrderedDict[tuple[int, str], tuple[SessionStore, int]] = OrderedDict()
        self._tasks = BackgroundTasks()

    async def get(self, store: SessionStore, key: str) -> str | None:
        """Return what is under a key.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        value = await self._call(store.get, key)
        if not isinstance(value, str | None):
            raise _failed(f"an answer of type {type(value).__qualname__}")
        self._tell()  # the event loop that was to do it may have ended
        return ENDED if (id(store), key) in self._unended else value

    async def keys(self, store: SessionStore, owner: str) -> Sequence[str]:
        """Return the keys of an owner; raises as `get` does."""
        found: object = await self._call(store.keys, owner)
        if not isinstance(found, Iterable):
            raise _failed(f"an answer of type {type(found).__qualname__}")
        return [key for key in found if isinstance(key, str)]

    async def put(
        self, at: StoredAs, session: Session, *, since: float | None = None
    ) -> tuple[StoredAs, Session]:
        """Put a session into its place, and return what is there: it, or what came before it.

        Of two successors of one session the later one stays, whoever of two workers is faster.

        Args:
            at: The place, with what is expected there.
            session: The session.
            since: When this should have been done, where it is late.

        Raises:
            EndedError: The session has been signed out.
            InvalidSessionError: Something is there that cannot be read.
            StoreUnavailableError: The store cannot be used.
            SessionTooLargeError: It would be longer than what is read.
        """
        owner = self._records.owners(session.user_id)[0]
        for _ in range(_MAX_CONFLICTS):
            if (id(at.store), at.key) in self._unended:
                raise EndedError
            value = self._records.seal(at, session)
            if await self._call(
                at.store.put, at.key, value, expected=at.value, owner=owner, seconds=self._seconds
            ):
                at = replace(at, value=value)
                return at, replace(session, stored=at)
            there = await self.get(at.store, at.key)
            if there == ENDED:
                raise EndedError
            if there is None:  # a store that has lost its data
                if since is not None and self._clock() - since >= LIFETIME:
                    raise EndedError  # a sign-out may have come and gone since
                at = replace(at, value=None)
                continue
            place, found = self._records.open(at.store, at.key, there, id_=at.id)
            if not _is_later(at, session, place, found):
                return place, found
            at = replace(at, value=there, version=max(at.version, place.version + 1))
        raise StoreUnavailableError("Too many workers change one session", retry_after=1)

    def put_later(self, at: StoredAs, session: Session) -> None:
        """Put a session into its place as soon as the store can be used."""
        known = self._unsaved.get(at.key)
        if known is None or _is_later(at, session, *known[:2]):
            self._unsaved[at.key] = at, session, self._clock()
            if len(self._unsaved) > _MAX_LATE:
                self._unsaved.popitem(last=False)
        self._tell()

    def newest(self, place: StoredAs, found: Session) -> Session:
        """Return a session found in a store, or what is still to be put into its place."""
        late = self._unsaved.get(place.key)
        if late is None or not _is_later(late[0], late[1], place, found):
            return found
        return replace(late[1], stored=replace(late[0], value=place.value))

    async def drop(self, at: StoredAs) -> bool:
        """End a session, unless another has taken its place; return whether; raises as `get`."""
        put = at.store.put
        return await self._call(put, at.key, ENDED, expected=at.value, owner="", seconds=LIFETIME)

    async def end(
        self,
        stores: Iterable[SessionStore],
        keys: Collection[str],
        lasting: Collection[str] = (),
    ) -> bool:
        """End what is under keys: now, or as soon as the stores can be used; return whether now.

        Args:
            stores: Where.
            keys: What ends for as long as something under way may want to bring it back.
            lasting: What ends for as long as a cookie lives, from which it could be moved again.
        """
        ends = [(key, LIFETIME) for key in keys if key not in lasting]
        ends += [(key, self._seconds) for key in lasting]
        named = [(store, key, seconds) for store in stores for key, seconds in ends]
        for store, key, seconds in named:
            self._unended[id(store), key] = store, seconds
            if len(self._unended) > _MAX_LATE:
                self._unended.popitem(last=False)
        down = await self._end(named)
        self._tell()
        return not down

    async def _end(self, named: Iterable[tuple[SessionStore, str, int]]) -> set[int]:
        """End what is under keys, and return which stores cannot be used."""
        down: set[int] = set()
        for store, key, seconds in named:
            if id(store) not in down:  # one that hangs is waited for once
                try:
                    await self._call(store.end, key, seconds=seconds)
                except StoreUnavailableError:
                    down.add(id(store))
                else:
                    self._unended.pop((id(store), key), None)
        return down

    def _tell(self) -> None:
        if self._unended or self._unsaved:
            self._tasks.start_once(self._tell_late)

    async def _tell_late(self) -> None:
        """Tell the stores what they could not be told, until they have been."""
        seconds, longest = _RETRY_SECONDS
        while self._unended or self._unsaved:
            waiting = list(self._unended.items())  # event loops may be in several threads
            down = await self._end([(store, key, ends) for (_, key), (store, ends) in waiting])
            for late in list(self._unsaved.values()):
                at, session, since = late
                if id(at.store) not in down:
                    try:
                        with contextlib.suppress(EndedError, InvalidSessionError):
                            await self.put(at, session, since=since)
                    except StoreUnavailableError:
                        down.add(id(at.store))
                    else:
                        if self._unsaved.get(at.key) is late:
                            self._unsaved.pop(at.key, None)
            if down:
                await anyio.sleep(seconds)
                seconds = min(2 * seconds, longest)

    async def _call(self, call: Callable[..., Awaitable[_T]], *values: Any, **how: Any) -> _T:
        try:
            with anyio.fail_after(_CALL_SECONDS):
                return await call(*values, **how)
        except StoreUnavailableError:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _failed(type(error).__qualname__) from None  # a task of the store's own
        except Exception as error:  # noqa: BLE001  # of an application's own store
            raise _failed(type(error).__qualname__) from None

    async def aclose(self) -> None:
        """Wait a little for what is still to be told."""
        await self._tasks.aclose(_CLOSE_SECONDS)


def _failed(what: str) -> StoreUnavailableError:
    # Neither message nor traceback: both may hold what was to be stored.
    logger.error("The session store failed with %s", what)
    return StoreUnavailableError("The session store failed", retry_after=1)


def _is_later(at: StoredAs, session: Session, place: StoredAs, found: Session) -> bool:
    """Tell whether a session is to take the place of the one found there."""
    if session.access_token == found.access_token:
        return False
    # Two tokens of one second cannot be told apart by their time; versions can, where the session
    # stems from what was there. One that comes from elsewhere has none.
    if at.version and at.version != place.version:
        return at.version > place.version
    return session_issued_at(session) > session_issued_at(found)
