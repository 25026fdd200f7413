"""The cookies that requests have brought to one worker, of which it tells the others."""

from __future__ import annotations

import contextlib
from collections import OrderedDict

from authkit_asgi.background import BackgroundTasks
from authkit_asgi.redis_connection import RedisDownError
from authkit_asgi.redis_outcomes import RedisOutcomes

_MAX_TOLD = 10_000
_MAX_WAITING = 1_000


class SeenCookies:
    """Tells of each cookie once, one after the other; beyond 1,000 that wait, not of all.

    Who is not told keeps an outcome for longer.
    """

    def __init__(self, shared: RedisOutcomes, tasks: BackgroundTasks) -> None:
        self._shared = shared
        self._tasks = tasks
        self.told: OrderedDict[str, None] = OrderedDict()
        self._waiting: OrderedDict[str, None] = OrderedDict()

    def note(self, key: str) -> None:
        """Note that a request has brought the cookie with this refresh token. Fast."""
        if key in self.told:
            return
        self.told[key] = None
        if len(self.told) > _MAX_TOLD:
            self.told.popitem(last=False)
        self._waiting[key] = None
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.popitem(last=False)
        self._tasks.start_once(self._tell_seen)

    async def _tell_seen(self) -> None:
        with contextlib.suppress(RedisDownError):
            while self._waiting:
                key, _ = self._waiting.popitem(last=False)
                await self._shared.see(key)
