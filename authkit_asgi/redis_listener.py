"""Listening in each event loop for sessions that other workers have ended."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time

import anyio

from authkit_asgi.redis_connection import RedisConnection, RedisDownError, Subscription
from authkit_asgi.redis_revocations import Notice, RevocationFeed
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.revocations import UserRevocation

logger = logging.getLogger(__name__)

_RETRY_SECONDS = (0.05, 1)  # between attempts to listen again: at first, later
_LATE_SECONDS = 1  # after which it is worth a warning


class RevocationListener:
    """Hears of revocations from `open` to `aclose`, in a task of each event loop's own.

    What was told while nobody listened is read again with each new subscription.

    Args:
        redis: Where they are published.
        feed: Reads them.
        coordinator: Notes them.
    """

    def __init__(
        self,
        redis: RedisConnection,
        feed: RevocationFeed,
        coordinator: RefreshCoordinator,
    ) -> None:
        self._redis = redis
        self._feed = feed
        self._coordinator = coordinator
        self._deaf_since: float | None = None
        self._is_degraded = False
        # Not by weak references: a task holds its loop.
        self._tasks: dict[asyncio.AbstractEventLoop, tuple[int, asyncio.Task[None]]] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Listen in the running event loop until `aclose` has been called as often as this."""
        loop = asyncio.get_running_loop()
        with self._lock:
            for closed in [at for at in self._tasks if at.is_closed()]:
                del self._tasks[closed]
            openings, task = self._tasks.get(loop, (0, None))
            if task is None:
                task = loop.create_task(self._listen(), context=contextvars.Context())
            self._tasks[loop] = (openings + 1, task)

    async def aclose(self) -> None:
        """Listen no more."""
        loop = asyncio.get_running_loop()
        with self._lock:
            openings, task = self._tasks.pop(loop, (0, None))
            if task is not None and openings > 1:
                self._tasks[loop] = (openings - 1, task)
                return
        while task is not None and not task.done():
            task.cancel()  # which the library may take for a connection that is lost
            await asyncio.wait({task}, timeout=_RETRY_SECONDS[0])

    async def _listen(self) -> None:
        seconds, longest = _RETRY_SECONDS
        while True:
            try:
                async with self._redis.subscription(self._feed.channel) as subscription:
                    while True:
                        text = await subscription.receive()
                        if text is Subscription.BEGUN:
                            await self._catch_up(subscription)
                            seconds = _RETRY_SECONDS[0]
                        elif (notice := self._feed.read(text)) is not None:
                            await self._hear(notice)
            except RedisDownError as error:
                self._note_deaf(error)
            await anyio.sleep(seconds)
            seconds = min(2 * seconds, longest)

    async def _catch_up(self, subscription: Subscription) -> None:
        for notice in await self._feed.published(subscription):
            await self._hear(notice)
        if self._is_degraded:
            logger.warning("Restored: what other workers end is heard at once")
        self._is_degraded, self._deaf_since = False, None

    async def _hear(self, notice: Notice) -> None:
        if isinstance(notice, UserRevocation):
            await self._coordinator.revoke(notice)
        elif notice.is_over:
            await self._coordinator.end(notice.session_id)
        else:
            await self._coordinator.begin(notice.session_id)

    def _note_deaf(self, error: RedisDownError) -> None:
        now = time.monotonic()
        self._deaf_since = self._deaf_since or now
        # A Redis that is only started anew is back sooner.
        if not self._is_degraded and now - self._deaf_since >= _LATE_SECONDS:
            self._is_degraded = True
            logger.warning("Degraded: what other workers end is heard late (%s)", error)
