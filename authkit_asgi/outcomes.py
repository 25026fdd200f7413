"""What became of refresh tokens and sessions, remembered for requests that come late."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LIFETIME = 3600
"""Seconds for which an outcome or a sign-out is remembered at most: the longest that a request
under way, a tab asleep or an access token is reckoned to last."""

LATE_SECONDS = 30
"""Seconds for which an outcome is remembered once a request has brought the new cookie: those under
way with the old one still arrive."""

KNOWN_SECONDS = LATE_SECONDS - 5
"""Seconds after a request in which all that has become of its session since is remembered. Less
than the others are kept for, as its response takes time to travel."""

_MAX_ENTRIES = 10_000
_MAX_BYTES = 32 * 1024 * 1024  # of sealed sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What WorkOS made of a refresh token: a successor, or a refusal."""

    organization_id: str | None
    """The organization that was asked for."""
    at: float
    """When, in seconds since the epoch."""
    session_id: str | None
    refusal: str | None = None
    """WorkOS's word, if it refused for good."""
    sealed: str | None = field(default=None, repr=False)
    """The successor as it goes into the cookie."""
    successor_key: str | None = None
    """`refresh_key` of the successor's refresh token."""


def refresh_key(refresh_token: str | None) -> str:
    """Return the name under which a refresh token's outcome is kept: its SHA-256."""
    return hashlib.sha256((refresh_token or "").encode("utf-8", "surrogatepass")).hexdigest()


class OutcomeMemory:
    """Outcomes of one process, for all of its event loops and threads.

    An outcome is kept until a request has brought the successor's cookie and 30 s more, so that
    requests under way find it; an hour at most. Beyond 10,000 outcomes or 32 MiB, the oldest go:
    first those whose new cookie has been seen, then refusals, then the rest.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Each shelf has one lifetime, so the first of its entries is the first to expire.
        self._seen = _Shelf(LATE_SECONDS)
        self._refused = _Shelf(LIFETIME)
        self._unseen = _Shelf(LIFETIME)
        self._shelves = (self._seen, self._refused, self._unseen)
        self.places: dict[str, _Shelf] = {}
        self.predecessors: dict[str, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.places)

    def find(self, key: str) -> Outcome | None:
        """Return what has become of a refresh token, `None` if nothing is known."""
        if key not in self.places:  # asked on every request; of nearly all tokens nothing is known
            return None
        with self._lock:
            shelf = self.places.get(key)
            return None if shelf is None else shelf.get(key, self._clock())

    def chain(self, key: str | None) -> Iterator[Outcome]:
        """Yield what has become of a refresh token, then of its successor's, as far as is known."""
        passed: set[str] = set()  # a server that gives an old token again must not hang us
        while key is not None and key not in passed and (outcome := self.find(key)) is not None:
            yield outcome
            passed.add(key)
            key = outcome.successor_key

    def predecessor(self, key: str) -> str | None:
        """Return the token whose successor this is, while its cookie has not been seen."""
        return self.predecessors.get(key)

    def remember(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome, unless its refresh token has not been spent."""
        if outcome.successor_key == key:
            return  # a server that does not rotate: the token itself goes on
        with self._lock:
            if key in self.places:
                self._take(key)
            self._put(self._unseen if outcome.refusal is None else self._refused, key, outcome)
            if outcome.successor_key is not None:
                self.predecessors[outcome.successor_key] = key
            self._make_room()

    def forget(self, key: str, outcome: Outcome) -> None:
        """Drop an outcome, unless another has taken its place."""
        with self._lock:
            shelf = self.places.get(key)
            if shelf is not None and shelf.get(key, self._clock()) is outcome:
                self._remove(key)

    def see(self, key: str) -> None:
        """Note that a browser has the cookie of this refresh token, and no longer needs its own."""
        if key not in self.predecessors:
            return
        with self._lock:
            while predecessor := self.predecessors.pop(key, None):
                self._put(self._seen, predecessor, self._unseen.take(predecessor))
                key = predecessor

    def _put(self, shelf: _Shelf, key: str, outcome: Outcome) -> None:
        shelf.put(key, outcome, self._clock())
        self.places[key] = shelf

    def _make_room(self) -> None:
        now = self._clock()
        for shelf in self._shelves:
            while shelf.is_first_over(now):
                self._remove(shelf.first())
        while len(self) > _MAX_ENTRIES or sum(shelf.size for shelf in self._shelves) > _MAX_BYTES:
            self._remove(next(shelf for shelf in self._shelves if shelf).first())

    def _remove(self, key: str) -> None:
        self._take(key)
        del self.places[key]

    def _take(self, key: str) -> None:
        successor_key = self.places[key].take(key).successor_key
        if successor_key is not None and self.predecessors.get(successor_key) == key:
            del self.predecessors[successor_key]


class _Shelf:
    """Outcomes of one lifetime, the oldest first."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._entries: OrderedDict[str, tuple[Outcome, float]] = OrderedDict()
        self.size = 0
        """Characters of all sealed sessions; these are ASCII."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now: float) -> Outcome | None:
        entry = self._entries.get(key)
        return entry[0] if entry is not None and entry[1] > now else None

    def put(self, key: str, outcome: Outcome, now: float) -> None:
        # Seen late, it is not kept longer than it would have been unseen.
        until = min(now + self._lifetime, outcome.at + LIFETIME)
        self._entries[key] = (outcome, until)
        self.size += len(outcome.sealed or "")

    def take(self, key: str) -> Outcome:
        outcome, _ = self._entries.pop(key)
        self.size -= len(outcome.sealed or "")
        return outcome

    def first(self) -> str:
        return next(iter(self._entries))

    def is_first_over(self, now: float) -> bool:
        return bool(self._entries) and self._entries[self.first()][1] <= now


class Tombstones:
    """The ids of sessions that are over, for an hour each; the last 10,000 of them.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.noted: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, session_id: str | None) -> bool:
        if session_id is None:
            return False
        until = self.noted.get(session_id)
        return until is not None and until > self._clock()

    def add(self, session_id: str | None) -> None:
        """Note that a session is over; one without an id cannot be told from others."""
        if session_id is None:
            return
        with self._lock:
            self.noted[session_id] = self._clock() + LIFETIME
            self.noted.move_to_end(session_id)
            if len(self.noted) > _MAX_ENTRIES:
                self.noted.popitem(last=False)

    def discard(self, session_id: str | None) -> None:
        """Take a note back."""
        if session_id is None:
            return
        with self._lock:
            self.noted.pop(session_id, None)
