"""Passwords for other purposes than the cookie, derived from the cookie password."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal_passwords import newest_first


def derived_passwords(password: CookiePassword, purpose: str) -> tuple[str, ...]:
    """Return a password for `purpose` from each cookie password, the newest first (RFC 5869).

    What is sealed for one purpose cannot be passed off as something sealed for another, nor as a
    cookie.
    """
    return tuple(
        HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret).hex()
        for secret in newest_first(password).values()
    )
