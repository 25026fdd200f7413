"""Telling the operator of sessions that will soon be too large for their cookies."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.session import MAX_KEPT_LENGTH, unseal_session
from authkit_asgi.session_size import breakdown

logger = logging.getLogger(__name__)

_REMEDIES = (
    "session_user_fields and session_transform, or give the access token fewer permissions or a "
    "smaller JWT template"
)
_LARGE_BYTES = 3800  # name and value; browsers store 4,096
_SECONDS = 3600  # between two warnings: what makes sessions large is seldom one user's alone


class SizeWarning:
    """Warns of a large session, once an hour at most.

    Args:
        config: The settings.
        clock: Seconds since the epoch.
    """

    def __init__(self, config: AuthKitConfig, *, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._next = -math.inf

    def note(self, sealed: str) -> None:
        """Note that a session is about to be written into its cookie, or to be refused there."""
        size = len(self._config.cookie_name) + len(sealed)
        if size <= _LARGE_BYTES or self._clock() < self._next:
            return
        self._next = self._clock() + _SECONDS
        session = unseal_session(sealed, self._config.cookie_password, max_length=MAX_KEPT_LENGTH)
        logger.warning(
            "Large: a session cookie of %s bytes, 4096 of which browsers store in one: %s. See %s",
            size,
            breakdown(session, sealed),
            _REMEDIES,
        )
