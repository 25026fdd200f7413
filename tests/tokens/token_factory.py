"""What the tests of access tokens share: a signer, a key server, and the refusal of a token."""

from __future__ import annotations

import base64
import functools
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from hypothesis import HealthCheck, settings

from authkit_asgi.errors import AuthKitError, InvalidTokenError
from authkit_asgi.tokens import AccessTokenVerifier

NOW = 1_800_000_000.0
ISSUER = "https://api.workos.com"
JWKS_URL = "https://api.workos.com/sso/jwks/client_1"
HEADER: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": "key_1"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "user_1",
    "sid": "session_1",
    "exp": int(NOW) + 300,
    "iat": int(NOW),
}

# No test may fail because the machine is slow.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def signing_key(name: str = "ours") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def cubic_key() -> rsa.RSAPrivateKey:
    """A key with the exponent 3, which forgers like best."""
    return rsa.generate_private_key(public_exponent=3, key_size=2048)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def jwk(key: rsa.RSAPrivateKey, kid: str = "key_1") -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": kid,
        "use": "sig",
        "alg": "RS256",
        "n": b64_int(numbers.n),
        "e": b64_int(numbers.e),
    }


def segment(part: Any) -> str:
    """Encode one part: bytes as they are, everything else as JSON."""
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def make_token(
    header: Any = HEADER,
    claims: Any = CLAIMS,
    key: rsa.RSAPrivateKey | None = None,
    digest: HashAlgorithm | None = None,
) -> str:
    """Sign with `cryptography` alone, so that no bug of the library under us cancels out."""
    signed = f"{segment(header)}.{segment(claims)}"
    signature = (key or signing_key()).sign(signed.encode(), padding.PKCS1v15(), digest or SHA256())
    return f"{signed}.{b64(signature)}"


def with_header(**members: Any) -> str:
    return make_token({**HEADER, **members})


def with_claims(**members: Any) -> str:
    return make_token(claims={**CLAIMS, **members})


def without_claim(name: str) -> str:
    return make_token(claims={key: value for key, value in CLAIMS.items() if key != name})


class KeyServer:
    """The JWKS endpoint, and what it was asked."""

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.asked: list[str] = []
        self.status = 200
        self._key = key or signing_key()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(self.status, json={"keys": [jwk(self._key)]})


def make_verifier(server: KeyServer | None = None, **options: Any) -> AccessTokenVerifier:
    client = httpx.AsyncClient(transport=httpx.MockTransport(server or KeyServer()))
    return AccessTokenVerifier(
        JWKS_URL, **{"http_client": client, "clock": lambda: NOW, "issuers": [ISSUER], **options}
    )


async def refusal(token: Any, **options: Any) -> AuthKitError:
    """Verify a token that must be refused; no secret may come with the error."""
    with pytest.raises(InvalidTokenError) as caught:
        await make_verifier(**options).verify(token)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    if isinstance(token, str):
        assert all(part not in str(error) for part in token.split(".") if len(part) > 20)
    return error
