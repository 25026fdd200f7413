"""Outcomes as they are kept outside of the process: sealed, and bound to their token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from typing import Any

from authkit_asgi.derived import derived_passwords
from authkit_asgi.outcomes import LIFETIME, Outcome
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal import is_seal, seal, unseal
from authkit_asgi.session import MAX_KEPT_LENGTH

REFUSED = "-"
"""What a stored refusal begins with: scripts, which cannot open it, have to know."""

_PURPOSE = "authkit_asgi refresh outcome, version 1"
_MAX_LENGTH = 2 * MAX_KEPT_LENGTH  # a seal around a seal takes a third more
_NAMES = frozenset(field.name for field in fields(Outcome))
_REQUIRED = frozenset(field.name for field in fields(Outcome) if field.default is MISSING)


class OutcomeSealer:
    """Seals outcomes with passwords of their own, derived from the cookie password."""

    def __init__(self, cookie_password: CookiePassword, *, clock: Callable[[], float]) -> None:
        self._passwords = derived_passwords(cookie_password, _PURPOSE)
        self._clock = clock

    def seal(self, key: str, outcome: Outcome) -> str:
        """Return the text to store for a token's outcome."""
        content = {**asdict(outcome), "key": key}
        mark = "" if outcome.refusal is None else REFUSED
        passwords, clock = self._passwords, self._clock
        return mark + seal(content, passwords, ttl=LIFETIME, max_length=_MAX_LENGTH, clock=clock)

    def open(self, key: str, stored: bytes | str | None) -> Outcome | None:
        """Return the outcome that is stored for a token; `None` for what is certainly none.

        Raises:
            SealError: It is a seal that cannot be opened: of a worker, perhaps, that has been given
                another password already.
        """
        text = stored.decode("latin-1") if isinstance(stored, bytes) else stored or ""
        text = text.removeprefix(REFUSED)
        if not is_seal(text, max_length=_MAX_LENGTH):
            return None
        passwords, clock = self._passwords, self._clock
        content = unseal(text, passwords, ttl=LIFETIME, max_length=_MAX_LENGTH, clock=clock)
        return _outcome(key, content)


def _outcome(key: str, content: Any) -> Outcome | None:
    if not isinstance(content, dict) or content.get("key") != key:
        return None
    # Written by us, as the seal's password shows; but perhaps by another version of us.
    known = {name: content[name] for name in _NAMES if name in content}
    return Outcome(**known) if _REQUIRED.issubset(known) else None
