"""Outcomes as they are kept outside of the process: sealed, and bound to their token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import SealError
from authkit_asgi.outcomes import LIFETIME, Outcome
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal import seal, unseal

_PURPOSE = "authkit_asgi refresh outcome, version 1"
_NAMES = frozenset(field.name for field in fields(Outcome))


class OutcomeSealer:
    """Seals outcomes with passwords of their own, derived from the cookie password."""

    def __init__(self, cookie_password: CookiePassword, *, clock: Callable[[], float]) -> None:
        self._passwords = derived_passwords(cookie_password, _PURPOSE)
        self._clock = clock

    def seal(self, key: str, outcome: Outcome) -> str:
        """Return the text to store for a token's outcome."""
        content = {**asdict(outcome), "key": key}
        return seal(content, self._passwords, ttl=LIFETIME, clock=self._clock)

    def open(self, key: str, stored: bytes | str | None) -> Outcome | None:
        """Return the outcome that is stored for a token; `None` for anything else."""
        text = stored.decode("latin-1") if isinstance(stored, bytes) else stored
        try:
            content = unseal(text or "", self._passwords, ttl=LIFETIME, clock=self._clock)
        except SealError:
            return None
        return _outcome(key, content)


def _outcome(key: str, content: Any) -> Outcome | None:
    if not isinstance(content, dict) or content.pop("key", None) != key:
        return None
    # Written by us, as the seal's password shows; but perhaps by another version of us.
    return Outcome(**content) if content.keys() == _NAMES else None
