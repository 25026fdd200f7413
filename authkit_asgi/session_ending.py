"""The part of `AuthKit` that ends sessions, and tells which have ended."""

from __future__ import annotations

from collections.abc import Sequence

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import GrantRejectedError
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session import Session, session_id
from authkit_asgi.session_ends import has_ended
from authkit_asgi.sign_out import logout_url
from authkit_asgi.stored_sessions import StoredSessions


class SessionEnding:
    """Notes that sessions are over, or that others have taken their place."""

    config: AuthKitConfig
    api: WorkOSAPI
    coordinator: RefreshCoordinator
    _stored: StoredSessions | None

    def is_over(self, session: Session) -> bool:
        """Tell whether a session was ended, or replaced, while a request was under way."""
        return has_ended(self.coordinator, session, or_superseded=True)

    async def end(self, session: Session | None, values: Sequence[str] = ()) -> None:
        """Note that a session is over, so that no exchange under way brings it back.

        Args:
            session: What the session cookies hold or name; `None` if nobody can tell now.
            values: These cookies' values; all that they name in the store is ended.
        """
        if session is not None:
            await self.coordinator.end(session_id(session))
        if self._stored is not None:
            await self._stored.end(session, values)

    def in_cookies(self, values: Sequence[str]) -> Session | None:
        """Return a session that is in its cookie itself, for while the store cannot be asked."""
        return None if self._stored is None else self._stored.in_cookies(values)

    async def supersede(self, session: Session) -> None:
        """Note that a session's cookie has gone, so that no request under way writes to it."""
        await self.coordinator.end(session_id(session), is_superseded=True)

    async def replace(
        self, previous: Session | None, session: Session, values: Sequence[str] = ()
    ) -> None:
        """Note that a sign-in has put a session in place of the previous one.

        Args:
            previous: What the session cookies held or named; `None` if nobody could tell.
            session: The new one.
            values: These cookies' values; all that they name in the store is ended.
        """
        await self.coordinator.begin(session_id(session))
        if previous is not None and session_id(previous) != session_id(session):
            await self.supersede(previous)
        if self._stored is not None:
            await self._stored.end_replaced(previous, values, but=session)

    def logout_url(self, session: Session | None, return_to: str | None) -> str:
        """Return where to send a browser that signs out.

        To WorkOS where the session names its id, which ends the session there too; else straight
        to the page asked for. A `return_to` that is neither a path of this site nor at an origin in
        `logout_return_origins` becomes the default page.
        """
        return logout_url(self.config, self.api, session, return_to)

    def _require_alive(self, session: Session) -> None:
        if has_ended(self.coordinator, session):
            raise GrantRejectedError("signed_out")
