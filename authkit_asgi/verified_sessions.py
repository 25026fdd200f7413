"""Sessions that were verified a moment ago, so that the next request need not do it again."""

from __future__ import annotations

from dataclasses import dataclass

from joserfc.jwk import RSAKey

from authkit_asgi.auth import SignedIn
from authkit_asgi.loading import Loaded
from authkit_asgi.recent_texts import RecentTexts
from authkit_asgi.session import Session


@dataclass(slots=True)
class VerifiedSession:
    """What one sealed text came to, and for how long that holds."""

    loaded: Loaded
    auth: SignedIn
    session: Session
    refresh_key: str | None
    """The name of its refresh token; `None` if it has none."""
    kid: str
    signing_key: RSAKey
    """What verified its access token."""
    since: float
    until: float
    """From when to when it holds, in seconds since the epoch."""


class VerifiedSessions(RecentTexts[VerifiedSession]):
    """The verified sessions of one process.

    No request gets what another's cookie holds: an entry is found by the SHA-256 of the whole
    sealed text, as it was read, and made from nothing but this text, after its MAC, its token's
    signature and its claims have been verified. Whoever sends the very text is who would have
    passed the verification.

    What ends a session need not find it here: an entry is believed only after `SessionCheck` has
    asked, on each hit, whether the session was signed out, revoked or replaced, and whether the
    key set still has the very key. So that which has ended dies at once, whichever entry holds it.
    """

    def get_at(self, key: bytes, now: float) -> VerifiedSession | None:
        """Return what was kept under a digest and still holds, at a time since the epoch."""
        kept = self._entries.get(key)
        if kept is None:
            return None
        found = kept[0]
        # A clock that was set back must not make it last longer.
        if not found.since <= now < found.until:
            return None
        try:
            self._entries.move_to_end(key)
        except KeyError:  # gone since: other threads use it too
            return None
        return found
