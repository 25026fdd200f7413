"""Which passwords keys are derived from: what opening a seal takes most of its time for."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

import authkit_asgi.seal


def noted_secrets(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that grows by the password of every key that is derived from now on."""
    secrets: list[bytes] = []

    class NotingPBKDF2HMAC:
        def __init__(
            self, algorithm: HashAlgorithm, length: int, salt: bytes, iterations: int
        ) -> None:
            self._kdf = PBKDF2HMAC(algorithm, length, salt, iterations)

        def derive(self, secret: bytes) -> bytes:
            secrets.append(secret)
            return self._kdf.derive(secret)

    monkeypatch.setattr(authkit_asgi.seal, "PBKDF2HMAC", NotingPBKDF2HMAC)
    return secrets
