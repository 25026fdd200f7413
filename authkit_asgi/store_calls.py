"""Calls of a session store: bounded in time, settled between workers, repeated if need be."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import anyio

from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import AuthKitError, InvalidSessionError, StoreUnavailableError
from authkit_asgi.outcomes import LIFETIME
from authkit_asgi.session import Session, session_issued_at
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import ENDED, SessionStore, StoredAs

logger = logging.getLogger(__name__)

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
    """

    def __init__(self, records: SessionRecords, *, seconds: int) -> None:
        self._records = records
        self._seconds = seconds
        self._unsaved: OrderedDict[str, tuple[StoredAs, Session]] = OrderedDict()
        self._unended: OrderedDict[tuple[SessionStore, str], None] = OrderedDict()
        self._tasks = BackgroundTasks()

    async def get(self, store: SessionStore, key: str) -> str | None:
        """Return what is under a key.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        return await self._call(store.get(key))

    async def keys(self, store: SessionStore, owner: str) -> Sequence[str]:
        """Return the keys of an owner; raises as `get` does."""
        return await self._call(store.keys(owner))

    async def put(self, at: StoredAs, session: Session) -> StoredAs:
        """Put a session into its place, and return what is there: it, or what came before it.

        Of two successors of one session the later one stays, whoever of two workers is faster.

        Raises:
            EndedError: The session has been signed out.
            InvalidSessionError: Something is there that cannot be read.
            StoreUnavailableError: The store cannot be used.
            SessionTooLargeError: It would be longer than what is read.
        """
        owner = self._records.owners(session.user_id)[0]
        for _ in range(_MAX_CONFLICTS):
            value = self._records.seal(at, session)
            if await self._call(
                at.store.put(at.key, value, expected=at.value, owner=owner, seconds=self._seconds)
            ):
                return replace(at, value=value)
            there = await self.get(at.store, at.key)
            if there == ENDED:
                raise EndedError
            if there is None:  # a store that has lost its data
                at = replace(at, value=None)
                continue
            place, found = self._records.open(at.store, at.key, there, id_=at.id)
            if not _is_later(at, session, place, found):
                return place
            at = replace(at, value=there, version=max(at.version, place.version + 1))
        raise StoreUnavailableError("Too many workers change one session", retry_after=1)

    def put_later(self, at: StoredAs, session: Session) -> None:
        """Put a session into its place as soon as the store can be used."""
        self._unsaved[at.key] = at, session
        if len(self._unsaved) > _MAX_LATE:
            self._unsaved.popitem(last=False)
        self._tasks.start_once(self._tell_late)

    async def drop(self, at: StoredAs) -> None:
        """End a session, unless another has taken its place; raises as `get` does."""
        await self._call(at.store.put(at.key, ENDED, expected=at.value, owner="", seconds=LIFETIME))

    async def end(self, stores: Sequence[SessionStore], keys: Collection[str]) -> None:
        """End what is under keys: now, or as soon as the store can be used."""
        for store in stores:
            for key in keys:
                self._unended[store, key] = None
                if len(self._unended) > _MAX_LATE:
                    self._unended.popitem(last=False)
        try:
            await self._end_all()
        except StoreUnavailableError:
            self._tasks.start_once(self._tell_late)

    async def _end_all(self) -> None:
        while self._unended:
            (store, key), _ = self._unended.popitem()
            try:
                await self._call(store.end(key, seconds=LIFETIME))
            except BaseException:  # an event loop that ends, too: another one tells it
                self._unended[store, key] = None
                raise

    async def _tell_late(self) -> None:
        """Tell the store what it could not be told, until it has been."""
        seconds, longest = _RETRY_SECONDS
        while True:
            with contextlib.suppress(StoreUnavailableError):
                await self._end_all()
                while self._unsaved:
                    key, (at, session) = next(iter(self._unsaved.items()))
                    with contextlib.suppress(EndedError, InvalidSessionError):
                        await self.put(at, session)
                    if self._unsaved.get(key) == (at, session):
                        del self._unsaved[key]
                return
            await anyio.sleep(seconds)
            seconds = min(2 * seconds, longest)

    async def _call(self, call: Awaitable[_T]) -> _T:
        try:
            with anyio.fail_after(_CALL_SECONDS):
                result = await call
        except AuthKitError:
            raise
        except Exception as error:  # noqa: BLE001  # of an application's own store
            # Neither message nor traceback: both may hold what was to be stored.
            logger.error("The session store failed with %s", type(error).__qualname__)  # noqa: TRY400
            raise StoreUnavailableError("The session store failed", retry_after=1) from None
        return result

    async def aclose(self) -> None:
        """Wait a little for what is still to be told."""
        await self._tasks.aclose(_CLOSE_SECONDS)


def _is_later(at: StoredAs, session: Session, place: StoredAs, found: Session) -> bool:
    """Tell whether a session is to take the place of the one found there."""
    if session.access_token == found.access_token:
        return False
    # Two tokens of one second cannot be told apart by their time; versions can, where the session
    # stems from what was there. One that comes from a cookie has none.
    if at.version and at.version != place.version:
        return at.version > place.version
    return session_issued_at(session) > session_issued_at(found)
