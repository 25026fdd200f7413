"""The part of `AuthKit` that knows of sessions kept on the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.loading import Loaded
from authkit_asgi.session import MAX_KEPT_LENGTH, Session, unseal_session
from authkit_asgi.session import session_id as id_of
from authkit_asgi.sign_in import SignInResult
from authkit_asgi.stored_sessions import StoredSessions
from authkit_asgi.stores import StoredSession


class ServerSessions:
    """Stores the sessions of those who sign in, lists and revokes them."""

    config: AuthKitConfig
    inactivity: Inactivity | None
    _stored: StoredSessions | None

    async def _dropped(self, loaded: Loaded, activity: Sequence[str]) -> Loaded:
        """Drop a session that is of no more use from the store; its cookie goes with it."""
        session = loaded.session
        if (
            self._stored is None
            or session is None
            or not loaded.is_dead
            or self.config.is_read_only
        ):
            return loaded
        if loaded.is_idle and not (self.inactivity and self.inactivity.is_noted(session, activity)):
            return loaded  # the request may only have come without the activity cookie
        if await self._stored.discard(session):
            return replace(loaded, session=replace(session, stored=None))
        return replace(loaded, is_dead=False)

    async def keep(self, result: SignInResult) -> tuple[Session, str]:
        """Return the session of a completed sign-in as it is kept, and its cookie.

        Raises:
            StoreUnavailableError: It has to be stored, and cannot be.
        """
        if self._stored is None:
            return result.session, result.sealed
        password = self.config.cookie_password
        kept = unseal_session(result.sealed, password, max_length=MAX_KEPT_LENGTH)
        begun = await self._stored.begin(kept)
        if begun is None:
            return result.session, result.sealed
        return replace(result.session, stored=begun[0]), begun[1]

    async def stored_sessions(self, user_id: str) -> list[StoredSession]:
        """Return a user's sessions in the store, the last refreshed first; without one, none.

        Raises:
            StoreUnavailableError: The store cannot be used.
        """
        return [] if self._stored is None else await self._stored.of_user(user_id)

    async def revoke_sessions(self, user_id: str, *, session_id: str | None = None) -> int:
        """End a user's sessions in the store, at once and for all workers; return how many.

        At WorkOS they go on until they are revoked there, too; but nobody holds their tokens.

        Args:
            user_id: Whose.
            session_id: The one to end; all when `None`.

        Raises:
            StoreUnavailableError: The store cannot be used. What is known to be the user's is ended
                as soon as it can be; call again to be sure.
        """
        if self._stored is None:
            return 0

        def is_meant(session: Session) -> bool:
            return session_id is None or id_of(session) == session_id

        return await self._stored.revoke(user_id, is_meant)
