"""Reading session cookies of every form that the settings allow, and telling which are outdated."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence

from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.legacy_fernet import LegacySessionReader, is_legacy
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal_passwords import newest_first
from authkit_asgi.session import Session, unseal_session_by


class SessionReader:
    """Reads the values of session cookies.

    Args:
        password: What seals them now, and what did before.
        legacy_keys: The Fernet keys of workos-python whose sessions are taken over.
    """

    def __init__(self, password: CookiePassword, legacy_keys: Sequence[str] = ()) -> None:
        self._passwords = newest_first(password)
        first = next(iter(self._passwords))
        self._newest = {first: self._passwords[first]}
        self._rotates = len(self._passwords) > 1
        self._legacy = LegacySessionReader(legacy_keys) if legacy_keys else None

    def read(self, value: str) -> Session:
        """Return the session that a cookie holds, whoever wrote it.

        Raises:
            InvalidSessionError: It was sealed with none of the passwords and keys, or holds no
                session.
        """
        if self._legacy is not None and is_legacy(value):
            return dataclasses.replace(self._legacy.read(value), is_outdated=True)
        if not self._rotates:
            return unseal_session_by(self._newest, value)
        # The id in a seal does not tell: the kits write 1, whatever the password.
        with contextlib.suppress(InvalidSessionError):
            return unseal_session_by(self._newest, value)
        return dataclasses.replace(unseal_session_by(self._passwords, value), is_outdated=True)
