"""Server-side sessions as a store and a cookie hold them: sealed, and bound to their place."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import InvalidSessionError, SealError, SessionTooLargeError
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.recent_texts import RecentTexts
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import MAX_KEPT_LENGTH, Session, read_session, session_content
from authkit_asgi.stores import SessionStore, StoredAs

_COOKIE = "authkit_asgi session id, version 1"
_VALUE = "authkit_asgi stored session, version 1"
_MOVED = "authkit_asgi id of a moved session, version 1"
_OWNER = "authkit_asgi owner of sessions, version 1"

_ID_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_COOKIE_LENGTH = 512  # of a sealed id; one has about 300 characters
_MAX_VALUE_LENGTH = 2 * MAX_KEPT_LENGTH  # the session is not alone in it


class SessionRecords:
    """Seals ids for cookies and sessions for stores, each under passwords of their own.

    Args:
        password: The cookie passwords, from which these are derived.
        size: How many of what was opened to remember; a seal comes to the same each time.
    """

    def __init__(self, password: CookiePassword, size: int = 0) -> None:
        self._ids: RecentTexts[tuple[str, bool]] = RecentTexts(size)
        self._opened: RecentTexts[tuple[StoredAs, Session]] = RecentTexts(size)
        self._cookie_passwords = derived_passwords(password, _COOKIE)
        self._value_passwords = derived_passwords(password, _VALUE)
        self._moved_keys = derived_passwords(password, _MOVED)
        self._owner_keys = derived_passwords(password, _OWNER)

    @staticmethod
    def new_id() -> str:
        """Return an id that nobody can guess: 256 bits of chance."""
        return secrets.token_urlsafe(_ID_BYTES)

    def moved_ids(self, session_id: str) -> tuple[str, ...]:
        """Return the ids that a session from a cookie may have, the newest password's first.

        Requests that move it at the same time agree on it, and nobody else can tell it.
        """
        return tuple(
            urlsafe_b64encode(_hmac(key, session_id)).decode().rstrip("=")
            for key in self._moved_keys
        )

    def owners(self, user_id: str) -> tuple[str, ...]:
        """Return the names under which stores may list a user's, the newest password's first."""
        return tuple(_hmac(key, user_id).hex() for key in self._owner_keys)

    def seal_id(self, id_: str) -> str:
        """Return the cookie of a session that is in a store."""
        return seal({"id": id_}, self._cookie_passwords, max_length=_MAX_COOKIE_LENGTH)

    def open_id(self, cookie: str) -> tuple[str, bool] | None:
        """Return the id that a cookie holds, and whether an older password has sealed it.

        `None` for every other cookie: of a session itself, forged, or broken.
        """
        if len(cookie) > _MAX_COOKIE_LENGTH:
            return None
        digest = _digest(cookie) if self._ids.size else b""
        known = self._ids.get(digest) if digest else None
        if known is not None:
            return known
        found = _unseal(cookie, self._cookie_passwords, _MAX_COOKIE_LENGTH)
        if found is None:
            return None
        content, is_outdated = found
        id_ = content.get("id") if isinstance(content, dict) else None
        # Sealed by us; but an id becomes part of a key, whatever the store makes of that.
        if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
            return None
        if digest:
            self._ids.put(digest, (id_, is_outdated), len(cookie))
        return id_, is_outdated

    def seal(self, at: StoredAs, session: Session) -> str:
        """Return the value to store for a session.

        Raises:
            SessionTooLargeError: It would be longer than what is read.
        """
        content = {
            "key": at.key,
            "session": session_content(session),
            "since": at.since,
            "version": at.version,
            "movedFrom": at.moved_from,
        }
        try:
            return seal(content, self._value_passwords, max_length=_MAX_VALUE_LENGTH)
        except SealError:
            raise SessionTooLargeError("The session is too large to be stored") from None

    def open(
        self, store: SessionStore, key: str, value: str, *, id_: str = ""
    ) -> tuple[StoredAs, Session]:
        """Return the place and the session that a value tells of; the session knows its place.

        Raises:
            InvalidSessionError: It is none of ours, or belongs under another key.
        """
        digest = _digest(f"{key} {value}") if self._opened.size else b""
        known = self._opened.get(digest) if digest else None
        if known is not None and known[0].store is store and known[0].id == id_:
            return known
        content, is_outdated = self._content(key, value)
        since, version, moved_from = (content.get(n) for n in ("since", "version", "movedFrom"))
        if not (isinstance(since, int | float) and isinstance(version, int)):
            raise InvalidSessionError("What is stored is a session of another version")
        at = StoredAs(
            store=store,
            key=key,
            id=id_,
            value=value,
            since=since,
            version=version,
            moved_from=moved_from if isinstance(moved_from, str) else None,
        )
        session = read_session(content.get("session"))
        opened = at, replace(session, is_outdated=is_outdated, stored=at)
        if digest:
            self._opened.put(digest, opened, len(value))
        return opened

    def _content(self, key: str, value: str) -> tuple[dict[str, Any], bool]:
        found = _unseal(value, self._value_passwords, _MAX_VALUE_LENGTH)
        content, is_outdated = found or (None, False)
        if not isinstance(content, dict) or content.get("key") != key:
            raise InvalidSessionError("What is stored is no session of this application")
        return content, is_outdated


def _unseal(text: str, passwords: Sequence[str], max_length: int) -> tuple[Any, bool] | None:
    """Return a seal's payload, and whether it was sealed with an older password."""
    for password in passwords:
        try:
            return unseal(text, password, max_length=max_length), password != passwords[0]
        except SealError:
            continue
    return None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _hmac(key: str, text: str) -> bytes:
    return hmac.digest(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
