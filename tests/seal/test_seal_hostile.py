"""Hostile text in place of a seal, or sealed: everything ends in a SealError."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_factory import PASSWORD, any_text, authentic, patient

from authkit_asgi import seal as seal_module
from authkit_asgi.errors import SealError
from authkit_asgi.seal import MAX_SEAL_LENGTH, seal, unseal


@patient
@given(st.text() | any_text)
def test_unseal_of_any_text_refuses(text):
    with pytest.raises(SealError):
        unseal(text, PASSWORD)


hostile_field = (
    st.sampled_from(["", "Fe26.2", "1", "0" * 64, "A" * 22, "A" * 43, "9" * 5000, "²", "*", "~2"])
    | any_text
    | st.from_regex(r"[A-Za-z0-9_-]*", fullmatch=True)
)


@patient
@given(st.lists(hostile_field, min_size=7, max_size=9), st.sampled_from(["", "~1", "~2"]))
def test_unseal_of_anything_shaped_like_a_seal_refuses(fields, suffix):
    with pytest.raises(SealError):
        unseal("*".join(["Fe26.2", *fields[1:]]) + suffix, PASSWORD)


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "~2",
        "Fe26.2",
        "*" * 7,
        "*" * 16_384,
        "Fe26.2" + "*" * 7,
        "Fe26.1*1*" + "0" * 64,
        "gAAAAABnotiron",
        "\ud800" * 100,
        "\x00" * 100,
        "é" * 16_384,
    ],
)
def test_unseal_of_hostile_text_refuses(sealed):
    with pytest.raises(SealError):
        unseal(sealed, PASSWORD)


def test_unseal_of_an_authentic_text_beyond_ascii_finds_no_seal():
    with pytest.raises(SealError, match="not a seal"):
        unseal(authentic(ciphertext="é"), PASSWORD)


@pytest.mark.parametrize("length", [MAX_SEAL_LENGTH + 1, 1_000_000])
def test_unseal_of_an_overlong_seal_refuses_it_unread(length, monkeypatch):
    monkeypatch.setattr(seal_module, "_GRAMMAR", None)
    with pytest.raises(SealError, match="too long"):
        unseal("Fe26.2*".ljust(length, "0"), PASSWORD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prefix", "Fe26.1"),
        ("prefix", "Fe26x2"),
        ("prefix", ""),
        ("prefix", "Fe26.3"),
        ("prefix", "Fe26.02"),
        ("prefix", "Fe26.2 "),
        ("prefix", "fe26.2"),
        ("prefix", "FE26.2"),
        ("prefix", "Fe26.\N{ARABIC-INDIC DIGIT TWO}"),
        ("prefix", "Fe26.\N{SUPERSCRIPT TWO}"),
        ("prefix", "\ufeffFe26.2"),
        ("prefix", "Fe26.2*1*Fe26.2"),
        ("prefix", "s:Fe26.2"),
        ("prefix", '"Fe26.2'),
        ("id", "a" * 65),
        ("id", "a-b"),
        ("id", "1 "),
        ("id", "é"),
        ("id", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("id", "1\n"),
        ("id", "1\x00"),
        ("id", "../1"),
        ("id", "a" * 10_000),
        ("salt", ""),
        ("salt", "0" * 63),
        ("salt", "0" * 65),
        ("salt", "A" * 64),
        ("salt", "g" * 64),
        ("mac_salt", ""),
        ("mac_salt", "0" * 63),
        ("mac_salt", "0" * 65),
        ("mac_salt", "A" * 64),
        ("iv", ""),
        ("iv", "A" * 21),
        ("iv", "A" * 23),
        ("iv", "A" * 22 + "=="),
        ("iv", "+" * 22),
        ("iv", "A" * 21 + "\n"),
        ("iv", "A" * 21 + "="),
        ("ciphertext", ""),
        ("ciphertext", "A"),
        ("ciphertext", "===="),
        ("ciphertext", "AAAA"),
        ("ciphertext", "A" * 21),
        ("ciphertext", "A" * 22),
        ("ciphertext", "!" * 22),
        ("ciphertext", "A" * 5461),
        ("exp", "0"),
        ("exp", "-1"),
        ("exp", "+9999999999999"),
        ("exp", " 9999999999999"),
        ("exp", "09999999999999"),
        ("exp", "9999999999999.0"),
        ("exp", "9e15"),
        ("exp", "9_999_999_999_999"),
        ("exp", "²²²²²²²²²²²²²"),
        ("exp", "٩٩٩٩٩٩٩٩٩٩٩٩٩"),
        ("exp", "9" * 17),
        ("exp", "1" + "0" * 400),
        ("exp", "0x7fffffff"),
        ("exp", "1e400"),
        ("exp", "-9999999999999"),
        ("exp", "9999999999999n"),
        ("exp", "9999999999999\n"),
        ("exp", "9999999999999\x00"),
        ("exp", "9999999999999,1"),
        ("exp", "NaN"),
        ("exp", "Infinity"),
        ("exp", "null"),
        ("exp", "undefined"),
        ("exp", "2099-01-01"),
        ("exp", "9" * 5000),
    ],
)
def test_unseal_of_an_authentic_seal_with_an_odd_field_refuses(field, value):
    with pytest.raises(SealError):
        unseal(authentic(**{field: value}), PASSWORD)


@pytest.mark.parametrize("password_id", ["", "1", "2", "a_Z9", "a" * 64])
def test_unseal_of_a_seal_with_any_id_opens(password_id):
    assert unseal(authentic(id=password_id), PASSWORD) == {}


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b" ",
        b"undefined",
        b"{'a': 1}",
        b'{"a":1}x',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"9" * 5000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\n"',
        b"\xef\xbb\xbf{}",
        b"[" * 11_000,
        b"[" * 5_500 + b"]" * 5_500,
        b"[" * 101 + b"]" * 101,
        b'{"[":' * 101 + b"1" + b"}" * 101,
        b"[" * 100 + b'"\\',
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ],
    ids=lambda plaintext: repr(plaintext[:12]),
)
def test_unseal_of_an_authentic_seal_without_json_refuses(plaintext):
    with pytest.raises(SealError) as caught:
        unseal(authentic(plaintext), PASSWORD)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "plaintext",
    [
        '"' + "[" * 101,
        '"' + '\\"[' * 101,
        '"' + '\\"[' * 101 + "\\",
        '\\"' * 200 + "[" * 101,
        '["\\\n' + '\\"[' * 101 + '"]',
    ],
    ids=range(5),
)
def test_unseal_of_brackets_in_a_string_without_an_end_counts_no_level(plaintext):
    with pytest.raises(SealError, match="no JSON"):
        unseal(authentic(plaintext.encode()), PASSWORD)


json_like = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "{",
            "}",
            '"',
            "\\",
            '\\"',
            ":",
            ",",
            "1",
            "1e9",
            "\n",
            '"":',
            "[" * 60,
            "]" * 60,
        ]
    )
).map("".join)


@patient
@given(json_like | any_text)
def test_unseal_of_any_authentic_text_returns_json_or_refuses(text):
    sealed = authentic(text.encode("utf-8", "surrogatepass"))
    try:
        value = unseal(sealed, PASSWORD)
    except SealError:
        return
    assert value == json.loads(text)
    assert unseal(seal(value, PASSWORD), PASSWORD) == value


@pytest.mark.parametrize("plaintext", ['"\\ud800"', "1.5e300", "9" * 4000, '{"a":1,"a":2}'])
def test_unseal_of_odd_json_returns_a_value_that_can_be_sealed(plaintext):
    value = unseal(authentic(plaintext.encode()), PASSWORD)
    assert unseal(seal(value, PASSWORD), PASSWORD) == value
