"""The MAC comes first: nothing is decrypted or told before it is verified."""

from __future__ import annotations

import hmac

import pytest
from seal_factory import PASSWORD, SESSION, authentic, fields_of

from authkit_asgi import seal as seal_module
from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal


def test_unseal_compares_the_mac_in_constant_time(monkeypatch):
    compared: list[tuple[bytes, bytes]] = []

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", spy)
    sealed = seal(SESSION, PASSWORD)
    assert unseal(sealed, PASSWORD) == SESSION
    assert compared == [(fields_of(sealed)[7].encode(),) * 2]


@pytest.mark.parametrize("index", range(8))
def test_unseal_of_a_seal_with_a_wrong_mac_decrypts_nothing(index, monkeypatch):
    fields = fields_of(seal(SESSION, PASSWORD, ttl=600))
    fields[index] = ("1" if fields[index][0] == "0" else "0") + fields[index][1:]

    def decrypt(*_: object) -> None:
        pytest.fail("decrypted before the MAC was verified")

    monkeypatch.setattr(seal_module, "Cipher", decrypt)
    with pytest.raises(SealError):
        unseal("*".join(fields), PASSWORD)


@pytest.mark.parametrize(
    "padded",
    [b"x" * 16, b"x" * 15 + b"\0", b"x" * 15 + b"\x11", b"x" * 14 + b"\x03\x02", b"x" * 32],
)
def test_unseal_of_broken_padding_cannot_be_told_from_a_wrong_mac(padded):
    sealed = seal(SESSION, PASSWORD)
    with pytest.raises(SealError) as wrong_mac:
        unseal(sealed[:-3] + ("A" if sealed[-3] != "A" else "E") + "~2", PASSWORD)
    with pytest.raises(SealError) as broken_padding:
        unseal(authentic(padded=padded), PASSWORD)
    assert type(wrong_mac.value) is type(broken_padding.value)
    assert wrong_mac.value.args == broken_padding.value.args


def test_unseal_of_an_expired_seal_without_a_good_mac_says_nothing_of_the_expiry():
    fields = fields_of(seal(SESSION, PASSWORD, ttl=600))
    fields[5] = "1"
    with pytest.raises(SealError, match="not authentic"):
        unseal("*".join(fields), PASSWORD)
