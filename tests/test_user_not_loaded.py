"""A user of whom the session holds a part: marked, and otherwise a user like any other."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable

import pytest
from smaller_sessions import ALL
from test_session import ANSWER, API_USER, KIT_USER, MINIMAL, read

from authkit_asgi import User
from authkit_asgi.errors import UntrustedResponseError
from authkit_asgi.session import session_from_answer, user_from_answer


def user_of(*names: str) -> User:
    """Return the user of a cookie that holds these keys, and those that all have."""
    kept = {"id", "email", *names}
    user = {name: value for name, value in KIT_USER.items() if name in kept}
    return read({**MINIMAL, "user": user}).user


def test_field_that_the_cookie_does_not_hold_is_not_loaded():
    assert read({**MINIMAL, "user": KIT_USER}).user.not_loaded == frozenset()
    assert session_from_answer(ANSWER).user.not_loaded == frozenset()
    assert user_of().not_loaded == ALL
    assert user_of("firstName", "metadata").not_loaded == ALL - {"first_name", "metadata"}


def test_what_a_user_lacks_reads_as_if_there_were_none():
    user = user_of("firstName")
    assert (user.id, user.email, user.first_name) == ("user_1", "ada@example.com", "Ada")
    assert user == User(id="user_1", email="ada@example.com", first_name="Ada")
    assert (user.metadata, user.email_verified, user.locale) == ({}, False, None)


def test_null_and_odd_values_in_the_cookie_are_loaded():
    odd = dict.fromkeys(KIT_USER, 7) | {"id": "user_1", "email": "a@b", "locale": None}
    assert read({**MINIMAL, "user": odd}).user.not_loaded == frozenset()


def test_user_that_one_makes_is_whole():
    assert User(id="user_1", email="a@b").not_loaded == frozenset()


def test_mark_is_seen_in_repr_only_where_there_is_one():
    whole = User(id="user_1", email="a@b", metadata={"a": 1})
    assert repr(whole) == (
        "User(id='user_1', email='a@b', email_verified=False, name=None, first_name=None, "
        "last_name=None, profile_picture_url=None, last_sign_in_at=None, locale=None, "
        "created_at=None, updated_at=None, external_id=None, metadata={'a': 1})"
    )
    some = user_of(*(name for name in KIT_USER if name not in {"locale", "name"}))
    assert repr(some).endswith(", not_loaded=['locale', 'name'])")


def test_mark_is_no_field():
    user, whole = user_of(), User(id="user_1", email="ada@example.com")
    assert dataclasses.asdict(user) == dataclasses.asdict(whole)
    assert json.dumps(dataclasses.asdict(user)) == json.dumps(dataclasses.asdict(whole))
    assert user == whole
    assert hash(user) == hash(whole)
    with pytest.raises((AttributeError, TypeError)):  # Python's versions differ
        user.not_loaded = frozenset()  # type: ignore[misc]


@pytest.mark.parametrize(
    "clone",
    [copy.copy, copy.deepcopy, *(
        lambda user, protocol=protocol: pickle.loads(pickle.dumps(user, protocol))  # noqa: S301
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    )],
)  # fmt: skip
@pytest.mark.parametrize("user", [user_of("firstName"), read({**MINIMAL, "user": KIT_USER}).user])
def test_mark_survives_copy_and_pickle(clone: Callable[[User], User], user: User):
    same = clone(user)
    assert same == user
    assert same.not_loaded == user.not_loaded
    assert repr(same) == repr(user)
    with pytest.raises(dataclasses.FrozenInstanceError):
        same.email = "other"  # type: ignore[misc]


def test_user_made_by_replacing_fields_of_another_counts_as_whole():
    changed = dataclasses.replace(user_of("firstName"), locale="en")
    assert (changed.first_name, changed.locale, changed.not_loaded) == ("Ada", "en", frozenset())


def test_user_that_workos_answers_with_is_whole_whatever_it_leaves_out():
    assert user_from_answer(API_USER) == session_from_answer(ANSWER).user
    least = user_from_answer({"id": "user_1", "email": "a@b", "more": 1})
    assert least == User(id="user_1", email="a@b")
    assert least.not_loaded == frozenset()


@pytest.mark.parametrize(
    "answer", [{}, {"id": "user_1"}, {"email": "a@b"}, {"id": "", "email": ""}]
)
def test_answer_without_a_user_is_not_trusted(answer):
    with pytest.raises(UntrustedResponseError, match=r"^WorkOS's answer has no user$"):
        user_from_answer(answer)
