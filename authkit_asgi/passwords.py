"""Cookie passwords: what may be one, and how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

CookiePassword: TypeAlias = str | Sequence[str] | Mapping[str, str]
"""One password, several with the newest first, or a mapping from password id to password."""

MAX_PASSWORDS = 10
"""Each one costs a hostile cookie one more MAC, so a rotation may not go on for ever."""

MIN_PASSWORD_LENGTH = 32
"""UTF-16 code units, because the JavaScript kits measure ``password.length``."""

PASSWORD_ID = re.compile(r"[A-Za-z0-9_]{1,64}")

_GENERATE = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


def password_problems(password: CookiePassword) -> Iterator[str]:
    """Yield what is wrong with the cookie password, without showing it."""
    name = "WORKOS_COOKIE_PASSWORD (cookie_password)"
    if isinstance(password, str):
        passwords = [password]
    else:
        passwords = list(password.values() if isinstance(password, Mapping) else password)
    ids: list[Any] = list(password) if isinstance(password, Mapping) else []
    if not all(isinstance(one, str) for one in passwords):
        yield f"{name} holds something else than text"
    elif not all(isinstance(one, str) and PASSWORD_ID.fullmatch(one) for one in ids):
        yield f"{name} has an id that is not 1 to 64 letters, digits and underscores"
    elif len(passwords) > MAX_PASSWORDS:
        yield f"{name} holds more than {MAX_PASSWORDS} passwords: drop the oldest"
    elif not passwords or passwords == [""]:
        yield f"{name} is missing: make one with {_GENERATE}"
    elif not all(is_long_enough(one) for one in passwords):
        yield f"{name} is shorter than {MIN_PASSWORD_LENGTH} characters: make one with {_GENERATE}"
    elif not all(is_unicode(one) for one in passwords):
        yield f"{name} is not valid Unicode text: make one with {_GENERATE}"


def is_long_enough(password: str) -> bool:
    """Tell whether the kits take a password of this length."""
    return len(password.encode("utf-16-le", "surrogatepass")) >= 2 * MIN_PASSWORD_LENGTH


def is_unicode(password: str) -> bool:
    """Tell whether a password can be encoded: whether it has no lone surrogate."""
    return not any("\ud800" <= character <= "\udfff" for character in password)
