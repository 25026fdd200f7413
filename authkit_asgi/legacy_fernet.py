"""Sessions that workos-python sealed: Fernet around WorkOS's answer, in snake_case.

Since its first release with sessions the SDK encrypts, without a lifetime, either the tokens, the
user and the impersonator, or the whole answer of ``POST /user_management/authenticate``.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from authkit_asgi.errors import InvalidSessionError, UntrustedResponseError
from authkit_asgi.seal import MAX_SEAL_LENGTH
from authkit_asgi.session import Session, session_from_answer

# Version 0x80 and the upper half of a time before the year 2106. A seal begins with Fe26.2.
_PREFIX = "gAAAA"
# Fernet's own decoder passes over characters that are none of base64's.
_GRAMMAR = re.compile(r"(?:[A-Za-z0-9_-]{4})+(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?")


def is_legacy(value: str) -> bool:
    """Tell whether a cookie's value may be workos-python's; then it is no seal of a kit's."""
    return value.startswith(_PREFIX)


class LegacySessionReader:
    """Reads the sessions of workos-python.

    Args:
        keys: Fernet keys, at least one: the SDK's `cookie_password`.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet(Fernet(key) for key in keys)

    def read(self, value: str) -> Session:
        """Return the session in a cookie's value.

        Raises:
            InvalidSessionError: It is not authentic, over 16 KB, or holds no session.
        """
        if len(value) > MAX_SEAL_LENGTH or not _GRAMMAR.fullmatch(value):
            raise InvalidSessionError("The cookie has not the form of a Fernet token")
        try:
            plaintext = self._fernet.decrypt(value)
        except InvalidToken:
            raise InvalidSessionError("The cookie is not sealed with this Fernet key") from None
        answer = _parse(plaintext)
        if not isinstance(answer, dict):
            raise InvalidSessionError("The Fernet token holds no session")
        try:
            return session_from_answer(answer)
        except UntrustedResponseError:
            raise InvalidSessionError("The Fernet token holds no session") from None


def _parse(plaintext: bytes) -> Any:
    """Return the JSON in a token, `None` where there is none that could be written again."""
    # The exceptions hold the plaintext: nothing may be raised while one is handled.
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(plaintext.decode())
        json.dumps(answer, allow_nan=False)
        return answer
    return None
