"""What was last heard of sessions' ends, so that what comes late undoes nothing newer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from authkit_asgi.outcomes import LIFETIME

_MAX_ENTRIES = 10_000
_TICK = 1e-6  # seconds, by which what is known to come later is later at least


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A session that is over, or that has begun anew although it was."""

    session_id: str
    at: float
    """When, in seconds since the epoch, by the clock of the worker where it happened."""
    is_over: bool = True

    def is_newer_than(self, other: SessionEnd) -> bool:
        """Tell which of two counts: the later, and of two at once the end."""
        return (self.at, self.is_over) > (other.at, other.is_over)


class LatestEnds:
    """The last that one process knows of each session: 10,000 of them, each for an hour.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._noted: OrderedDict[str, SessionEnd] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._noted

    def __len__(self) -> int:
        return len(self._noted)

    def now(self, session_id: str, *, is_over: bool, after: float = 0) -> SessionEnd:
        """Return what happens now: later than `after`, and than all that is known of the session.

        Clocks differ, and what is known has happened.
        """
        known = self._noted.get(session_id)
        after = max(after, known.at if known is not None else 0)
        return SessionEnd(session_id, max(self._clock(), after + _TICK), is_over)

    def note(self, end: SessionEnd) -> bool:
        """Note what has happened; return whether it is newer than what is known."""
        with self._lock:
            known = self._noted.get(end.session_id)
            if known is not None and not end.is_newer_than(known):
                return False
            self._noted[end.session_id] = end
            self._noted.move_to_end(end.session_id)
            if len(self._noted) > _MAX_ENTRIES:
                self._noted.popitem(last=False)
        return True

    def over(self) -> list[SessionEnd]:
        """Return the sessions that have ended within the hour."""
        since = self._clock() - LIFETIME
        with self._lock:
            return [end for end in self._noted.values() if end.is_over and end.at > since]
