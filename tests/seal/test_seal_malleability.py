"""A seal that was changed in any place opens no more."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_factory import PASSWORD, fields_of, patient

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal

ODD_CHARACTERS = "é²٣\uff0a\x00\ud800"


def test_unseal_after_any_change_of_one_character_refuses():
    sealed = seal({}, PASSWORD, ttl=600)
    for index, present in enumerate(sealed):
        for character in set(string.printable + ODD_CHARACTERS) - {present}:
            with pytest.raises(SealError):
                unseal(sealed[:index] + character + sealed[index + 1 :], PASSWORD)


def test_unseal_after_any_insertion_of_one_character_refuses():
    sealed = seal({}, PASSWORD, ttl=600)
    for index in range(len(sealed) + 1):
        for character in string.printable + ODD_CHARACTERS:
            with pytest.raises(SealError):
                unseal(sealed[:index] + character + sealed[index:], PASSWORD)


def test_unseal_after_any_deletion_or_truncation_refuses():
    sealed = seal({}, PASSWORD, ttl=600)
    without_suffix = len(sealed) - len("~2")
    cuts = {sealed[:end] for end in range(len(sealed)) if end != without_suffix}
    cuts |= {sealed[start:] for start in range(1, len(sealed))}
    cuts |= {sealed[:index] + sealed[index + 1 :] for index in range(len(sealed))}
    for cut in cuts:
        with pytest.raises(SealError):
            unseal(cut, PASSWORD)


@patient
@given(st.data())
def test_unseal_of_two_seals_mixed_refuses(data):
    first, second = fields_of(seal({"a": 1}, PASSWORD)), fields_of(seal({"a": 2}, PASSWORD))
    choice = data.draw(st.lists(st.booleans(), min_size=8, max_size=8))
    mixed = [b if swap else a for a, b, swap in zip(first, second, choice, strict=True)]
    if mixed not in (first, second):
        with pytest.raises(SealError):
            unseal("*".join(mixed), PASSWORD)
