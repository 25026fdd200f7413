"""The passwords of seals: one, several, by id, unusable."""

from __future__ import annotations

import pytest
from derived_keys import noted_keys, trace
from hypothesis import given
from hypothesis import strategies as st
from seal_factory import NEW, OLD, OLDER, PASSWORD, SESSION, derived_key, fields_of, patient

from authkit_asgi.errors import SealError
from authkit_asgi.passwords import MAX_PASSWORDS
from authkit_asgi.seal import _derive_key, seal, unseal
from authkit_asgi.seal_passwords import keyed_newest_first


@given(
    password=st.text(st.characters(codec="utf-8"), min_size=32, max_size=200),
    salts=st.lists(st.binary(max_size=100)),
)
@patient
def test_keys_are_those_of_pbkdf2(password, salts):
    (keyed,) = keyed_newest_first(password).values()
    for salt in [b"00" * 32, *(each.hex().encode() for each in salts)]:
        assert _derive_key(keyed, salt) == derived_key(password, salt.decode())


def test_unseal_with_several_passwords_reads_under_each():
    for password in (NEW, OLD, OLDER):
        assert unseal(seal(SESSION, password), [NEW, OLD, OLDER]) == SESSION
    with pytest.raises(SealError):
        unseal(seal(SESSION, PASSWORD), [NEW, OLD, OLDER])


def test_seal_with_several_passwords_writes_with_the_first():
    sealed = seal(SESSION, (NEW, OLD))
    assert fields_of(sealed)[1] == "1"
    assert unseal(sealed, NEW) == SESSION
    with pytest.raises(SealError):
        unseal(sealed, OLD)


@pytest.mark.parametrize(
    ("passwords", "newest"),
    [
        ({"1": OLD, "2": NEW}, "2"),
        ({"10": NEW, "9": OLD}, "10"),
        ({"b": OLD, "a": NEW}, "a"),
        ({"10": OLD, "x": NEW}, "x"),
        ({"only": NEW}, "only"),
    ],
)
def test_seal_with_a_mapping_writes_with_the_newest_under_its_id(passwords, newest):
    sealed = seal(SESSION, passwords)
    assert fields_of(sealed)[1] == newest
    assert unseal(sealed, NEW) == SESSION


def test_unseal_with_a_mapping_reads_kit_seals_under_id_1_made_with_any_password():
    passwords = {"1": OLDER, "2": OLD, "3": NEW}
    for password in passwords.values():
        assert unseal(seal(SESSION, password), passwords) == SESSION


@pytest.mark.parametrize("others", [{"2": NEW}, {"3": NEW, "2": OLDER}])
def test_unseal_with_a_mapping_tries_the_password_of_the_id_first(monkeypatch, others):
    sealed = seal(SESSION, {"1": OLD})
    derived = noted_keys(monkeypatch)
    assert unseal(sealed, {**others, "1": OLD}) == SESSION
    assert set(derived) == {trace(OLD)}


@pytest.mark.parametrize(
    "password",
    [
        "",
        "x" * 31,
        "😀" * 15 + "x",
        "x" * 31 + "\ud800",
        "\ud800" * 16,
        [],
        {},
        [PASSWORD, "x" * 31],
        {"1": PASSWORD, "2": ""},
        [PASSWORD] * (MAX_PASSWORDS + 1),
        {str(number): PASSWORD for number in range(MAX_PASSWORDS + 1)},
        {"": PASSWORD},
        {"a b": PASSWORD},
        {"a*b": PASSWORD},
        {"²": PASSWORD},
        {"1\n": PASSWORD},
        {"a" * 65: PASSWORD},
    ],
)
def test_seal_and_unseal_with_an_unusable_password_refuse(password):
    with pytest.raises(SealError):
        seal(SESSION, password)
    with pytest.raises(SealError):
        unseal(seal(SESSION, PASSWORD), password)


@pytest.mark.parametrize(
    "password",
    [
        "x" * 32,
        "😀" * 16,
        "😀" * 15 + "xy",
        [PASSWORD] * MAX_PASSWORDS,
        {"a" * 64: PASSWORD},
        {"0" * 64: PASSWORD, "1": OLD},
    ],
)
def test_seal_and_unseal_with_a_barely_usable_password_work(password):
    assert unseal(seal(SESSION, password), password) == SESSION
