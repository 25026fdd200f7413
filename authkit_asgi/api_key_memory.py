"""What WorkOS said of API keys: remembered for seconds, and how many strangers' it is asked of."""

from __future__ import annotations

import hmac
import math
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from authkit_asgi.api_key import APIKey
from authkit_asgi.errors import WorkOSUnavailableError

_SECONDS = 30
"""For which a verdict counts: as long as a revoked key works on at most."""

_MAX_ENTRIES = 10_000
"""Of either kind."""

_STRANGERS, _WINDOW = 100, 60  # keys refused or under way, in seconds
_MAX_RETRY_AFTER = 10  # seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What WorkOS said of a key, and when it was asked."""

    api_key: APIKey | None
    at: float


class APIKeyMemory:
    """The verdicts of one process, for all of its event loops and threads.

    Keys are kept as their HMAC-SHA256 with a secret of this process: nobody who reads the memory
    learns one. What was refused stands apart, so that rubbish pushes no customer out.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._accepted: OrderedDict[bytes, Verdict] = OrderedDict()
        self._refused: OrderedDict[bytes, Verdict] = OrderedDict()
        self._strangers: deque[float] = deque()
        self._lock = threading.Lock()

    def name(self, value: str) -> bytes:
        """Return the name under which a key is kept."""
        return hmac.digest(self._secret, value.encode(), "sha256")

    def recall(self, name: bytes) -> Verdict | None:
        """Return a verdict that still counts."""
        with self._lock:
            verdict = self._accepted.get(name) or self._refused.get(name)
            # One of the future is from before the clock was set back.
            if verdict is None or not 0 <= self._clock() - verdict.at < _SECONDS:
                return None
            if name in self._accepted:
                self._accepted.move_to_end(name)
            return verdict

    def remember(self, name: bytes, verdict: Verdict) -> None:
        """Keep a verdict; the least recently used of 10,000 goes."""
        with self._lock:
            accepts = verdict.api_key is not None
            here, there = self._accepted, self._refused
            if not accepts:
                here, there = there, here
            there.pop(name, None)
            here[name] = verdict
            here.move_to_end(name)
            if len(here) > _MAX_ENTRIES:
                here.popitem(last=False)

    def admit(self, name: bytes) -> float | None:
        """Let WorkOS be asked about a key; return the place it takes, `None` for none.

        One that was valid when it was last asked about always may be. Of the others, 100 are asked
        about in 60 s unless they turn out to be valid: made-up keys do not cost a call each.

        Raises:
            WorkOSUnavailableError: There have been so many.
        """
        with self._lock:
            now = self._clock()
            while self._strangers and not 0 <= now - self._strangers[0] < _WINDOW:
                self._strangers.popleft()
            if name in self._accepted:
                return None
            if len(self._strangers) >= _STRANGERS:
                left = math.ceil(self._strangers[0] + _WINDOW - now)
                raise WorkOSUnavailableError(
                    "WorkOS is not asked about more API keys now: too many were invalid",
                    retry_after=max(1, min(left, _MAX_RETRY_AFTER)),
                )
            self._strangers.append(now)
            return now

    def give_back(self, place: float | None) -> None:
        """Note that the key of a place was valid after all, or that WorkOS could not be asked."""
        with self._lock:
            # Nobody else's: customers' keys, of which there are many, would make room for rubbish.
            if place is not None and place in self._strangers:
                self._strangers.remove(place)
