"""Signatures, algorithms and keys that an access token must not get by with."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from token_factory import (
    CLAIMS,
    HEADER,
    JWKS_URL,
    KeyServer,
    b64,
    jwk,
    make_token,
    make_verifier,
    refusal,
    segment,
    signing_key,
    with_claims,
    with_header,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AA"])
async def test_verify_alg_none_is_refused(alg, signature):
    await refusal(f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}.{signature}")
    await refusal(with_header(alg=alg))


@pytest.mark.parametrize(
    "alg", ["rs256", "RS384", "PS256", "HS256", "ES256", "", None, 256, ["RS256"], {}]
)
async def test_verify_other_alg_over_our_signature_is_refused(alg):
    await refusal(with_header(alg=alg))


async def test_verify_header_without_alg_is_refused():
    await refusal(make_token({"kid": "key_1", "typ": "JWT"}))


@pytest.mark.parametrize("alg", ["HS256", "RS256"])
async def test_verify_hmac_made_with_the_public_key_is_refused(alg):
    public = signing_key().public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk(signing_key())).encode(),
    ]
    for secret in secrets:
        signed = f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}"
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        await refusal(f"{signed}.{b64(mac)}")


@pytest.mark.parametrize("alg", ["RS512", "RS256"])
async def test_verify_rs512_signature_is_refused(alg):
    await refusal(make_token({**HEADER, "alg": alg}, digest=SHA512()))


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_verify_es256_signature_is_refused(alg):
    signed = f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}"
    der = ec.generate_private_key(ec.SECP256R1()).sign(signed.encode(), ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    await refusal(f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}")


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
async def test_verify_pss_signature_is_refused(alg):
    signed = f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}"
    pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    await refusal(f"{signed}.{b64(signing_key().sign(signed.encode(), pss, SHA256()))}")


async def test_verify_signature_by_another_key_under_our_kid_is_refused():
    await refusal(make_token(key=signing_key("attacker")))


@pytest.mark.parametrize("member", ["jwk", "x5c", "jku", "x5u"])
async def test_verify_key_that_the_token_brings_along_is_not_used(member):
    server = KeyServer()
    attacker = signing_key("attacker")
    brought = {
        "jwk": jwk(attacker),
        "x5c": [b64(b"certificate")],
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/cert",
    }
    await refusal(make_token({**HEADER, member: brought[member]}, key=attacker), server=server)
    assert server.asked == [JWKS_URL]


async def test_verify_swapped_parts_are_refused():
    mine, other = make_token().split("."), with_claims(sub="user_2").split(".")
    await refusal(".".join([mine[0], other[1], mine[2]]))
    await refusal(".".join([mine[0], mine[1], other[2]]))
    await refusal(".".join([segment({**HEADER, "typ": "x"}), mine[1], mine[2]]))


@pytest.mark.parametrize(
    "kid",
    ["", None, 1, True, ["key_1"], {"key_1": 1}, "../../key_1", "KEY_1", "key_1\x00", "k" * 4000],
    ids=repr,
)
async def test_verify_kid_that_names_no_key_is_refused(kid):
    server = KeyServer()
    await refusal(with_header(kid=kid), server=server)
    assert bool(server.asked) == (isinstance(kid, str) and kid != "")


async def test_verify_header_without_kid_is_refused():
    await refusal(make_token({"alg": "RS256"}))


@pytest.mark.parametrize(
    "crit",
    [[], ["exp"], ["alg"], ["b64"], ["kid", "kid"], "alg", "", None, False, 1, {}, [[]], [None]],
    ids=repr,
)
async def test_verify_crit_of_any_form_is_refused(crit):
    await refusal(with_header(crit=crit))


@pytest.mark.parametrize("b64_member", [False, None, 0, "true", []], ids=repr)
async def test_verify_unencoded_payload_is_refused(b64_member):
    await refusal(with_header(b64=b64_member))
    await refusal(with_header(b64=b64_member, crit=["b64"]))


async def test_verify_unencoded_payload_signed_as_such_is_refused():
    signed = f"{segment({**HEADER, 'b64': False, 'crit': ['b64']})}.payload"
    signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), SHA256())
    await refusal(f"{signed}.{b64(signature)}")


async def test_verify_goes_on_when_more_headers_have_come_than_are_remembered():
    verifier = make_verifier()
    for number in range(20):
        claims = await verifier.verify(with_header(x=number))
        assert claims.sub == CLAIMS["sub"]
    assert len(verifier._known_headers) == 16
