"""Sessions that were verified a moment ago, so that the next request need not do it again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from authkit_asgi.auth import Claims
from authkit_asgi.loading import Loaded
from authkit_asgi.session import Session
from authkit_asgi.tokens import SigningKey

_CHARACTERS_EACH = 4096  # of sealed text, for which an entry is reckoned; a cookie's most


class VerifiedSession(NamedTuple):
    """What one sealed text came to, and for how long that holds."""

    loaded: Loaded
    session: Session
    claims: Claims
    refresh_key: str | None
    """The name of its refresh token; `None` if it has none."""
    signing_key: SigningKey
    """What verified its access token."""
    since: float
    until: float
    """From when to when it holds, in seconds since the epoch."""


class VerifiedSessions:
    """The verified sessions of one process, for all of its event loops and threads.

    No request gets what another's cookie holds: an entry is found by the SHA-256 of the whole
    sealed text, as it was read, and made from nothing but this text, after its MAC, its token's
    signature and its claims have been verified. Two texts with one digest nobody can make; whoever
    sends the very text is who would have passed the verification.

    Args:
        size: How many to keep, of 4 KB of sealed text; 0 for none. The least recently used go
            first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: OrderedDict[bytes, tuple[VerifiedSession, int]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> VerifiedSession | None:
        """Return what was kept under a digest."""
        try:
            self._entries.move_to_end(key)
            return self._entries[key][0]
        except KeyError:  # never there, or gone since: other threads use it too
            return None

    def put(self, key: bytes, verified: VerifiedSession, characters: int) -> None:
        """Keep what a sealed text of so many characters came to."""
        with self._lock:
            _, before = self._entries.pop(key, (None, 0))
            self._entries[key] = (verified, characters)
            self._characters += characters - before
            while len(self._entries) > self.size or self._characters > self.size * _CHARACTERS_EACH:
                # Not by asking for the first key: `get` moves entries without the lock meanwhile.
                _, (_, oldest) = self._entries.popitem(last=False)
                self._characters -= oldest
