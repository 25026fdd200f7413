"""The Fernet keys that workos-python sealed its cookies with: what may be one, and how many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.fernet import Fernet

_MAX_KEYS = 10  # each one costs a hostile cookie one more MAC
_NAME = "WORKOS_LEGACY_FERNET_KEY (legacy_fernet_key)"


def legacy_key_problems(keys: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the keys, without showing any."""
    if len(keys) > _MAX_KEYS:
        yield f"{_NAME} holds more than {_MAX_KEYS} keys"
    if not all(_is_key(key) for key in keys):
        yield (
            f"{_NAME} is no Fernet key: 44 characters of base64, "
            "the cookie_password that workos-python was given"
        )


def _is_key(key: str) -> bool:
    # Asked of the class that the SDK asks, so that what it takes is taken here.
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
