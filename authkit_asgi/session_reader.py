"""Reading session cookies of every form that the settings allow, and telling which are outdated."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

from authkit_asgi.errors import SealError
from authkit_asgi.legacy_fernet import LegacySessionReader, is_legacy
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal import unseal_by
from authkit_asgi.seal_passwords import keyed_newest_first
from authkit_asgi.session import Session, read_session


class SessionReader:
    """Reads the values of session cookies.

    Args:
        password: What seals them now, and what did before.
        legacy_keys: The Fernet keys of workos-python whose sessions are taken over.
    """

    def __init__(self, password: CookiePassword, legacy_keys: Sequence[str] = ()) -> None:
        self._passwords = keyed_newest_first(password)
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
        return self.read_octets(value.encode(errors="surrogatepass"))

    def read_octets(self, value: bytes) -> Session:
        """Do what `read` does, by a value as it came."""
        if self._legacy is not None and is_legacy(text := value.decode("latin-1")):
            return dataclasses.replace(self._legacy.read(text), is_outdated=True)
        try:
            content = unseal_by(self._newest, value)
            is_outdated = False
        except SealError:
            content = self._unseal_older(value) if self._rotates else None
            is_outdated = True
        session = read_session(content)
        return dataclasses.replace(session, is_outdated=True) if is_outdated else session

    def _unseal_older(self, value: bytes) -> Any:
        # By all of them: the id in a seal does not tell, as the kits write 1 whatever the password.
        with contextlib.suppress(SealError):
            return unseal_by(self._passwords, value)
        return None
