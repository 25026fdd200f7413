"""Work that no request waits for, and that a shutdown does."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

_CANCEL_SECONDS = 1


class BackgroundTasks:
    """Runs coroutines beside the requests, in an empty context; these see to their own errors."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._at: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[str, asyncio.Task[None]]
        ] = weakref.WeakKeyDictionary()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the running event loop."""
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def start_once(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` in the running event loop, unless that is at it already."""
        at = self._at.setdefault(asyncio.get_running_loop(), {})
        name = work.__name__
        before = at.get(name)
        if before is None or before.done():  # its callback may be still to come
            task = at[name] = self.start(work())
            task.add_done_callback(lambda done: at.pop(name) if at.get(name) is done else None)

    async def aclose(self, seconds: float) -> None:
        """Wait at most `seconds` for the running event loop's, then cancel what is left of it."""
        loop = asyncio.get_running_loop()
        if mine := [task for task in self._tasks if task.get_loop() is loop]:
            _, late = await asyncio.wait(mine, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_CANCEL_SECONDS)
