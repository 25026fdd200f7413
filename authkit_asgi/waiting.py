"""What waits until it can be told, and stays in its place until it has been."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from authkit_asgi.redis_connection import RedisDownError

_MAX_WAITING = 10_000

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Waiting(Generic[_K, _V]):
    """The last of each of 10,000 subjects, those that wait longest first; threads may share it."""

    def __init__(self) -> None:
        self._entries: OrderedDict[_K, _V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, subject: Hashable) -> bool:
        return subject in self._entries

    def get(self, subject: _K) -> _V | None:
        """Return what waits to be told of a subject, if anything does."""
        return self._entries.get(subject)

    def put(self, subject: _K, what: _V) -> None:
        """Let it wait, in the place of what waited to be told of the same subject."""
        with self._lock:
            self._entries[subject] = what
            if len(self._entries) > _MAX_WAITING:
                self._entries.popitem(last=False)

    def first(self) -> tuple[_K, _V] | None:
        """Return what waits longest; it goes on waiting."""
        with self._lock:
            return next(iter(self._entries.items()), None)

    def drop(self, subject: _K, what: _V) -> None:
        """Let it wait no longer; something newer that has taken its place stays."""
        with self._lock:
            if subject in self._entries and self._entries[subject] is what:
                del self._entries[subject]

    def discard(self, subject: _K) -> None:
        """Let nothing of a subject wait any longer."""
        with self._lock:
            self._entries.pop(subject, None)

    @contextlib.contextmanager
    def told_within(self, subject: _K, what: _V) -> Iterator[None]:
        """Drop it when it has been told, and when it never can be; not while Redis fails.

        Nor if the event loop ends meanwhile: another one tells it then.
        """
        try:
            yield
        except RedisDownError:
            raise
        except Exception:
            self.drop(subject, what)
            raise
        self.drop(subject, what)
