"""Users whose sessions are over, all of them or those in one organization."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authkit_asgi.outcomes import LIFETIME

_MAX_ENTRIES = 10_000
_NO_TIME = 1e12  # seconds: 30,000 years; milliseconds: the year 2001


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRevocation:
    """The end of a user's sessions, as of a point in time.

    It is told by the time at which an access token was issued: what WorkOS issues after the event,
    it issues knowing of it. `auth_time` would not do: who signs in again without a question,
    because WorkOS still knows the browser, has the time of the sign-in before.
    """

    user_id: str
    organization_id: str | None = None
    """The one in which the sessions are; `None` for wherever they are."""
    before: float
    """Tokens issued by then are over; in seconds since the epoch, by WorkOS's clock.

    `ValueError` is raised where that is no time, or one in milliseconds."""

    def __post_init__(self) -> None:
        if not 0 <= self.before < _NO_TIME:
            raise ValueError("before is not a time in seconds since the epoch")

    def covers(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token with these claims is over.

        One that does not say when it was issued counts as old.
        """
        issued_at = claims.get("iat")
        return (
            claims.get("sub") == self.user_id
            and (self.organization_id is None or self.organization_id == claims.get("org_id"))
            and (not isinstance(issued_at, int | float) or issued_at <= self.before)
        )


class Revocations:
    """What one process knows of these: the last 10,000, each for an hour.

    No token is reckoned to last longer, and WorkOS refuses to renew it.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.noted: OrderedDict[tuple[str, str | None], tuple[UserRevocation, float]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.noted)

    def __contains__(self, revocation: UserRevocation) -> bool:
        known, until = self.noted.get(_subject(revocation), (None, 0))
        return known is not None and until > self._clock() and known.before >= revocation.before

    def known(self) -> list[UserRevocation]:
        """Return those that still count."""
        now = self._clock()
        with self._lock:
            return [revocation for revocation, until in self.noted.values() if until > now]

    def cover(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token with these claims is over. On every request: fast."""
        return bool(self.noted) and self._covers(claims)

    def add(self, revocation: UserRevocation) -> None:
        """Note that a user's sessions are over; of two notes the later time counts."""
        key = _subject(revocation)
        with self._lock:
            known, _ = self.noted.get(key, (revocation, 0))
            latest = max(known, revocation, key=lambda each: each.before)
            self.noted[key] = (latest, self._clock() + LIFETIME)
            self.noted.move_to_end(key)
            if len(self.noted) > _MAX_ENTRIES:
                self.noted.popitem(last=False)

    def _covers(self, claims: Mapping[str, Any]) -> bool:
        user_id, organization_id = claims.get("sub"), claims.get("org_id")
        if not isinstance(user_id, str):
            return False
        now = self._clock()
        for within in (None, organization_id if isinstance(organization_id, str) else None):
            key = (user_id, within)
            revocation, until = self.noted.get(key, (None, 0))
            if revocation is not None and until > now and revocation.covers(claims):
                return True
        return False


def _subject(revocation: UserRevocation) -> tuple[str, str | None]:
    return revocation.user_id, revocation.organization_id
