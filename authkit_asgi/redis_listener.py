"""Listening in each event loop for sessions that other workers have ended."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from dataclasses import dataclass

import anyio

from authkit_asgi.log_events import named_logger
from authkit_asgi.redis_connection import RedisConnection, RedisDownError, Subscription
from authkit_asgi.redis_revocations import RevocationFeed
from authkit_asgi.shared_ends import SharedEnds

logger: logging.Logger = named_logger(__name__)

_RETRY_SECONDS = (0.05, 1)  # between attempts to listen again: at first, later
_LATE_SECONDS = 1  # after which it is worth a warning
_FIRST_SECONDS = 1  # which an application that starts waits for what it has missed


@dataclass(slots=True)
class _Listening:
    """What listens in one event loop, and for how many openings."""

    task: asyncio.Task[None]
    has_tried: asyncio.Event
    openings: int = 0


class RevocationListener:
    """Hears of revocations from `open` to `aclose`, in a task of each event loop's own.

    What was told while nobody listened is read again with each new subscription.

    Args:
        redis: Where they are published.
        feed: Reads them.
        ends: Notes them.
    """

    def __init__(
        self,
        redis: RedisConnection,
        feed: RevocationFeed,
        ends: SharedEnds,
    ) -> None:
        self._redis = redis
        self._feed = feed
        self._ends = ends
        self._deaf_since: float | None = None
        self._is_degraded = False
        # Not by weak references: a task holds its loop.
        self._tasks: dict[asyncio.AbstractEventLoop, _Listening] = {}
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Listen in the running event loop until `aclose` has been called as often as this.

        Returns when what was told before is known, or cannot be heard; within a second.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            for closed in [at for at in self._tasks if at.is_closed()]:
                del self._tasks[closed]
            listening = self._tasks.get(loop)
            if listening is None:
                has_tried = asyncio.Event()
                task = loop.create_task(self._listen(has_tried), context=contextvars.Context())
                listening = self._tasks[loop] = _Listening(task, has_tried)
            listening.openings += 1
        with anyio.move_on_after(_FIRST_SECONDS):
            await listening.has_tried.wait()

    async def aclose(self) -> None:
        """Listen no more."""
        loop = asyncio.get_running_loop()
        with self._lock:
            listening = self._tasks.get(loop)
            if listening is None:
                return
            listening.openings -= 1
            if listening.openings:
                return
            del self._tasks[loop]
        while not listening.task.done():
            listening.task.cancel()  # which the library may take for a connection that is lost
            await asyncio.wait({listening.task}, timeout=_RETRY_SECONDS[0])

    async def _listen(self, has_tried: asyncio.Event) -> None:
        seconds, longest = _RETRY_SECONDS
        while True:
            try:
                async with self._redis.subscription(self._feed.channel) as subscription:
                    while True:
                        text = await subscription.receive()
                        if text is Subscription.BEGUN:
                            await self._ends.catch_up(subscription)
                            self._note_caught_up()
                            has_tried.set()
                            seconds = _RETRY_SECONDS[0]
                        elif (notice := self._feed.read(text)) is not None:
                            await self._ends.hear(notice)
            except RedisDownError as error:
                self._note_deaf(error)
            except Exception as error:  # noqa: BLE001  # who listens no more misses every end
                self._note_failure(error)
            has_tried.set()
            await anyio.sleep(seconds)
            seconds = min(2 * seconds, longest)

    def _note_caught_up(self) -> None:
        if self._is_degraded:
            logger.warning("Restored: what other workers end is heard at once")
        self._is_degraded, self._deaf_since = False, None

    def _note_deaf(self, error: RedisDownError) -> None:
        now = time.monotonic()
        self._deaf_since = self._deaf_since or now
        # A Redis that is only started anew is back sooner.
        if not self._is_degraded and now - self._deaf_since >= _LATE_SECONDS:
            self._is_degraded = True
            logger.warning("Degraded: what other workers end is heard late (%s)", error)

    def _note_failure(self, error: Exception) -> None:
        # No traceback: it may hold what was read.
        if not self._is_degraded:
            name = type(error).__name__
            logger.error("Degraded: listening to other workers has failed (%s)", name)
        self._is_degraded = True
