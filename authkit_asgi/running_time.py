"""Deadlines in the time that an event loop runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import anyio

_TICKS = 10  # of which a standstill, however long, counts as one


@contextlib.contextmanager
def fail_after_running(seconds: float) -> Iterator[None]:
    """Cancel what is inside after some seconds, in which the event loop was not kept from it.

    A loop that stands still, because the machine or the application is busy, finds its deadlines
    over before it has looked for the answers, which came in time.

    Raises:
        TimeoutError: The time is over.
    """
    loop = asyncio.get_running_loop()
    left = _TICKS
    timer: asyncio.TimerHandle

    def tick() -> None:
        nonlocal left, timer
        left -= 1
        if left:
            timer = loop.call_later(seconds / _TICKS, tick)
        else:
            scope.cancel()

    with anyio.CancelScope() as scope:
        timer = loop.call_later(seconds / _TICKS, tick)
        try:
            yield
        finally:
            timer.cancel()
    if scope.cancelled_caught:
        raise TimeoutError
