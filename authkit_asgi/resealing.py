"""Sealing anew what was sealed with an older password, or by workos-python."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.loading import Loaded
from authkit_asgi.outcomes import KNOWN_SECONDS, refresh_key
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.renewal_time import renewal_buffer
from authkit_asgi.session import seal_session, session_id
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.stored_sessions import StoredSessions


class SessionResealer:
    """Decides which sessions are sealed anew, and does it.

    Args:
        config: The settings.
        coordinator: Knows which refresh tokens are spent.
        contents: Knows what of a user is kept.
        stored: Keeps sessions on the server, where it does.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        coordinator: RefreshCoordinator,
        contents: SessionContents,
        stored: StoredSessions | None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._coordinator = coordinator
        self._contents = contents
        self._stored = stored
        self._clock = clock

    def mark(self, loaded: Loaded) -> Loaded:
        """Return what was loaded, with a note if its cookie is to be sealed anew."""
        session, auth = loaded.session, loaded.auth
        if session is None or not session.is_outdated or auth.user is None:
            return loaded
        return dataclasses.replace(loaded, is_outdated=True, loaded_at=self._clock())

    async def reseal(self, loaded: Loaded) -> str | None:
        """Return a marked session sealed with the newest password, for the response's headers.

        `None` where the cookie has to stay as it is: its refresh token is spent, or soon will be,
        and must not take the place of its successor.
        """
        session, auth = loaded.session, loaded.auth
        if (
            session is None
            or auth.user is None
            or self._clock() - loaded.loaded_at >= KNOWN_SECONDS
            or auth.expires_at - self._clock() <= renewal_buffer(self._config, auth.claims)
        ):
            return None
        key = refresh_key(session.refresh_token)
        # After this, what other workers have found out is known here.
        await self._coordinator.newest(key, session_id(session))
        if self._coordinator.is_under_way(key) or any(
            known.sealed is not None for known in self._coordinator.recall(key)
        ):
            return None
        kept = self._contents.keep(session)
        if self._stored is not None:
            if self._stored.store is not None:
                return await self._stored.move(kept)
            if not await self._stored.is_current(kept):
                return None
        return seal_session(kept, self._config.cookie_password)
