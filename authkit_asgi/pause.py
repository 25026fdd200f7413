"""A pause in asking WorkOS after several failures in a row, so that requests do not all wait."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.log_events import named_logger

logger: logging.Logger = named_logger(__name__)

_FAILURES = 5
_SECONDS = 5


class Pause:
    """Counts failures in a row; after the fifth, nobody asks for 5 s, and after each further one.

    Args:
        clock: Seconds since the epoch.
        what: What is asked for, in the singular, for the log.
    """

    def __init__(self, clock: Callable[[], float], what: str = "refresh") -> None:
        self._clock = clock
        self._what = what
        self._failures = 0
        self._until = -math.inf
        self.on_begin: Callable[[str], None] | None = None
        """Told of each pause, with `what`."""

    def check(self) -> None:
        """Let the caller ask WorkOS.

        Raises:
            WorkOSUnavailableError: The pause is on; `retry_after` says for how long.
        """
        left = self._until - self._clock()
        if 0 < left <= _SECONDS:  # more, and the clock was set back
            raise WorkOSUnavailableError(
                f"WorkOS is not asked for {_SECONDS} s after {_FAILURES} failures in a row",
                retry_after=math.ceil(left),
            )

    def note_failure(self) -> None:
        """Note that WorkOS could not be asked."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self._until = self._clock() + _SECONDS
            logger.warning(
                "Paused: no %s for %s s, %s failures", self._what, _SECONDS, self._failures
            )
            if self.on_begin is not None:
                self.on_begin(self._what)

    def end(self) -> None:
        """Note that WorkOS has answered."""
        self._failures = 0
        self._until = -math.inf
