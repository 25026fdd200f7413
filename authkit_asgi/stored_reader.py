"""Finding sessions on the server: by the id in a cookie, or as what a cookie's has become there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError, StoreUnavailableError
from authkit_asgi.outcomes import LIFETIME, refresh_key
from authkit_asgi.session import Session, session_id, session_issued_at
from authkit_asgi.session_reader import SessionReader
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.store_calls import StoreCalls
from authkit_asgi.stores import ENDED, SessionStore, StoredAs

_EXPIRED = SignedOut(reason=SignedOutReason.SESSION_EXPIRED)
_SIGNED_OUT = SignedOut(reason=SignedOutReason.SIGNED_OUT)
_INVALID = SignedOut(reason=SignedOutReason.INVALID_SESSION_COOKIE)


class StoredReader:
    """Reads session cookies where sessions are, or have been, on the server.

    Args:
        config: The settings.
        records: Opens ids and values.
        calls: Asks the stores.
        store: Where sessions belong; `None` for in their cookies.
        stores: Where they may be, that first.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        records: SessionRecords,
        calls: StoreCalls,
        store: SessionStore | None,
        stores: Sequence[SessionStore],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._cookies = SessionReader(config.cookie_password, config.legacy_fernet_key)
        self._records = records
        self._calls = calls
        self._store = store
        self._stores = stores
        self._clock = clock

    async def read(self, values: Sequence[str]) -> tuple[list[Session], SignedOut]:
        """Return the authentic sessions that cookies hold or name, and what it means if none is.

        Raises:
            StoreUnavailableError: The store cannot be asked.
        """
        sessions: list[Session] = []
        otherwise = _INVALID
        for value in values:
            try:
                found = await self._read(value)
            except InvalidSessionError:
                continue
            if isinstance(found, SignedOut):
                otherwise = found
            else:
                sessions.append(found)
        return sessions, otherwise

    def in_cookies(self, values: Sequence[str]) -> Session | None:
        """Return the newest session that is in a cookie itself, if all there are of one user."""
        sessions: list[Session] = []
        for value in values:
            with contextlib.suppress(InvalidSessionError):
                sessions.append(self._cookies.read(value))
        if len({session.user_id for session in sessions}) != 1:
            return None
        return max(sessions, key=session_issued_at)

    async def _read(self, value: str) -> Session | SignedOut:
        named = self._records.open_id(value)
        if named is None:
            session = self._cookies.read(value)
            if self._store is not None:
                return await self._moved(self._store, session)
            return await self._unless_ended(session)
        id_, is_outdated = named
        found = await self._newest(id_)
        if not isinstance(found, Session):
            return found or _EXPIRED
        if self.is_in_place(found):
            return _outdated(found) if is_outdated else found
        return _outdated(found) if self._store is None else await self._moved(self._store, found)

    async def _newest(self, id_: str) -> Session | SignedOut | None:
        """Return what is under an id.

        Moved to another store and back, a session stands in both, and only the later one's refresh
        token is unspent.
        """
        sessions: list[Session] = []
        for store in self._stores:
            try:
                found = await self._find(store, id_)
            except (InvalidSessionError, StoreUnavailableError):
                if not sessions:
                    raise
                continue  # an older store that is no more; what is here is enough
            if isinstance(found, SignedOut):
                return found
            if found is not None:
                sessions.append(found)
        return max(sessions, key=session_issued_at, default=None)

    async def _moved(self, store: SessionStore, session: Session) -> Session | SignedOut:
        """Return a session that is not in the store: as it is there by now, or to be put there."""
        for id_ in self.moved_ids(session):
            found = await self._find(store, id_)
            if isinstance(found, SignedOut):
                return found
            if found is not None and self.is_same(session, found):
                return _outdated(found)
        return _outdated(session)

    async def _unless_ended(self, session: Session) -> Session | SignedOut:
        """Return a session that has gone back into its cookie, unless it was revoked since."""
        for store in self._stores:
            for id_ in self.moved_ids(session):
                with contextlib.suppress(StoreUnavailableError):  # the cookie is enough
                    if await self._calls.get(store, StoredAs.key_of(id_)) == ENDED:
                        return _SIGNED_OUT
        return session

    async def _find(self, store: SessionStore, id_: str) -> Session | SignedOut | None:
        key = StoredAs.key_of(id_)
        value = await self._calls.get(store, key)
        if value is None:
            return None
        if value == ENDED:
            return _SIGNED_OUT
        return self._calls.newest(*self._records.open(store, key, value, id_=id_))

    def is_same(self, session: Session, found: Session) -> bool:
        """Tell whether who has a cookie may have what its session has become in the store.

        The response that moved it may have been lost. But a cookie that was left behind, in a
        backup or a log, is not to open a session whose refresh token it no longer has.
        """
        at, key = found.stored, refresh_key(session.refresh_token)
        if found.user_id != session.user_id:
            return False
        if key == refresh_key(found.refresh_token):
            return True
        return at is not None and at.moved_from == key and self._clock() - at.since < LIFETIME

    def is_in_place(self, session: Session) -> bool:
        """Tell whether a session stands in the store where it belongs."""
        return session.stored is not None and session.stored.store is self._store

    def moved_ids(self, session: Session) -> Sequence[str]:
        """Return the ids that a session from a cookie may have in the store."""
        of_session = session_id(session)
        return () if of_session is None else self._records.moved_ids(of_session)


def _outdated(session: Session) -> Session:
    return session if session.is_outdated else replace(session, is_outdated=True)
