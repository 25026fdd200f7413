"""When a sign-in is recent: for the guard that asks, and the callback that has to see to it."""

from __future__ import annotations

_WHOLE_SECOND = 1  # `auth_time` leaves out the fraction


def is_recent(auth_time: int | None, *, max_age: float, at: float, leeway: float) -> bool:
    """Tell whether the user signed in at most `max_age` seconds before `at`.

    Guard and callback have to agree: else browsers would go in circles between the two, or be told
    of an old sign-in that WorkOS, which knows the time more exactly, has rightly let pass.

    Args:
        auth_time: The token's claim; without it nothing is recent.
        max_age: Seconds.
        at: Seconds since the epoch.
        leeway: Seconds by which WorkOS's clock may be behind.
    """
    return auth_time is not None and at - auth_time <= max_age + leeway + _WHOLE_SECOND
