"""Sessions on the server: found by the id in a cookie, moved in and out, replaced and ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError, StoreUnavailableError
from authkit_asgi.outcomes import LIFETIME, refresh_key
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session import Session, session_id, session_issued_at, session_organization
from authkit_asgi.session_reader import SessionReader
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.store_calls import EndedError, StoreCalls
from authkit_asgi.stores import ENDED, SessionStore, StoredAs, StoredSession

_EXPIRED = SignedOut(reason=SignedOutReason.SESSION_EXPIRED)
_SIGNED_OUT = SignedOut(reason=SignedOutReason.SIGNED_OUT)
_INVALID = SignedOut(reason=SignedOutReason.INVALID_SESSION_COOKIE)


class StoredSessions:
    """The sessions of an application that keeps them on the server.

    Args:
        config: The settings.
        store: Where sessions are; `None` where they are to go back into their cookies.
        previous: Where some still are; they leave it with their next response.
        coordinator: Is told which sessions have ended.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        store: SessionStore | None,
        previous: SessionStore | None,
        *,
        coordinator: RefreshCoordinator,
        clock: Callable[[], float],
    ) -> None:
        self.store = store
        self._stores = tuple(each for each in (store, previous) if each is not None)
        self._records = SessionRecords(config.cookie_password)
        self._calls = StoreCalls(self._records, seconds=config.cookie_max_age)
        self._reader = SessionReader(config.cookie_password, config.legacy_fernet_key)
        self._coordinator = coordinator
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

    async def _read(self, value: str) -> Session | SignedOut:
        named = self._records.open_id(value)
        if named is None:
            session = self._reader.read(value)
            return session if self.store is None else await self._moved(self.store, session)
        id_, is_outdated = named
        for store in self._stores:
            found = await self._find(store, id_)
            if isinstance(found, Session) and store is not self.store:
                if self.store is not None:
                    return await self._moved(self.store, replace(found, stored=None))
                is_outdated = True
            if found is not None:
                return _outdated(found) if is_outdated and isinstance(found, Session) else found
        return _EXPIRED

    async def _moved(self, store: SessionStore, session: Session) -> Session | SignedOut:
        """Return a session that is not in the store: as it is there by now, or to be put there."""
        for id_ in self._moved_ids(session):
            found = await self._find(store, id_)
            if isinstance(found, SignedOut):
                return found
            if found is not None and self._is_same(session, found):
                return _outdated(found)
        return _outdated(session)

    async def _find(self, store: SessionStore, id_: str) -> Session | SignedOut | None:
        key = StoredAs.key_of(id_)
        value = await self._calls.get(store, key)
        if value is None:
            return None
        if value == ENDED:
            return _SIGNED_OUT
        return self._records.open(store, key, value, id_=id_)[1]

    def _is_same(self, session: Session, found: Session) -> bool:
        """Tell whether who has a cookie may have what its session has become in the store.

        The response that moved it may have been lost. But a cookie that was left behind, in a
        backup or a log, is not to open a session whose refresh token it no longer has.
        """
        at, key = found.stored, refresh_key(session.refresh_token)
        if key == refresh_key(found.refresh_token):
            return True
        return at is not None and at.moved_from == key and self._clock() - at.since < LIFETIME

    async def begin(
        self, session: Session, *, in_place_of: Session | None
    ) -> tuple[StoredAs, str] | None:
        """Store the session of a sign-in under a new id; return its place, and its cookie.

        `None` where sessions are kept in their cookies.

        Raises:
            StoreUnavailableError: The store cannot be used.
            SessionTooLargeError: It is longer than what is read.
        """
        if self.store is None:
            return None
        found = await self._calls.put(self._new(self.store, self._records.new_id()), session)
        if in_place_of is not None and in_place_of.stored is not None:
            await self._calls.end(self._stores, [in_place_of.stored.key])
        return found, self._records.seal_id(found.id)

    async def save(self, session: Session, successor: Session) -> tuple[Session, str | None]:
        """Store what has taken a session's place; return that as it stands, and its cookie.

        `None` for a cookie that is to hold the session itself. What cannot be stored now is stored
        as soon as it can be; a session that has been ended meanwhile stays so.

        Raises:
            SessionTooLargeError: It is longer than what is read.
        """
        at = session.stored
        try:
            if at is None:
                place = await self._put_moved(session, successor)
                if place is None:
                    return successor, None
            else:
                place = await self._calls.put(replace(at, version=at.version + 1), successor)
        except EndedError:
            await self._coordinator.end(session_id(session))
            return successor, None
        except (InvalidSessionError, StoreUnavailableError):
            if at is None:
                return successor, None  # its cookie can carry it until then
            place = replace(at, version=at.version + 1)
            self._calls.put_later(place, successor)
        cookie = None if place.store is not self.store else self._records.seal_id(place.id)
        return replace(successor, stored=place), cookie

    async def move(self, session: Session) -> str | None:
        """Return the cookie of a session that is to stand in the store, or is sealed as of old.

        `None` where its cookie has to stay as it is.
        """
        try:
            at = session.stored
            if at is None:
                place = await self._put_moved(session, session)
            else:
                place = await self._calls.put(at, session)
        except EndedError:
            await self._coordinator.end(session_id(session))
            return None
        except (InvalidSessionError, StoreUnavailableError):
            return None
        return None if place is None else self._records.seal_id(place.id)

    async def _put_moved(self, session: Session, successor: Session) -> StoredAs | None:
        ids = self._moved_ids(session)
        if self.store is None or not ids:
            return None
        at = self._new(self.store, ids[0], moved_from=refresh_key(session.refresh_token))
        place = await self._calls.put(at, successor)
        if place.moved_from == at.moved_from or place.value is None:
            return place
        _, found = self._records.open(place.store, place.key, place.value)
        return place if self._is_same(successor, found) else None

    async def end(self, session: Session) -> None:
        """End a session wherever it stands: at once, or as soon as the store can be used."""
        keys = {StoredAs.key_of(id_) for id_ in self._moved_ids(session)}
        if session.stored is not None:
            keys.add(session.stored.key)
        else:
            with contextlib.suppress(StoreUnavailableError):
                keys |= {
                    place.key
                    for place, found in await self._list(session.user_id)
                    if session_id(found) == session_id(session)
                }
        await self._calls.end(self._stores, keys)

    async def end_named(self, values: Sequence[str]) -> None:
        """End the sessions that cookies name, of which the store cannot be asked now."""
        named = (self._records.open_id(value) for value in values)
        await self._calls.end(self._stores, {StoredAs.key_of(each[0]) for each in named if each})

    async def discard(self, session: Session) -> None:
        """Drop a session that is of no more use, unless it has been replaced meanwhile."""
        if session.stored is not None:
            with contextlib.suppress(StoreUnavailableError):
                await self._calls.drop(session.stored)

    async def of_user(self, user_id: str) -> list[StoredSession]:
        """Return a user's sessions, the last refreshed first.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        sessions = [
            StoredSession(
                session_id=session_id(found),
                organization_id=session_organization(found),
                signed_in_at=place.since,
                refreshed_at=session_issued_at(found),
                authentication_method=found.authentication_method,
                impersonator=found.impersonator,
            )
            for place, found in await self._list(user_id)
        ]
        return sorted(sessions, key=lambda each: each.refreshed_at, reverse=True)

    async def revoke(self, user_id: str, wanted: str | None) -> int:
        """End a user's sessions, or the one of a session id; return how many there were.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        listed = await self._list(user_id)
        ended = [found for _, found in listed if wanted is None or session_id(found) == wanted]
        for session in ended:
            await self._coordinator.end(session_id(session))
            await self.end(session)
        return len(ended)

    async def _list(self, user_id: str) -> list[tuple[StoredAs, Session]]:
        sessions: list[tuple[StoredAs, Session]] = []
        for store in self._stores:
            for owner in self._records.owners(user_id):
                for key in await self._calls.keys(store, owner):
                    value = await self._calls.get(store, key)
                    with contextlib.suppress(InvalidSessionError):
                        if value:
                            sessions.append(self._records.open(store, key, value))
        return sessions

    async def open(self) -> None:
        """Keep what the running event loop uses until `aclose`."""
        for store in self._stores:
            await store.open()

    async def aclose(self) -> None:
        """Wait a little for what is still to be stored, then close the running event loop's."""
        await self._calls.aclose()
        for store in self._stores:
            await store.aclose()

    def _new(self, store: SessionStore, id_: str, moved_from: str | None = None) -> StoredAs:
        return StoredAs(
            store=store,
            key=StoredAs.key_of(id_),
            id=id_,
            since=self._clock(),
            moved_from=moved_from,
        )

    def _moved_ids(self, session: Session) -> Sequence[str]:
        """Return the ids that a session from a cookie may have in the store."""
        of_session = session_id(session)
        return () if of_session is None else self._records.moved_ids(of_session)


def _outdated(session: Session) -> Session:
    return session if session.is_outdated else replace(session, is_outdated=True)
