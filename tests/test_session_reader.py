"""Which cookies are read, which of them are outdated, and what reading one costs."""

from __future__ import annotations

from typing import Any

import pytest
from derived_keys import noted_keys, trace
from emulated import OTHER_PASSWORD, PASSWORD, sealed, settings
from outdated import LEGACY_KEY, ROTATING, WRITERS, sealed_by_older_password, sealed_by_sdk
from test_session import ANSWER

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.session import session_from_answer
from authkit_asgi.session_reader import SessionReader

THIRD = "a third cookie password, 32 characters or more"


def reader(**changes: Any) -> SessionReader:
    config = AuthKitConfig(**settings(**changes))
    return SessionReader(config.cookie_password, config.legacy_fernet_key)


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The traces of the passwords that keys have been derived from."""
    return noted_keys(monkeypatch)


@pytest.mark.parametrize("writer", WRITERS)
def test_session_under_an_older_secret_is_outdated(writer):
    read = reader(**ROTATING).read(WRITERS[writer](ANSWER))
    assert read.is_outdated
    assert read.user_json == session_from_answer(ANSWER).user_json


@pytest.mark.parametrize("changes", [{}, ROTATING, {"cookie_password": {"5": PASSWORD}}])
def test_session_under_the_newest_password_is_not_outdated(changes):
    assert not reader(**changes).read(sealed(ANSWER)).is_outdated


@pytest.mark.parametrize("writer", WRITERS)
def test_session_under_a_secret_that_is_not_configured_is_refused(writer):
    with pytest.raises(InvalidSessionError):
        reader().read(WRITERS[writer](ANSWER))


def test_seal_under_no_password_is_refused():
    with pytest.raises(InvalidSessionError):
        reader(**ROTATING).read(sealed(ANSWER, THIRD))


def test_order_of_a_mapping_of_passwords_tells_which_are_outdated():
    read = reader(cookie_password={"1": OTHER_PASSWORD, "2": PASSWORD}).read
    assert read(sealed_by_older_password(ANSWER)).is_outdated
    assert not read(sealed(ANSWER)).is_outdated
    back = reader(cookie_password={"3": OTHER_PASSWORD, "2": PASSWORD}).read
    assert not back(sealed_by_older_password(ANSWER)).is_outdated
    assert back(sealed(ANSWER)).is_outdated


def test_older_passwords_cost_nothing_where_the_newest_opens(derived):
    reader().read(sealed(ANSWER))
    cost_of_one = len(derived)
    derived.clear()
    reader(cookie_password=[PASSWORD, OTHER_PASSWORD, THIRD]).read(sealed(ANSWER))
    assert len(derived) == cost_of_one
    assert set(derived) == {trace(PASSWORD)}


def test_cookie_of_the_sdk_is_not_tried_as_a_seal_nor_a_seal_as_one_of_it(derived, monkeypatch):
    both = reader(**ROTATING)
    cookie = sealed_by_sdk(ANSWER)
    derived.clear()
    assert both.read(cookie).is_outdated
    with pytest.raises(InvalidSessionError):
        both.read(cookie[:-8] + "AAAAAAA=")
    assert derived == []
    monkeypatch.setattr(both._legacy, "read", None)  # calling it raises a TypeError
    assert both.read(sealed(ANSWER)).user_id == "user_1"


def test_seal_that_begins_like_a_token_of_the_sdk_without_its_key_is_refused():
    with pytest.raises(InvalidSessionError):
        reader(legacy_fernet_key=()).read(sealed_by_sdk(ANSWER, LEGACY_KEY))
