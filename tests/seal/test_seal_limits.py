"""The limits of seals to the character and to the level, and their base64 to the octet."""

from __future__ import annotations

from typing import Any

import pytest
from seal_factory import PASSWORD

from authkit_asgi import seal as seal_module
from authkit_asgi.errors import SealError
from authkit_asgi.seal import MAX_DEPTH, MAX_SEAL_LENGTH, is_seal, seal, unseal


def test_seal_of_16384_characters_is_written_and_read_and_one_of_16385_is_neither():
    payload = "x" * 12_100
    rest = MAX_SEAL_LENGTH - len(seal(payload, {"a": PASSWORD}))
    longest, too_long = "a" * (1 + rest), "a" * (2 + rest)  # the id is free in its length
    sealed = seal(payload, {longest: PASSWORD})
    assert len(sealed) == MAX_SEAL_LENGTH
    assert unseal(sealed, PASSWORD) == payload
    with pytest.raises(SealError, match="too large"):
        seal(payload, {too_long: PASSWORD})
    with pytest.raises(SealError, match="too long"):
        unseal(sealed.replace(longest, too_long), PASSWORD)


@pytest.mark.parametrize("kind", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_depth_is_counted_again_after_what_was_closed(kind):
    deepest: Any = 1
    for _ in range(MAX_DEPTH - 1):
        deepest = kind(deepest)
    for payload in ([*[[]] * 200, deepest], [*[{}] * 200, deepest]):
        assert unseal(seal(payload, PASSWORD), PASSWORD) == payload
        payload[-1] = kind(deepest)
        with pytest.raises(SealError, match="nested"):
            seal(payload, PASSWORD)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", b""),
        (b"\xfb", b"-w"),
        (b"\xfb\xff", b"-_8"),
        (b"\xfb\xff\xbe", b"-_--"),
        (b"\xff\xef\xbf", b"_--_"),
        (b"\x5d\x75\xd7", b"XXXX"),
        (b"\x00" * 60, b"A" * 80),
    ],
)
def test_base64_is_that_of_urls_without_padding(octets, text):
    assert seal_module._base64(octets) == text
    assert seal_module._unbase64(text) == octets


def test_other_limits_count_to_the_character():
    sealed = seal("x" * 20_000, PASSWORD, max_length=30_000)
    length = len(sealed)
    assert length > MAX_SEAL_LENGTH
    assert is_seal(sealed, max_length=length)
    assert unseal(sealed, PASSWORD, max_length=length) == "x" * 20_000
    assert not is_seal(sealed, max_length=length - 1)
    for refuse in (
        lambda: unseal(sealed, PASSWORD, max_length=length - 1),
        lambda: unseal(sealed, PASSWORD),
        lambda: seal("x" * 20_000, PASSWORD, max_length=length - 1),
    ):
        with pytest.raises(SealError):
            refuse()
