"""Ending sessions that nobody uses: the time of last use, in a small cookie that is signed.

Its value is ``<seconds since the epoch>.<MAC>``: the HMAC-SHA256, as base64url without padding, of
the time and the session's id. So the session's own cookie need not be sealed anew for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.derived import derived_passwords
from authkit_asgi.session import Session, session_id, session_issued_at

_PURPOSE = "authkit-asgi activity"
_GRAMMAR = re.compile(r"([1-9][0-9]{0,11})\.([A-Za-z0-9_-]{43})")
_SKEW_SECONDS = 60  # by which the clocks of two workers may disagree
_STEPS = 10  # the time is moved forward so many times in one timeout, at most


class Inactivity:
    """Tells when a session was last used, and when that was too long ago.

    Args:
        config: The settings.
        timeout: Seconds after which a session that was not used is over.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, config: AuthKitConfig, timeout: float, *, clock: Callable[[], float]
    ) -> None:
        passwords = derived_passwords(config.cookie_password, _PURPOSE)
        self._keys = tuple(password.encode() for password in passwords)
        self._timeout = timeout
        self._clock = clock

    def is_over(self, session: Session, values: Sequence[str]) -> bool:
        """Tell whether an authentic session has not been used for too long.

        Its access token was issued to somebody who used it: that time counts too, and counts
        alone where no cookie of the session's is there. So deleting the cookie gains nothing.

        Args:
            session: The session; its token may have expired.
            values: What the request's activity cookies hold, any text.
        """
        return (
            max(session_issued_at(session), self._last_use(session, values))
            < self._clock() - self._timeout
        )

    def is_noted(self, session: Session, values: Sequence[str]) -> bool:
        """Tell whether one of the cookies says when the session was last used."""
        return self._last_use(session, values) > 0

    def moved(self, session: Session, values: Sequence[str]) -> str | None:
        """Return the cookie value that says the session is used now; `None` if one does nearly."""
        now = int(self._clock())
        if now - self._last_use(session, values) < self._timeout / _STEPS:
            return None
        return f"{now}.{_mac(self._keys[0], _id_of(session), str(now))}"

    def _last_use(self, session: Session, values: Sequence[str]) -> int:
        """Return the newest time that is signed for this session; 0 if there is none."""
        of_session = _id_of(session)
        latest = int(self._clock()) + _SKEW_SECONDS
        times = [
            int(match[1])
            for match in map(_GRAMMAR.fullmatch, values)
            if match is not None
            and int(match[1]) <= latest
            and self._is_authentic(match[2], of_session, match[1])
        ]
        return max(times, default=0)

    def _is_authentic(self, mac: str, of_session: str, time: str) -> bool:
        return any(hmac.compare_digest(_mac(key, of_session, time), mac) for key in self._keys)


def _id_of(session: Session) -> str:
    return session_id(session) or ""


def _mac(key: bytes, of_session: str, time: str) -> str:
    # The time has digits only, so that no other id and time make the same text.
    signed = f"{time}.{of_session}".encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, signed, hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
