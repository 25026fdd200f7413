"""Where server-side sessions are kept: what a store has to do, and one for a single process."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from authkit_asgi.auth import Impersonator
from authkit_asgi.log_events import named_logger

logger: logging.Logger = named_logger(__name__)

ENDED = ""
"""What a store holds under the key of a session that was signed out."""


class SessionStore(Protocol):
    """Keeps sealed sessions for the workers of an application.

    It is told no secret: a key is the SHA-256 of a session's id, a value is sealed and bound to its
    key, and an owner is the HMAC of a user's id. Every method raises `StoreUnavailableError` where
    the store cannot be used: then nobody is signed in and nobody is signed out.
    """

    async def get(self, key: str) -> str | None:
        """Return what is under a key: a value, `ENDED`, or `None` for nothing.

        It has to be the last that any worker has put there.
        """
        ...

    async def put(
        self, key: str, value: str, *, expected: str | None, owner: str, seconds: int
    ) -> bool:
        """Put a value under a key for so many seconds, if what is there is what is expected.

        Looking and putting have to be one step, which nothing comes between.

        Args:
            key: 64 hexadecimal digits.
            value: Printable ASCII, or `ENDED`.
            expected: What `get` has returned.
            owner: Under whom `keys` lists it; 64 hexadecimal digits, or empty for nobody.
            seconds: After which it is gone.

        Returns:
            Whether it was there; else nothing has changed.
        """
        ...

    async def end(self, key: str, *, seconds: int) -> None:
        """Put `ENDED` under a key, whatever is there, for so many seconds."""
        ...

    async def keys(self, owner: str) -> Sequence[str]:
        """Return the keys of an owner's values; some may be gone or `ENDED` by now."""
        ...

    async def open(self) -> None:
        """Keep what the running event loop uses until `aclose`."""
        ...

    async def aclose(self) -> None:
        """Close what belongs to the running event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAs:
    """The place of a session in a store."""

    store: SessionStore = field(repr=False)
    key: str = field(repr=False)
    id: str = field(default="", repr=False)
    """What its cookie holds; empty where the session was not found by that."""
    value: str | None = field(default=None, repr=False)
    """What is there, as it was read; `None` for nothing yet."""
    since: float
    """When it was put there first, in seconds since the epoch."""
    version: int = 0
    """How many times it has been replaced since."""
    moved_from: str | None = field(default=None, repr=False)
    """`refresh_key` of the cookie that it was in before."""

    def next(self) -> StoredAs:
        """Return the same place for a session that takes the place of the one here."""
        return replace(self, version=self.version + 1)

    @staticmethod
    def key_of(id_: str) -> str:
        """Return the name in stores of a session's id, from which nobody can tell the id."""
        return hashlib.sha256(id_.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """One of a user's sessions in the store, for a list of where somebody is signed in."""

    session_id: str | None
    """WorkOS's id, as in `SignedIn.session_id`."""
    organization_id: str | None
    signed_in_at: float
    """When it came into the store, in seconds since the epoch."""
    refreshed_at: float
    """When its access token was issued, in seconds since the epoch."""
    authentication_method: str | None
    impersonator: Impersonator | None


class InMemorySessionStore:
    """A store for one process: its sessions end with it, and other workers do not see them.

    Args:
        max_sessions: Beyond this many, the ones that were put longest ago are dropped, and who
            has them is signed out.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, *, max_sessions: int = 100_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._max_sessions = max_sessions
        self._clock = clock
        self._values: OrderedDict[str, tuple[str, str, float]] = OrderedDict()
        self._owned: dict[str, dict[str, None]] = {}
        self._has_warned = False
        self._lock = threading.Lock()  # event loops may be in several threads

    def __len__(self) -> int:
        return len(self._values)

    async def get(self, key: str) -> str | None:
        """See `SessionStore.get`."""
        with self._lock:
            return self._get(key)

    async def put(
        self, key: str, value: str, *, expected: str | None, owner: str, seconds: int
    ) -> bool:
        """See `SessionStore.put`."""
        with self._lock:
            if self._get(key) != expected:
                return False
            self._set(key, value, owner, seconds)
            return True

    async def end(self, key: str, *, seconds: int) -> None:
        """See `SessionStore.end`."""
        with self._lock:
            self._set(key, ENDED, "", seconds)

    async def keys(self, owner: str) -> Sequence[str]:
        """See `SessionStore.keys`."""
        with self._lock:
            return list(self._owned.get(owner, ()))

    async def open(self) -> None:
        """Do nothing: a memory needs no opening."""

    async def aclose(self) -> None:
        """Do nothing: another event loop may go on with it."""

    def _get(self, key: str) -> str | None:
        value, _, until = self._values.get(key, (None, "", 0.0))
        if value is not None and until <= self._clock():
            self._drop(key)
            return None
        return value

    def _set(self, key: str, value: str, owner: str, seconds: int) -> None:
        self._drop(key)
        self._values[key] = (value, owner, self._clock() + seconds)
        if owner:
            self._owned.setdefault(owner, {})[key] = None
        if len(self._values) > self._max_sessions:
            if not self._has_warned:
                self._has_warned = True
                logger.warning(
                    "Full: the in-memory session store drops its oldest; max_sessions is %s",
                    self._max_sessions,
                )
            self._drop(next(iter(self._values)))

    def _drop(self, key: str) -> None:
        _, owner, _ = self._values.pop(key, (None, "", 0.0))
        if owned := self._owned.get(owner):
            owned.pop(key, None)
            if not owned:
                del self._owned[owner]
