"""The part of `AuthKit` that lists sessions at WorkOS, and ends them everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authkit_asgi.active_sessions import ActiveSession, SessionList
from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.session import Session, session_id
from authkit_asgi.stored_sessions import StoredSessions
from authkit_asgi.tokens import unverified_claims


class SessionRevocation:
    """Ends sessions before their access tokens expire."""

    config: AuthKitConfig
    api: WorkOSAPI
    coordinator: RefreshCoordinator
    _stored: StoredSessions | None

    async def list_sessions(
        self, user_id: str, *, current: str | None = None
    ) -> tuple[ActiveSession, ...]:
        """Return a user's sessions as WorkOS lists them, the first 1,000 at most.

        Args:
            user_id: Whose.
            current: The id of the session that asks, which is marked.

        Raises:
            UserNotFoundError: WorkOS knows no user of this id.
            UnavailableError: WorkOS cannot be asked, or its answer is not to be used.
        """
        return await SessionList(self.config, self.api).of_user(user_id, current=current)

    async def revoke_at_workos(self, session_id: str, *, user_id: str) -> None:
        """End a session at WorkOS, **whosever it is**; `end_session` ends it here.

        Raises:
            UnavailableError: WorkOS cannot be asked; it may have ended the session or not.
        """
        await SessionList(self.config, self.api).revoke(session_id, user_id=user_id)

    async def end_session(self, session_id: str, *, user_id: str | None = None) -> bool:
        """End a session here, at once; return whether all workers have been told.

        Those that share a Redis are told, else only this process is; while Redis is down, they are
        as soon as it is back. WorkOS is not.

        Args:
            session_id: Which.
            user_id: Whose it is, so that it can be found in the store.

        Raises:
            StoreUnavailableError: The store cannot be used; the rest has been done.
            SealError: The id is too long to be told to other workers: no session's is.
        """
        is_told = await self.coordinator.end(session_id)
        if self._stored is not None and user_id is not None:
            await self._stored.revoke(user_id, _is_of(session_id))
        return is_told

    async def end_user(self, revocation: UserRevocation) -> bool:
        """End a user's sessions here, at once; returns and raises as `end_session` does."""
        is_told = await self.coordinator.revoke(revocation)
        if self._stored is not None:
            await self._stored.revoke(revocation.user_id, _is_covered(revocation))
        return is_told


def _is_of(wanted: str) -> Callable[[Session], bool]:
    return lambda session: session_id(session) == wanted


def _is_covered(revocation: UserRevocation) -> Callable[[Session], bool]:
    def is_covered(session: Session) -> bool:
        claims: Any = unverified_claims(session.access_token)
        return revocation.covers(claims)

    return is_covered
