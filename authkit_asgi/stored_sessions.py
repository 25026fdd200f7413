"""Sessions on the server: stored, moved in and out, replaced and ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from authkit_asgi.auth import SignedOut
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import GrantRejectedError, InvalidSessionError, StoreUnavailableError
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session import Session, session_id
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.store_calls import EndedError, StoreCalls
from authkit_asgi.stored_reader import StoredReader
from authkit_asgi.stores import ENDED, SessionStore, StoredAs, StoredSession
from authkit_asgi.user_sessions import UserSessions


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
        self._records = SessionRecords(config.cookie_password, config.verified_cache_size)
        self._calls = StoreCalls(self._records, seconds=config.cookie_max_age, clock=clock)
        self._users = UserSessions(self._records, self._calls, self._stores)
        self._reader = StoredReader(
            config, self._records, self._calls, store, self._stores, clock=clock
        )
        self._coordinator = coordinator
        self._clock = clock

    async def read(self, values: Sequence[str]) -> tuple[list[Session], SignedOut]:
        """See `StoredReader.read`."""
        return await self._reader.read(values)

    def in_cookies(self, values: Sequence[str]) -> Session | None:
        """See `StoredReader.in_cookies`."""
        return self._reader.in_cookies(values)

    async def begin(self, session: Session) -> tuple[StoredAs, str] | None:
        """Store the session of a sign-in under a new id; return its place, and its cookie.

        `None` where sessions are kept in their cookies.

        Raises:
            StoreUnavailableError: The store cannot be used.
            SessionTooLargeError: It is longer than what is read.
        """
        if self.store is None:
            return None
        place, _ = await self._calls.put(self._new(self.store, self._records.new_id()), session)
        return place, self._records.seal_id(place.id)

    async def save(self, session: Session, successor: Session) -> tuple[Session, str | None]:
        """Store what has taken a session's place; return that as it stands, and its cookie.

        `None` for a cookie that is to hold the session itself. What cannot be stored now is stored
        as soon as it can be.

        Raises:
            GrantRejectedError: The session has been ended meanwhile, and stays so.
            SessionTooLargeError: It is longer than what is read.
        """
        try:
            if not self._reader.is_in_place(session):
                with contextlib.suppress(InvalidSessionError, StoreUnavailableError):
                    moved = await self._put_moved(session, successor)
                    if moved is not None:
                        return moved[1], self._records.seal_id(moved[0].id)
            if session.stored is None:
                return successor, None  # its cookie can carry it until then
            place = session.stored.next()
            try:
                _, kept = await self._calls.put(place, successor)
            except (InvalidSessionError, StoreUnavailableError):
                kept = replace(successor, stored=place)
                self._calls.put_later(place, successor)
        except EndedError:
            await self._note_end(session, successor)
            raise GrantRejectedError("signed_out") from None
        return kept, None if self.store is None else self._records.seal_id(place.id)

    async def reserve(self, session: Session) -> tuple[Session, Session | None]:
        """See that a session's successor can be stored, before there is one.

        Returns:
            The session as it stands now; and what another worker has put into its place, if so.

        Raises:
            GrantRejectedError: The session has been ended.
            StoreUnavailableError: The store takes no writes, or what is there cannot be read.
        """
        if session.stored is None:
            return session, None
        try:
            place, found = await self._calls.put(session.stored, session)
        except EndedError:
            await self._note_end(session)
            raise GrantRejectedError("signed_out") from None
        except InvalidSessionError:
            raise StoreUnavailableError("What is stored cannot be read", retry_after=1) from None
        is_same = found.refresh_token == session.refresh_token
        return replace(session, stored=place), None if is_same else found

    async def move(self, session: Session) -> str | None:
        """Return the cookie of a session that is to stand in the store, or is sealed as of old.

        `None` where its cookie has to stay as it is.
        """
        try:
            if session.stored is not None and self._reader.is_in_place(session):
                place, _ = await self._calls.put(session.stored, session)
            else:
                moved = await self._put_moved(session, session)
                if moved is None:
                    return None
                place = moved[0]
        except EndedError:
            await self._note_end(session)
            return None
        except (InvalidSessionError, StoreUnavailableError):
            return None
        return self._records.seal_id(place.id)

    async def is_current(self, session: Session) -> bool:
        """Tell whether a session still stands where it was found, so that it may leave."""
        at = session.stored
        with contextlib.suppress(StoreUnavailableError):
            return at is None or await self._calls.get(at.store, at.key) == at.value
        return False

    async def _put_moved(
        self, session: Session, successor: Session
    ) -> tuple[StoredAs, Session] | None:
        ids = self._reader.moved_ids(session)
        if self.store is None or not ids:
            return None
        at = self._new(self.store, ids[0], moved_from=refresh_key(session.refresh_token))
        place, found = await self._calls.put(at, successor)
        is_same = self._reader.is_same(session, found) or self._reader.is_same(successor, found)
        return (place, found) if is_same else None

    async def _note_end(self, *sessions: Session) -> None:
        for session in sessions:
            await self._coordinator.end(session_id(session))

    async def end(self, session: Session | None, values: Sequence[str] = ()) -> bool:
        """End a session wherever it stands, and all that cookies name; return whether by now.

        Else it is done as soon as the store can be used.
        """
        keys = self._named(values)
        if session is None:
            return await self._calls.end(self._stores, keys)
        keys |= _key(session) | await self._users.places(session)
        return await self._calls.end(self._stores, keys, self._moved_keys(session))

    async def end_replaced(
        self, session: Session | None, values: Sequence[str], *, but: Session
    ) -> None:
        """End the sessions whose cookies a sign-in has taken, one of the same id among them."""
        if session is not None and session_id(session) != session_id(but):
            await self.end(session, values)
        else:
            keys = self._named(values) | (_key(session) if session else set())
            await self._calls.end(self._stores, keys - _key(but))

    def _named(self, values: Sequence[str]) -> set[str]:
        """Return the keys of the sessions that cookies name."""
        named = (self._records.open_id(value) for value in values)
        return {StoredAs.key_of(each[0]) for each in named if each}

    def _moved_keys(self, session: Session) -> set[str]:
        """Return the keys under which a copy of a session's cookie could move it again."""
        at = session.stored
        if at is not None and at.moved_from is None:
            return set()  # it has never been in a cookie
        return {StoredAs.key_of(id_) for id_ in self._reader.moved_ids(session)}

    async def is_ended(self, session: Session) -> bool:
        """Tell whether a session has been ended since it was read, as far as can be told."""
        at = session.stored
        with contextlib.suppress(StoreUnavailableError):
            return at is not None and await self._calls.get(at.store, at.key) == ENDED
        return False

    async def discard(self, session: Session) -> bool:
        """Drop a session that is of no more use; return whether its cookie may go, too.

        Not where it has been replaced meanwhile, or might be.
        """
        with contextlib.suppress(StoreUnavailableError):
            return session.stored is None or await self._calls.drop(session.stored)
        return False

    async def of_user(self, user_id: str) -> list[StoredSession]:
        """Return a user's sessions, the last refreshed first.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        return await self._users.described(user_id)

    async def revoke(self, user_id: str, is_meant: Callable[[Session], bool]) -> int:
        """End those of a user's sessions that are meant; return how many there were.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        listed, are_all = await self._users.of(user_id)
        revoked = [found for found in listed if is_meant(found)]
        keys: set[str] = set()
        moved: set[str] = set()
        for session in revoked:
            await self._note_end(session)
            keys |= _key(session)
            moved |= self._moved_keys(session)
        if not await self._calls.end(self._stores, keys, moved) or not are_all:
            raise StoreUnavailableError("Not all of the sessions are ended yet", retry_after=1)
        return len({session_id(session) for session in revoked})

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


def _key(session: Session) -> set[str]:
    return set() if session.stored is None else {session.stored.key}
