"""Telling the operator of sessions that will soon be too large for their cookies."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.log_events import named_logger
from authkit_asgi.session import MAX_KEPT_LENGTH, unseal_session
from authkit_asgi.session_size import SizeBreakdown, breakdown

logger: logging.Logger = named_logger(__name__)

_REMEDIES = (
    "session_user_fields and session_transform, store= to keep sessions on the server, or give the "
    "access token fewer permissions or a smaller JWT template"
)
_LARGE_BYTES = 3800  # name and value; browsers store 4,096
_SECONDS = 3600  # between two warnings: what makes sessions large is seldom one user's alone


class SizeWarning:
    """Warns of large sessions, once an hour at most; apart from that, of those that fit nowhere.

    Args:
        config: The settings.
        clock: Seconds since the epoch.
    """

    def __init__(self, config: AuthKitConfig, *, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._next = self._next_refused = -math.inf

    def note(self, sealed: str) -> None:
        """Note that a session is about to be written into its cookie, or to be refused there."""
        size = self._size(sealed)
        if size <= _LARGE_BYTES or self._clock() < self._next:
            return
        self._next = self._clock() + _SECONDS
        logger.warning(
            "Large: a session cookie of %s bytes, 4096 of which browsers store in one: %s. See %s",
            size,
            self._breakdown(sealed),
            _REMEDIES,
        )

    def note_refused(self, sealed: str) -> None:
        """Note that a session was renewed early and fits into no cookie.

        Its user learns of that when the token before has expired: there are minutes left for the
        operator to be first.
        """
        if self._clock() < self._next_refused:
            return
        self._next_refused = self._clock() + _SECONDS
        logger.error(
            "Too large: no cookie holds a session of %s bytes; soon an error page: %s. See %s",
            self._size(sealed),
            self._breakdown(sealed),
            f"max_session_cookie_bytes, {_REMEDIES}",
        )

    def _size(self, sealed: str) -> int:
        return len(self._config.cookie_name) + len(sealed)

    def _breakdown(self, sealed: str) -> SizeBreakdown:
        password = self._config.cookie_password
        return breakdown(unseal_session(sealed, password, max_length=MAX_KEPT_LENGTH), sealed)
