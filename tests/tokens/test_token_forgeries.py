"""Signatures that a careless check of PKCS #1 v1.5 lets pass: made by hand, or without the key."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from rsa_forgeries import (
    MISSHAPEN,
    SIZE,
    cube,
    encode,
    forge_with_a_tail,
    forge_with_rubbish_inside,
    sha256_content,
    sign_raw,
)
from token_factory import (
    CLAIMS,
    HEADER,
    KeyServer,
    b64,
    cubic_key,
    make_token,
    make_verifier,
    refusal,
    segment,
    signing_key,
)

from authkit_asgi.errors import InvalidTokenError

pytestmark = pytest.mark.anyio


def signing_input(**claims: object) -> str:
    return f"{segment(HEADER)}.{segment({**CLAIMS, **claims})}"


async def test_verify_block_encoded_by_hand_verifies():
    signed = signing_input()
    signature = sign_raw(signing_key(), encode(sha256_content(signed.encode())))
    assert (await make_verifier().verify(f"{signed}.{b64(signature)}")).sub == CLAIMS["sub"]


@pytest.mark.parametrize("shape", MISSHAPEN.values(), ids=MISSHAPEN)
@pytest.mark.parametrize("key", [signing_key, cubic_key])
async def test_verify_block_of_any_other_shape_is_refused(shape, key):
    signed = signing_input()
    signature = sign_raw(key(), shape(signed.encode()))
    await refusal(f"{signed}.{b64(signature)}", server=KeyServer(key()))


async def test_verify_key_of_exponent_three_verifies_what_it_signed():
    claims = await make_verifier(KeyServer(cubic_key())).verify(make_token(key=cubic_key()))
    assert claims.sub == CLAIMS["sub"]


async def test_verify_cube_root_with_rubbish_after_the_digest_is_refused():
    signed = signing_input()
    signature = forge_with_a_tail(signed.encode())
    good_head = b"\0\1" + b"\xff" * 8 + b"\0" + sha256_content(signed.encode())
    assert cube(signature).startswith(good_head)
    await refusal(f"{signed}.{b64(signature)}", server=KeyServer(cubic_key()))


async def test_verify_cube_root_with_rubbish_before_the_digest_is_refused():
    inputs = (signing_input(jti=str(number)) for number in range(100))
    signed = next(each for each in inputs if hashlib.sha256(each.encode()).digest()[-1] & 1)
    signature = forge_with_rubbish_inside(signed.encode())
    assert cube(signature).startswith(b"\0\1" + b"\xff" * 8 + b"\0\x30\x82")
    assert cube(signature).endswith(b"\x04\x20" + hashlib.sha256(signed.encode()).digest())
    await refusal(f"{signed}.{b64(signature)}", server=KeyServer(cubic_key()))


def number(value: int) -> bytes:
    return value.to_bytes(SIZE, "big")


def modulus(key: rsa.RSAPrivateKey) -> int:
    return key.public_key().public_numbers().n


@pytest.mark.parametrize(
    "signature",
    [
        bytes(1),
        bytes(32),
        bytes(64),
        bytes(SIZE),
        bytes(SIZE + 1),
        bytes.fromhex("3006020100020100"),
        b"\xff" * SIZE,
        number(1),
        number(2),
    ],
    ids=lambda signature: f"{len(signature)} octets, {signature[-1]}",
)
@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA", "HS256"])
async def test_verify_signature_of_a_single_value_is_refused(alg, signature):
    signed = f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}"
    await refusal(f"{signed}.{b64(signature)}")


@pytest.mark.parametrize("offset", [-1, 0, 1])
async def test_verify_signature_around_the_modulus_is_refused(offset):
    await refusal(f"{signing_input()}.{b64(number(modulus(signing_key()) + offset))}")


async def test_verify_signature_and_its_like_modulo_the_modulus_are_told_apart():
    signed = signing_input()
    key = signing_key()
    signature = int.from_bytes(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()), "big")
    await make_verifier().verify(f"{signed}.{b64(number(signature))}")
    for other in (signature + modulus(key), modulus(key) - signature):
        octets = other.to_bytes((other.bit_length() + 7) // 8, "big")
        await refusal(f"{signed}.{b64(octets)}")


async def test_verify_signature_without_its_leading_zero_or_with_one_more_is_refused():
    for attempt in range(10_000):
        signed = signing_input(jti=str(attempt))
        signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), SHA256())
        if signature[0] == 0:
            break
    assert signature[0] == 0
    await make_verifier().verify(f"{signed}.{b64(signature)}")
    for other in (signature[1:], b"\0" + signature, signature + b"\0", signature[::-1]):
        await refusal(f"{signed}.{b64(other)}")


async def test_verify_every_flipped_bit_of_a_signature_is_refused():
    signed = signing_input()
    signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), SHA256())
    verifier = make_verifier()
    for bit in range(0, 8 * SIZE, 5):
        flipped = int.from_bytes(signature, "big") ^ 1 << bit
        with pytest.raises(InvalidTokenError):
            await verifier.verify(f"{signed}.{b64(number(flipped))}")
