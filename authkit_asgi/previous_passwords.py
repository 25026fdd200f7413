"""Cookie passwords that were in use before: they open sessions still, and seal none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from authkit_asgi.passwords import MAX_PASSWORDS, CookiePassword, is_long_enough, is_unicode

_NAME = "WORKOS_COOKIE_PASSWORD_PREVIOUS (cookie_password_previous)"


def previous_problems(password: CookiePassword, previous: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the previous passwords, without showing any."""
    if not all(is_long_enough(one) for one in previous):
        yield (
            f"{_NAME} holds one shorter than any cookie password; the variable is split at commas, "
            "so a password that has a comma in it can be given in code only"
        )
    elif not all(is_unicode(one) for one in previous):
        yield f"{_NAME} is not valid Unicode text"
    current = 1 if isinstance(password, str) else len(password)
    # More than the others hold by themselves is told of these.
    if current <= MAX_PASSWORDS < current + len(previous):
        yield f"{_NAME} makes more than {MAX_PASSWORDS} passwords together: drop the oldest"


def with_previous(password: CookiePassword, previous: Sequence[str]) -> CookiePassword:
    """Return all passwords together; those that are newest in `password` stay the newest.

    Args:
        password: What `password_problems` finds nothing wrong with.
        previous: What `previous_problems` finds nothing wrong with.
    """
    if not previous:
        return password
    if isinstance(password, str):
        password = (password,)
    known = set(password.values() if isinstance(password, Mapping) else password)
    older = [one for one in dict.fromkeys(previous) if one not in known]
    if not isinstance(password, Mapping):
        return (*password, *older)
    # Which of a mapping's passwords is the newest its ids tell, or else their order: see `seal`.
    has_numbers = all(password_id.isdigit() for password_id in password)
    names = ("0" * n if has_numbers else f"previous_{n}" for n in itertools.count(1))
    added = dict(zip((name for name in names if name not in password), older, strict=False))
    return {**password, **added} if has_numbers else {**added, **password}
