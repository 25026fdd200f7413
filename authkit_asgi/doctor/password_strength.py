"""How hard the cookie passwords are to guess. Whoever guesses one can make a session of anybody."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.doctor.findings import Finding

_NAME = "WORKOS_COOKIE_PASSWORD"
_GENERATE = "make one with: authkit-asgi generate-password"
_CHANGE = f"{_GENERATE}; until it is changed, whoever guesses it can sign in as anybody"

# As they stand in the examples of documentations and in templates of ``.env`` files. Of letters
# drawn at random 43 have one of these in a case of ten million.
_EXAMPLE_WORDS = (
    "password",
    "secret",
    "character",
    "example",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "placeholder",
    "generate",
    "minimum",
    "at least",
    "at-least",
    "at_least",
    "qwerty",
    "123456789",
)
_MAX_STEPS = 0.75  # of all, to a neighbour in the alphabet; of random decimal digits 0.28 are
_MIN_BITS = 80
"""Estimated from how often each character occurs; 32 random decimal digits come to about 100."""


def check_passwords(config: AuthKitConfig) -> Iterator[Finding]:
    """Yield what is to be said of the cookie passwords; never a part of one, nor its length."""
    given = config.cookie_password
    if isinstance(given, str):
        passwords = {_NAME: given}
    elif isinstance(given, Mapping):
        passwords = {f"{_NAME} {name!r}": each for name, each in given.items()}
    else:
        passwords = {f"{_NAME} ({at} of {len(given)})": each for at, each in enumerate(given, 1)}
    others = {config.client_id, config.api_key, *config.legacy_fernet_key}
    for name, password in passwords.items():
        weakness = "is another of the settings too" if password in others else _weakness(password)
        if weakness is None:
            message = f"{name} is long enough and looks random"
            yield Finding(check="password.strength", status="ok", message=message)
        else:
            message = f"{name} {weakness}"
            yield Finding(
                check="password.strength", status="fault", message=message, advice=_CHANGE
            )
        if password != password.strip() or password[0] == password[-1] in "\"'":
            yield Finding(
                check="password.form",
                status="warning",
                message=f"{name} begins or ends with a blank or a quotation mark",
                advice="Where another kit reads the variable without it, cookies do not open there",
            )
    if len(passwords) > 1:
        yield Finding(
            check="password.rotation",
            status="ok",
            message=f"{len(passwords)} passwords: the newest seals, the others only open",
            advice="Drop an older one when its sessions have been sealed anew, or may end",
        )


def _weakness(password: str) -> str | None:
    lowered = password.lower()
    if any(word in lowered for word in _EXAMPLE_WORDS):
        return "reads like an example from a documentation"
    if (lowered + lowered).find(lowered, 1) < len(lowered):
        return "repeats itself"
    steps = [ord(after) - ord(before) for before, after in itertools.pairwise(lowered)]
    if sum(abs(step) <= 1 for step in steps) >= _MAX_STEPS * len(steps):
        return "counts up or down"
    if _bits(password) < _MIN_BITS:
        return "is made of too few different characters"
    return None


def _bits(password: str) -> float:
    """Estimate the bits of entropy, generously: from how often each character occurs."""
    length = len(password)
    return sum(times * math.log2(length / times) for times in Counter(password).values())
