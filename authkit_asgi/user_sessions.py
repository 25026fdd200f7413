"""A user's sessions in the stores: listed, and found by WorkOS's id."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from authkit_asgi.errors import InvalidSessionError, StoreUnavailableError
from authkit_asgi.session import Session, session_id, session_issued_at, session_organization
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.store_calls import StoreCalls
from authkit_asgi.stores import SessionStore, StoredAs, StoredSession


class UserSessions:
    """Finds the sessions of users.

    Args:
        records: Opens what is stored.
        calls: Asks the stores.
        stores: Which.
    """

    def __init__(
        self, records: SessionRecords, calls: StoreCalls, stores: Sequence[SessionStore]
    ) -> None:
        self._records = records
        self._calls = calls
        self._stores = stores

    async def of(self, user_id: str) -> tuple[list[Session], bool]:
        """Return a user's sessions as far as the stores can be asked, and whether that is all."""
        sessions: list[Session] = []
        are_all = True
        for store in self._stores:
            for owner in self._records.owners(user_id):
                try:
                    keys = await self._calls.keys(store, owner)
                except StoreUnavailableError:
                    are_all, keys = False, ()
                for key in keys:
                    try:
                        found = await self._at(store, key, user_id)
                    except StoreUnavailableError:
                        are_all, found = False, None
                    if found is not None:
                        sessions.append(found[1])
        return sessions, are_all

    async def described(self, user_id: str) -> list[StoredSession]:
        """Return what can be told of them, the last refreshed first.

        Raises:
            StoreUnavailableError: A store cannot be used.
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
            for store in self._stores
            for place, found in await self._in(store, user_id)
        ]
        sessions.sort(key=lambda each: each.refreshed_at)
        # One that has moved from store to store stands in both.
        latest = {each.session_id or number: each for number, each in enumerate(sessions)}
        return sorted(latest.values(), key=lambda each: each.refreshed_at, reverse=True)

    async def places(self, session: Session) -> set[str]:
        """Return the keys of what is stored of a session, as far as the stores can be asked."""
        keys: set[str] = set()
        for store in self._stores:
            with contextlib.suppress(StoreUnavailableError):
                for place, found in await self._in(store, session.user_id):
                    if session_id(found) == session_id(session):
                        keys.add(place.key)
        return keys

    async def _in(self, store: SessionStore, user_id: str) -> list[tuple[StoredAs, Session]]:
        sessions: dict[str, tuple[StoredAs, Session]] = {}
        for owner in self._records.owners(user_id):
            for key in await self._calls.keys(store, owner):
                if (found := await self._at(store, key, user_id)) is not None:
                    sessions[key] = found
        return [*sessions.values()]

    async def _at(
        self, store: SessionStore, key: str, user_id: str
    ) -> tuple[StoredAs, Session] | None:
        value = await self._calls.get(store, key)
        with contextlib.suppress(InvalidSessionError):
            if value:
                place, found = self._records.open(store, key, value)
                if found.user_id == user_id:  # the list is not sealed
                    return place, found
        return None
