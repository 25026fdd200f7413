"""What the tests of the seals share: passwords, texts, and a second maker of seals."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PASSWORD = "correct-horse-battery-staple-0123"
OLD, OLDER, NEW = (f"{age}-password-of-thirty-two-characters" for age in ("old", "older", "new"))
SESSION = {"accessToken": "a.b.c", "refreshToken": "refresh_1", "user": {"id": "user_1"}}

# No test may fail because the machine is slow.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
any_text = st.text(st.characters(exclude_categories=()))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def derived_key(password: str, salt: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), 1, 32)


def pad(plaintext: bytes) -> bytes:
    missing = 16 - len(plaintext) % 16
    return plaintext + bytes([missing]) * missing


def authentic(plaintext: bytes = b"{}", **changed: Any) -> str:
    """Make a seal with a good MAC over whatever is in it: an oracle that is not the package."""
    salt = changed.get("salt", os.urandom(32).hex())
    mac_salt = changed.get("mac_salt", os.urandom(32).hex())
    iv = os.urandom(16)
    padded = changed.get("padded", pad(plaintext))
    encryptor = Cipher(AES256(derived_key(PASSWORD, salt)), CBC(iv)).encryptor()
    fields: dict[str, str] = {
        "prefix": "Fe26.2",
        "id": "1",
        "salt": salt,
        "iv": _b64(iv),
        "ciphertext": _b64(encryptor.update(padded)),
        "exp": "",
    }
    fields |= {name: value for name, value in changed.items() if name in fields}
    signed = "*".join(fields.values())
    mac = hmac.digest(derived_key(PASSWORD, mac_salt), signed.encode(), "sha256")
    return f"{signed}*{mac_salt}*{_b64(mac)}{changed.get('suffix', '~2')}"


def fields_of(sealed: str) -> list[str]:
    return sealed.removesuffix("~2").split("*")
