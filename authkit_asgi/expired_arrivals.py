"""Access tokens that had expired when they came: the clock is wrong, and another is no better."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from authkit_asgi.errors import UnavailableError

_SECONDS = 30
_MAX_ENTRIES = 10_000


class ExpiredArrivals:
    """The sessions whose fresh access token had expired on arrival, for 30 s each.

    Nobody is to exchange their refresh tokens meanwhile: on a machine whose clock is ahead, each
    request would make a successor that is worth as little as the one before. The last 10,000 are
    kept.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def note(self, key: str) -> UnavailableError:
        """Note the refresh token that came along, by its `refresh_key`; return what to say."""
        self._until[key] = self._clock() + _SECONDS
        if len(self._until) > _MAX_ENTRIES:
            self._until.popitem(last=False)
        return _error(_SECONDS)

    def find(self, key: str) -> UnavailableError | None:
        """Return what keeps a refresh token from being exchanged now."""
        left = self._until.get(key, -math.inf) - self._clock()
        # More, and the clock was set back.
        return _error(math.ceil(left)) if 0 < left <= _SECONDS else None

    def check(self, key: str) -> None:
        """Let the caller exchange a refresh token.

        Raises:
            UnavailableError: Not yet; `retry_after` says for how long.
        """
        error = self.find(key)
        if error is not None:
            raise error


def _error(seconds: int) -> UnavailableError:
    return UnavailableError(
        "The access token had expired on arrival: check this machine's clock", retry_after=seconds
    )
