"""Reading `Authorization: Bearer`, whatever stands there."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi import AuthKitError, InvalidAPIKeyError, MalformedAuthorizationError
from authkit_asgi.authorization_header import bearer_token


def read(*values: bytes) -> str | None:
    others = [(b"cookie", b"authorization=Bearer x"), (b"x-authorization", b"Bearer y")]
    return bearer_token([*others, *((b"authorization", value) for value in values)])


def test_token_is_read_as_it_stands_there() -> None:
    assert read(b"Bearer aA0-._~+/==") == "aA0-._~+/=="
    assert read() is None


def test_longest_token_is_as_long_as_the_verifier_takes() -> None:
    assert read(b"Bearer " + b"a" * 16_384) == "a" * 16_384
    with pytest.raises(MalformedAuthorizationError):
        read(b"Bearer " + b"a" * 16_385)


@pytest.mark.parametrize("value", [b"Bearer a\nb", b"Bearer a\r", b"\nBearer a", b"Bearer\x00a"])
def test_what_no_server_lets_through_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedAuthorizationError):
        read(value)


def test_two_lines_are_malformed_whatever_is_in_them() -> None:
    for lines in [(b"Basic a", b"Basic a"), (b"", b"Bearer a"), (b"Bearer a", b"")]:
        with pytest.raises(MalformedAuthorizationError):
            read(*lines)


@pytest.mark.parametrize("error", [MalformedAuthorizationError(), InvalidAPIKeyError()])
def test_errors_survive_a_copy_and_a_process(error: AuthKitError) -> None:
    for copied in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301  # ours
        assert (type(copied), str(copied)) == (type(error), str(error))


_ANY_VALUE = st.binary(max_size=60) | st.builds(lambda rest: b"Bearer " + rest, st.binary())


@given(_ANY_VALUE)
def test_nothing_but_a_token_is_ever_returned(value: bytes) -> None:
    try:
        token = read(value)
    except MalformedAuthorizationError:
        return
    assert token is None or re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token)
