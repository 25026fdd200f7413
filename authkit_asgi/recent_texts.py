"""What texts came to a moment ago, so that the next request with one need not find it out again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

_CHARACTERS_EACH = 4096  # of text, for which an entry is reckoned; a cookie's most

_T = TypeVar("_T")


class RecentTexts(Generic[_T]):
    """Entries of one process, for all of its event loops and threads, by SHA-256 of a whole text.

    Two texts with one digest nobody can make; whoever has the very text gets what it came to.

    Args:
        size: How many to keep, of 4 KB of text; 0 for none. The least recently used go first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: OrderedDict[bytes, tuple[_T, int]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> _T | None:
        """Return what was kept under a digest."""
        try:
            self._entries.move_to_end(key)
            return self._entries[key][0]
        except KeyError:  # never there, or gone since: other threads use it too
            return None

    def put(self, key: bytes, value: _T, characters: int) -> None:
        """Keep what a text of so many characters came to."""
        with self._lock:
            if key in self._entries:
                self._characters -= self._entries.pop(key)[1]
            self._entries[key] = (value, characters)
            self._characters += characters
            while len(self._entries) > self.size or self._characters > self.size * _CHARACTERS_EACH:
                # Not by asking for the first key: `get` moves entries without the lock meanwhile.
                _, (_, oldest) = self._entries.popitem(last=False)
                self._characters -= oldest
