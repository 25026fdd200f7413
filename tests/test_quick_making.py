"""What is made quickly differs in nothing from what its class makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from authkit_asgi.auth import Claims, FrozenDict, SignedIn, User
from authkit_asgi.quick_making import quick_maker

USER: dict[str, Any] = {"id": "user_1", "email": "ada@example.com"}
SIGNED_IN: dict[str, Any] = {
    "user": User(**USER),
    "session_id": "session_1",
    "access_token": "a-token",
    "claims": Claims({"sub": "user_1"}),
    "expires_at": 400,
}
CASES = [(User, USER), (User, {**USER, "name": "Ada", "locale": "en"}), (SignedIn, SIGNED_IN)]


@pytest.mark.parametrize(("kind", "arguments"), CASES)
def test_made_quickly_it_is_the_same(kind, arguments):
    usual, quick = kind(**arguments), quick_maker(kind)(**arguments)
    assert type(quick) is kind
    assert quick == usual
    assert hash(quick) == hash(usual)
    assert repr(quick) == repr(usual)
    assert dataclasses.asdict(quick) == dataclasses.asdict(usual)
    assert pickle.loads(pickle.dumps(quick)) == usual  # noqa: S301  # made here
    assert copy.deepcopy(quick) == usual
    assert dataclasses.replace(quick) == usual
    assert not hasattr(quick, "__dict__")


@pytest.mark.parametrize(("kind", "arguments"), CASES)
def test_made_quickly_it_cannot_be_changed(kind, arguments):
    made = quick_maker(kind)(**arguments)
    for name in arguments:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(made, name)
    assert made == kind(**arguments)


def test_made_quickly_it_has_the_same_defaults():
    made = quick_maker(User)(**USER)
    assert made.metadata == FrozenDict()
    assert made.email_verified is False


def test_made_quickly_it_needs_the_same_arguments():
    with pytest.raises(TypeError, match="email"):
        quick_maker(User)(id="user_1")
    with pytest.raises(TypeError, match="age"):
        quick_maker(User)(**USER, age=36)
