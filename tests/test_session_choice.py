"""Of several genuine cookies of one user the same one counts everywhere, in whatever order."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
from typing import Any

import pytest

from authkit_asgi.auth import FrozenDict
from authkit_asgi.session import Session
from authkit_asgi.session_choice import newest


def session(refresh_token: str | None = "r", *, user: str = "user_1", **claims: Any) -> Session:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return Session(
        access_token=f"e30.{payload}.c2ln",
        refresh_token=refresh_token,
        user_json=FrozenDict({"id": user, "email": "ada@example.com"}),
    )


def outdated(one: Session) -> Session:
    return dataclasses.replace(one, is_outdated=True)


@pytest.mark.parametrize(
    ("winner", "others"),
    [
        (session(iat=2, exp=3), [session(iat=1, exp=9), session(exp=9), session(iat="5", exp=9)]),
        (outdated(session(iat=2)), [session(iat=1)]),
        (session(iat=1, exp=3), [session(iat=1, exp=2), session(iat=1), session(iat=1, exp=None)]),
        (outdated(session(iat=1, exp=3)), [session(iat=1, exp=2), session(iat=1, exp=1)]),
        (session(iat=10**400), [session(iat=1.5)]),
    ],
)
def test_token_issued_last_wins_and_of_those_the_one_that_expires_last(winner, others):
    for order in itertools.permutations([winner, *others]):
        assert newest(order) is winner


@pytest.mark.parametrize(
    "sessions",
    [
        [session(iat=1, exp=2, sid="a"), session(iat=1, exp=2, sid="b")],
        [session(sid="a"), session(sid="b"), outdated(session(sid="c"))],
        [session("r_1", iat=1), session("r_2", iat=1), session(None, iat=1)],
        [outdated(session(iat=1, sid="a")), session(iat=1, sid="b")],
        [session(iat=1, sid="a"), outdated(session(iat=1, sid="b"))],
    ],
)
def test_where_times_do_not_tell_the_same_one_wins_in_every_order_and_however_it_is_sealed(
    sessions,
):
    chosen = set()
    for order in itertools.permutations(sessions):
        for is_outdated in itertools.product([False, True], repeat=len(order)):
            # A worker whose newest password is another finds others to be outdated.
            seen = [
                dataclasses.replace(one, is_outdated=it)
                for one, it in zip(order, is_outdated, strict=True)
            ]
            found = newest(seen)
            assert found is not None
            chosen.add((found.access_token, found.refresh_token))
    assert len(chosen) == 1


def test_of_two_with_the_same_tokens_the_one_that_is_up_to_date_wins():
    old, new = outdated(session(iat=1)), session(iat=1)
    assert newest([old, new]) is newest([new, old]) is new


def test_none_wins_among_different_users_among_too_many_and_among_none():
    one, other = session(iat=1), session(iat=2, user="user_2")
    assert newest([one, other]) is newest([other, one]) is None
    assert newest([one] * 4) is one
    assert newest([one] * 5) is None
    assert newest([]) is None
    assert newest([other]) is other
