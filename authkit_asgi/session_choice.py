"""Which session counts where a browser sends several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from authkit_asgi.session import Session
from authkit_asgi.tokens import unverified_claims

_MAX_COMPARED = 4  # authentic cookies of one name; browsers have two at most

_Rank: TypeAlias = tuple[float, float, str, str, bool]


def newest(sessions: Sequence[Session]) -> Session | None:
    """Return the session that counts of those that a browser's cookies hold, `None` for none.

    It is the one whose token was issued last; of tokens issued in the same second the one that
    expires last; else the one whose token comes last as text, which says nothing but is the same
    on every worker and for every order of the cookies. Of cookies with the same tokens it is the
    one that needs not be sealed anew: else the other would be, with each response.

    None counts where they are of different users, or too many: somebody else may have put some of
    them there.
    """
    if len(sessions) == 1:
        return sessions[0]
    if len(sessions) > _MAX_COMPARED or len({session.user_id for session in sessions}) != 1:
        return None
    return max(sessions, key=_rank)


def _rank(session: Session) -> _Rank:
    claims = unverified_claims(session.access_token)
    return (
        _time(claims.get("iat")),
        _time(claims.get("exp")),
        session.access_token,
        session.refresh_token or "",
        not session.is_outdated,
    )


def _time(value: object) -> float:
    # Not made a float: JSON has whole numbers that do not fit into one.
    return value if isinstance(value, int | float) else 0
