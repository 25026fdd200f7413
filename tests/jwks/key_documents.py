"""JSON Web Keys, fit and unfit, and the sets that they are published in."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(kid: Any = "key_1", **members: Any) -> dict[str, Any]:
    numbers = private_key().public_key().public_numbers()
    entry = {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256"}
    return {**entry, "n": b64_int(numbers.n), "e": b64_int(numbers.e), **members}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in jwk().items() if key != name}


def document(*entries: Any) -> bytes:
    return json.dumps({"keys": list(entries)}).encode()


UNFIT: dict[str, Any] = {
    "number": 1,
    "null": None,
    "text": "key",
    "list": [],
    "empty": {},
    "no kty": without("kty"),
    "kty oct": jwk(kty="oct", k="AAAA"),
    "kty EC": jwk(kty="EC", crv="P-256", x="AA", y="AA"),
    "kty lower": jwk(kty="rsa"),
    "kty list": jwk(kty=["RSA"]),
    "no kid": without("kid"),
    "empty kid": jwk(""),
    "kid number": jwk(kid=1),
    "kid null": jwk(kid=None),
    "kid list": jwk(kid=["key_1"]),
    "use enc": jwk(use="enc"),
    "use null": jwk(use=None),
    "use list": jwk(use=["sig"]),
    "alg RS512": jwk(alg="RS512"),
    "alg PS256": jwk(alg="PS256"),
    "alg none": jwk(alg="none"),
    "alg null": jwk(alg=None),
    "key_ops sign": jwk(key_ops=["sign"]),
    "key_ops empty": jwk(key_ops=[]),
    "key_ops text": jwk(key_ops="verify"),
    "key_ops null": jwk(key_ops=None),
    "no n": without("n"),
    "n number": jwk(n=5),
    "n empty": jwk(n=""),
    "n not base64": jwk(n="!" * 342),
    "n not ASCII": jwk(n="\u00fc" * 342),
    "n surrogate": jwk(n="\ud800" * 342),
    "n of 1024 bits": jwk(n=b64_int(2**1023 + 1)),
    "n of 2047 bits": jwk(n=b64_int(2**2046 + 1)),
    "n of 1024 bits with zeros before": jwk(n="A" * 342 + b64_int(2**1023 + 1)),
    "n of 8200 bits": jwk(n=b64_int(2**8199 + 1)),
    "n of 8193 bits": jwk(n=b64_int(2**8192 + 1)),
    "n of 500,000 characters": jwk(n="_" * 500_000),
    "no e": without("e"),
    "e number": jwk(e=65537),
    "e empty": jwk(e=""),
    "e zero": jwk(e="AA"),
    "e one": jwk(e="AQ"),
    "e two": jwk(e="Ag"),
    "e even": jwk(e=b64_int(65536)),
    "e huge": jwk(e=b64_int(2**2040 + 1)),
}
