"""PKCS #1 v1.5 signatures by hand: what is signed in place of the encoding of RFC 8017, 9.2."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import rsa

SIZE = 256
"""Octets of a 2,048-bit modulus and of its signatures."""

SHA256_OID = bytes.fromhex("0609608648016503040201")
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
MD5_INFO = bytes.fromhex("3020300c06082a864886f70d020505000410")
SHA512_INFO = bytes.fromhex("3051300d060960864801650304020305000440")


def encode(content: bytes, *, block: int = 1, filler: int = 0xFF, end: bytes = b"\0") -> bytes:
    padding = bytes([filler]) * (SIZE - 2 - len(end) - len(content))
    return bytes([0, block]) + padding + end + content


def sign_raw(key: rsa.RSAPrivateKey, encoded: bytes) -> bytes:
    """Apply the private key to any block at all."""
    numbers = key.private_numbers()
    block = int.from_bytes(encoded, "big")
    return pow(block, numbers.d, numbers.public_numbers.n).to_bytes(SIZE, "big")


def sha256_content(signed: bytes) -> bytes:
    return SHA256_INFO + hashlib.sha256(signed).digest()


def _digest(signed: bytes) -> bytes:
    return hashlib.sha256(signed).digest()


def _without_null(signed: bytes) -> bytes:
    return bytes.fromhex("302f300b") + SHA256_OID + b"\x04\x20" + _digest(signed)


def _long_lengths(signed: bytes) -> bytes:
    return bytes.fromhex("308131300d") + SHA256_OID + b"\x05\x00\x04\x20" + _digest(signed)


MISSHAPEN: dict[str, Callable[[bytes], bytes]] = {
    "digest alone": lambda signed: encode(_digest(signed)),
    "no NULL in the algorithm": lambda signed: encode(_without_null(signed)),
    "long form of a length": lambda signed: encode(_long_lengths(signed)),
    "SHA-1": lambda signed: encode(
        SHA1_INFO + hashlib.sha1(signed, usedforsecurity=False).digest()
    ),
    "MD5": lambda signed: encode(MD5_INFO + hashlib.md5(signed, usedforsecurity=False).digest()),
    "SHA-512": lambda signed: encode(SHA512_INFO + hashlib.sha512(signed).digest()),
    "SHA-512 named, SHA-256 inside": lambda signed: encode(SHA512_INFO + _digest(signed)),
    "block type 0": lambda signed: encode(sha256_content(signed), block=0, filler=0),
    "block type 2": lambda signed: encode(sha256_content(signed), block=2),
    "filler of another octet": lambda signed: encode(sha256_content(signed), filler=0xFE),
    "no end of the filler": lambda signed: encode(sha256_content(signed), end=b""),
    "octets after the digest": lambda signed: encode(sha256_content(signed) + b"\0"),
    "eight octets of filler, the rest after the digest": lambda signed: (
        b"\0\1" + b"\xff" * 8 + b"\0" + sha256_content(signed)
    ).ljust(SIZE, b"\0"),
    "no filler": lambda signed: (b"\0\1\0" + sha256_content(signed)).ljust(SIZE, b"\0"),
    "zeros": lambda _: bytes(SIZE),
    "one": lambda _: bytes(SIZE - 1) + b"\1",
}


def forge_with_a_tail(signed: bytes) -> bytes:
    """Forge a signature for the exponent 3, without the key (Bleichenbacher, 2006).

    Its cube begins like a good block with short filler, and has rubbish after the digest.
    """
    head = b"\0\1" + b"\xff" * 8 + b"\0" + sha256_content(signed)
    return _cube_root_above(int.from_bytes(head.ljust(SIZE, b"\0"), "big")).to_bytes(SIZE, "big")


def forge_with_rubbish_inside(signed: bytes) -> bytes:
    """Forge one that begins and ends well, with rubbish as the algorithm's parameters (BERserk).

    The digest of `signed` has to be odd, for only then has it a cube root modulo a power of two.
    """
    tail = b"\x04\x20" + _digest(signed)
    rubbish = SIZE - 34 - len(tail)
    inner = SHA256_OID + b"\x05\x82" + rubbish.to_bytes(2, "big")
    head = b"\x30\x82" + (len(inner) + rubbish).to_bytes(2, "big") + inner
    whole = len(head) + rubbish + len(tail)
    head = b"\0\1" + b"\xff" * 8 + b"\0" + b"\x30\x82" + whole.to_bytes(2, "big") + head
    low_bits = 8 * len(tail)
    low = _cube_root_modulo(int.from_bytes(tail, "big"), low_bits)
    high = _cube_root_above(int.from_bytes(head.ljust(SIZE, b"\0"), "big"))
    return (((high >> low_bits) + 1 << low_bits) | low).to_bytes(SIZE, "big")


def cube(signature: bytes) -> bytes:
    return (int.from_bytes(signature, "big") ** 3).to_bytes(SIZE, "big")


def _cube_root_above(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**3 < number:
            low = middle + 1
        else:
            high = middle
    return low


def _cube_root_modulo(number: int, bits: int) -> int:
    root = 1
    for bit in range(bits):
        if (root**3 - number) >> bit & 1:
            root |= 1 << bit
    return root
