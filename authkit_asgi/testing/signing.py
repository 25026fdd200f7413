"""The RSA keys that sign access tokens, and the key set that publishes them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey

from authkit_asgi.testing.identifiers import new_identifier

_KEY_BITS = 2048


class SigningKeys:
    """A list of RSA keys: the newest signs, all are published.

    The first key is made when it is first needed, since that takes 50 to 200 ms.
    """

    def __init__(self) -> None:
        self._keys: tuple[RSAKey, ...] = ()
        self._lock = threading.Lock()

    @property
    def current(self) -> RSAKey:
        """The key that signs."""
        return self._all()[-1]

    def rotate(self, *, withdraw_old: bool = False) -> None:
        """Sign with a new key from now on; the old ones stay published unless withdrawn."""
        # The first key is made even if it never signed: verifiers may have to do with two.
        published = () if withdraw_old else self._all()
        new = _new_key()
        with self._lock:
            self._keys = (*published, new)

    def withdraw_old(self) -> None:
        """Publish the current key only."""
        with self._lock:
            self._keys = self._keys[-1:]

    def published(self) -> dict[str, Any]:
        """Return the JSON Web Key Set (RFC 7517): public keys only."""
        return {"keys": [key.as_dict(private=False) for key in self._all()]}

    def _all(self) -> tuple[RSAKey, ...]:
        with self._lock:
            if not self._keys:
                self._keys = (_new_key(),)
            return self._keys

    def sign(
        self,
        claims: Mapping[str, Any],
        *,
        key: RSAKey | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a JWT with exactly these claims, signed RS256 whatever the header says.

        Built by hand rather than with a JOSE library: tests need tokens a library refuses to make.

        Args:
            claims: The payload; nothing is added.
            key: A private key; ``None`` is the current one.
            header: Changes to the header; a value of ``None`` removes the parameter.
        """
        key = key or self.current
        private_key = key.private_key
        if private_key is None:
            raise ValueError("a public key cannot sign: pass a private RSAKey")
        merged = {"alg": "RS256", "typ": "JWT", "kid": key.kid, **(header or {})}
        protected = {name: value for name, value in merged.items() if value is not None}
        signing_input = f"{_encode_json(protected)}.{_encode_json(claims)}"
        signature = private_key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signing_input}.{_encode(signature)}"


def _new_key() -> RSAKey:
    kid = new_identifier("sso_oidc_key_pair")
    return RSAKey.generate_key(_KEY_BITS, {"kid": kid, "alg": "RS256", "use": "sig"})


def _encode_json(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
