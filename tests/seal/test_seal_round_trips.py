"""What is sealed comes back, and what cannot be read is not sealed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_factory import PASSWORD, SESSION, any_text, patient

from authkit_asgi.errors import SealError
from authkit_asgi.seal import MAX_DEPTH, MAX_SEAL_LENGTH, seal, unseal

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(any_text, inner, max_size=5),
    max_leaves=20,
)

any_password = st.text(min_size=32, max_size=100) | st.text(
    st.characters(min_codepoint=0x10000), min_size=16, max_size=40
)


def _like_javascript(value: Any) -> Any:
    """Join surrogate halves that stand side by side: to JavaScript they are one character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [_like_javascript(each) for each in value]
    if isinstance(value, dict):
        return {_like_javascript(key): _like_javascript(each) for key, each in value.items()}
    return value


@patient
@given(any_json)
def test_unseal_returns_the_payload_that_was_sealed(payload):
    assert unseal(seal(payload, PASSWORD), PASSWORD) == _like_javascript(payload)


@patient
@given(any_password)
def test_unseal_with_any_password_of_32_units(password):
    assert unseal(seal(SESSION, password), password) == SESSION


@patient
@given(any_password, any_password)
def test_unseal_with_another_password_refuses(password, other):
    # HMAC fills keys up with NUL, so trailing ones make no difference, here as in the kits.
    if password.rstrip("\0") != other.rstrip("\0"):
        with pytest.raises(SealError):
            unseal(seal(SESSION, password), other)


@pytest.mark.parametrize("payload", [float("nan"), float("inf"), object(), {1, 2}, {(1,): 2}])
def test_seal_of_what_is_no_json_raises_as_json_does(payload):
    with pytest.raises((TypeError, ValueError)):
        seal(payload, PASSWORD)


def test_seal_of_a_payload_too_large_to_be_read_refuses():
    fits = "x" * 12_125
    assert len(seal(fits, PASSWORD)) <= MAX_SEAL_LENGTH
    assert unseal(seal(fits, PASSWORD), PASSWORD) == fits
    with pytest.raises(SealError, match="too large"):
        seal(fits + "x", PASSWORD)


@pytest.mark.parametrize(
    "payload",
    [
        "[" * 10_000,
        ['"]'] * 3 + ["\\[{" * 200],
        [[]] * 500,
        {"a": [{}] * 200},
        json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH),
    ],
    ids=["string", "escapes", "lists", "objects", "at the limit"],
)
def test_unseal_of_many_brackets_that_are_not_too_deep_opens(payload):
    assert unseal(seal(payload, PASSWORD), PASSWORD) == payload


def test_seal_of_a_payload_nested_too_deep_refuses():
    depth = MAX_DEPTH + 1
    with pytest.raises(SealError, match="nested"):
        seal(json.loads("[" * depth + "]" * depth), PASSWORD)
