"""Looking again and again for what others are about to do."""

from __future__ import annotations

import random

import anyio

_SECONDS = (0.02, 0.06)
_LOOKERS = 40  # at once; beyond, each looks less often


class Polling:
    """How long to wait before the next look, of all that look at once."""

    def __init__(self) -> None:
        self._waiting = 0

    async def wait(self) -> None:
        """Wait some hundredths of a second, at random, so that not all look at once."""
        seconds = random.uniform(*_SECONDS)  # noqa: S311  # no secret
        self._waiting += 1
        try:
            await anyio.sleep(seconds * max(1, self._waiting / _LOOKERS))
        finally:
            self._waiting -= 1
