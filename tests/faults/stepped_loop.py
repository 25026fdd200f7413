"""An event loop whose time is that of its timers alone: waits are exact, and take no time."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Iterator
from typing import Any

from redis.asyncio import Redis

_PATIENCE = 60  # real seconds for an answer from outside of this process


class SteppedEventLoop(asyncio.SelectorEventLoop):
    """Goes on to its next timer at once when nothing is ready.

    Neither what is computed nor what another process takes to answer counts: `time` tells how long
    was waited, however fast the machine is.
    """

    def __init__(self) -> None:
        self._selector_of_steps = _Steps()
        super().__init__(self._selector_of_steps)

    def time(self) -> float:
        return self._selector_of_steps.now

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Let no time pass: something outside of this process is to answer."""
        self._selector_of_steps.awaited += 1
        try:
            yield
        finally:
            self._selector_of_steps.awaited -= 1


class _Steps(selectors.DefaultSelector):
    """Tells of what is ready; where nothing is, what was to be waited is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.awaited = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self.awaited:
            ready = super().select(_PATIENCE)
            assert ready, "nothing happens any more"
        else:
            self.now += timeout
        return ready


class AwaitedRedis(Redis):
    """A client for whose server the time of a `SteppedEventLoop` stands still."""

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        with _loop().stopped():
            return await super().execute_command(*arguments, **options)

    async def aclose(self, *arguments: Any, **options: Any) -> None:
        with _loop().stopped():
            await super().aclose(*arguments, **options)


def _loop() -> SteppedEventLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppedEventLoop)
    return loop
