"""Identifiers and timestamps in the form WorkOS gives them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

# Crockford's base 32, as in the ULIDs of WorkOS: no I, L, O or U.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_CHARACTERS = 24


def new_identifier(prefix: str) -> str:
    """Return an unguessable identifier such as ``user_01HZX3…``: 120 random bits."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return f"{prefix}_01{text}"


def timestamp(seconds: float) -> str:
    """Return epoch seconds as WorkOS prints them: UTC, milliseconds, a final ``Z``."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
