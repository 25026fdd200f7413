"""The attacks on JWT libraries that advisories and RFC 8725 tell of, each as it was carried out."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA256
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
    with_header,
)

from authkit_asgi.errors import UnacceptableClaimsError, UnknownKeyError

pytestmark = pytest.mark.anyio


def published(encoding: Encoding, form: PublicFormat) -> Callable[[], bytes]:
    return lambda: signing_key().public_key().public_bytes(encoding, form)


def own_jwk() -> dict[str, Any]:
    return jwk(signing_key())


PEM = published(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SHARED_SECRETS: dict[str, Callable[[], bytes]] = {
    "PEM": PEM,
    "PEM without its last newline": lambda: PEM().rstrip(),
    "PEM with CRLF": lambda: PEM().replace(b"\n", b"\r\n"),
    "PEM in one line": lambda: PEM().replace(b"\n", b""),
    "PEM of PKCS #1": published(Encoding.PEM, PublicFormat.PKCS1),
    "DER": published(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "DER of PKCS #1": published(Encoding.DER, PublicFormat.PKCS1),
    "OpenSSH": published(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "JWK": lambda: json.dumps(own_jwk()).encode(),
    "JWK in short": lambda: json.dumps(own_jwk(), separators=(",", ":"), sort_keys=True).encode(),
    "JWKS": lambda: json.dumps({"keys": [own_jwk()]}).encode(),
    "modulus": own_jwk()["n"].encode,
    "exponent": lambda: b"AQAB",
    "kid": lambda: b"key_1",
    "alg": lambda: b"RS256",
    "address": JWKS_URL.encode,
    "nothing": lambda: b"",
    "zeros": lambda: bytes(32),
    "None": lambda: b"None",
}


@pytest.mark.parametrize("secret", SHARED_SECRETS.values(), ids=SHARED_SECRETS)
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256", "RS256"])
async def test_verify_hmac_under_what_everybody_knows_is_refused(alg, secret):
    """CVE-2015-9235, CVE-2016-5431, CVE-2022-29217, CVE-2024-33663, CVE-2024-37568."""
    signed = f"{segment({**HEADER, 'alg': alg})}.{segment(CLAIMS)}"
    digest = f"sha{alg[-3:]}"
    await refusal(f"{signed}.{b64(hmac.digest(secret(), signed.encode(), digest))}")


UNSECURED = [
    "none",
    "NONE",
    "nonE",
    " none",
    "none ",
    "none\x00",
    "no\N{ZERO WIDTH SPACE}ne",
    "n\N{CYRILLIC SMALL LETTER O}ne",
    "null",
    "undefined",
    "RS256\x00",
    "RS256 ",
    "RS256,none",
    "RSA",
    "RSASSA-PKCS1-v1_5",
    "R\N{LATIN SMALL LETTER LONG S}256",
]


@pytest.mark.parametrize("alg", UNSECURED, ids=ascii)
async def test_verify_alg_that_a_reader_might_take_for_none_or_rs256_is_refused(alg):
    header = {**HEADER, "alg": alg}
    for signature in ("", "AA", b64(bytes(256))):
        await refusal(f"{segment(header)}.{segment(CLAIMS)}.{signature}")
    await refusal(make_token(header))


def certificate() -> str:
    """Return a certificate that the attacker made for the attacker's own key, as x5c wants it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.workos.com")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key("attacker").public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=4000))
        .sign(signing_key("attacker"), SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode().replace("\n", "")[27:-25]


BROUGHT: dict[str, Callable[[], dict[str, Any]]] = {
    "jwk": lambda: {"jwk": jwk(signing_key("attacker"))},
    "jwk under another kid": lambda: {"jwk": jwk(signing_key("attacker"), "evil"), "kid": "evil"},
    "x5c": lambda: {"x5c": [certificate()]},
    "x5c and its thumbprint": lambda: {"x5c": [certificate()], "x5t": "AA", "x5t#S256": "AA"},
    "jku": lambda: {"jku": "https://evil.example/keys"},
    "jku at our host": lambda: {"jku": f"{JWKS_URL}/../../evil"},
    "jku that looks like ours": lambda: {"jku": "https://api.workos.com@evil.example/"},
    "jku of a file": lambda: {"jku": "file:///etc/passwd"},
    "jku of the machine's metadata": lambda: {"jku": "http://169.254.169.254/"},
    "x5u": lambda: {"x5u": "https://evil.example/certificate"},
    "kid that is an address": lambda: {"kid": "https://evil.example/keys"},
    "iss in the header": lambda: {"iss": "https://evil.example"},
    "epk": lambda: {"epk": jwk(signing_key("attacker"))},
}


@pytest.mark.parametrize("members", BROUGHT.values(), ids=BROUGHT)
async def test_verify_key_named_or_brought_by_the_token_is_never_used_nor_fetched(members):
    """CVE-2018-0114, and the server-side requests of RFC 8725, section 2.9."""
    server = KeyServer()
    token = make_token({**HEADER, **members()}, key=signing_key("attacker"))
    await refusal(token, server=server)
    assert set(server.asked) == {JWKS_URL}


async def test_verify_signature_of_a_key_of_another_kind_is_refused():
    signed = f"{segment(HEADER)}.{segment(CLAIMS)}"
    der = ec.generate_private_key(ec.SECP256R1()).sign(signed.encode(), ec.ECDSA(SHA256()))
    edwards = ed25519.Ed25519PrivateKey.generate().sign(signed.encode())
    for signature in (der, edwards):
        await refusal(f"{signed}.{b64(signature)}")


def signed_as(header: dict[str, Any], payload: bytes) -> str:
    return make_token({**HEADER, **header}, payload)


async def test_verify_compressed_payload_is_not_unfolded():
    """CVE-2024-21319, CVE-2024-33664; RFC 8725, section 3.6."""
    claims = json.dumps(CLAIMS).encode()
    deflate = zlib.compressobj(wbits=-15)
    raw = deflate.compress(claims) + deflate.flush()
    for payload in (raw, zlib.compress(claims), zlib.compress(b"[" * 10_000_000)):
        await refusal(signed_as({"zip": "DEF"}, payload))
    assert (await make_verifier().verify(with_header(zip="DEF"))).sub == CLAIMS["sub"]


async def test_verify_token_inside_a_token_is_refused():
    await refusal(signed_as({"cty": "JWT"}, make_token().encode()))
    await refusal(signed_as({"cty": "JWT"}, json.dumps(make_token()).encode()))


async def test_verify_encrypted_token_is_refused():
    """Five parts of RFC 7516; one of them, encrypted to our public key, the attacker can make."""
    public = signing_key().public_key()
    wrapped = public.encrypt(bytes(32), padding.PKCS1v15())
    for alg, key in (("RSA1_5", wrapped), ("dir", b""), ("PBES2-HS256+A128KW", bytes(40))):
        header = {"alg": alg, "enc": "A256GCM", "kid": "key_1", "zip": "DEF", "p2c": 2**31}
        parts = (key, bytes(12), json.dumps(CLAIMS).encode(), bytes(16))
        await refusal(".".join([segment(header), *map(b64, parts)]))
    signed = with_header(enc="A256GCM", zip="DEF")
    await refusal(f"{signed}.{b64(bytes(12))}.{b64(bytes(16))}")


async def test_verify_other_serialisations_of_a_good_token_are_refused():
    """RFC 7515, section 7.2 (JSON) and appendix F (detached)."""
    token = make_token()
    header, payload, signature = token.split(".")
    one = {"protected": header, "signature": signature}
    bare = {"header": HEADER, "signature": signature}
    for form in (
        {**one, "payload": payload},
        {"payload": payload, "signatures": [one, bare]},
        [token],
        token,
    ):
        await refusal(json.dumps(form))
    await refusal(f"{header}..{signature}")
    await refusal(f"{header}.{signature}")


async def test_verify_empty_payload_that_is_signed_is_refused():
    await refusal(signed_as({}, b""))


async def test_verify_token_for_another_use_of_the_same_key_is_refused():
    """RFC 8725, sections 3.11 and 3.12: what is a user session's has a sid, sub and exp."""
    id_token = {"iss": CLAIMS["iss"], "sub": "user_1", "aud": "client_1", "exp": CLAIMS["exp"]}
    logout_token = {**CLAIMS, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    del logout_token["exp"]
    machine = {"iss": CLAIMS["iss"], "sub": "client_2", "exp": CLAIMS["exp"], "org_id": "org_1"}
    for claims in (id_token, logout_token, machine):
        error = await refusal(make_token(claims=claims))
        assert type(error) is UnacceptableClaimsError


async def test_verify_authentic_token_under_the_kid_of_no_key_is_refused_as_such():
    assert type(await refusal(with_header(kid="key_2"))) is UnknownKeyError
