"""Which passwords keys are derived from: what tells how often a seal is looked at."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.hmac import HMAC

import authkit_asgi.seal


def trace(password: str) -> bytes:
    """Return what `noted_keys` notes of a password."""
    return hmac.digest(password.encode(), b"", "sha1")


def noted_keys(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that grows by the trace of its password for every key derived from now on."""
    traces: list[bytes] = []
    derive = authkit_asgi.seal._derive_key

    def derive_and_note(keyed: HMAC, salt: bytes) -> bytes:
        traces.append(keyed.copy().finalize())
        return derive(keyed, salt)

    monkeypatch.setattr(authkit_asgi.seal, "_derive_key", derive_and_note)
    return traces
