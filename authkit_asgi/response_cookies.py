"""What the parts of `AuthSession` have in common: the connection, and its response's cookies."""

from __future__ import annotations

from starlette.types import Scope

from authkit_asgi.service import AuthKit
from authkit_asgi.session_cookies import SentCookies, SessionCookies


class ResponseCookies:
    """The cookies that the response of one connection will carry."""

    __slots__ = ("_authkit", "_changes", "_has_answered", "_scope", "_sent")
    _authkit: AuthKit
    _scope: Scope
    _sent: SentCookies | bytes
    """The session cookies of the request; the value of one alone as it came."""
    _changes: SessionCookies | None
    _has_answered: bool
    """Whether the headers were sent before anybody asked for the cookies."""

    @property
    def _cookies(self) -> SessionCookies:
        """The cookies of the response; made when first asked for, as most responses have none."""
        if self._changes is None:
            sent = self._sent
            if isinstance(sent, bytes):
                sent = SentCookies(plain=(sent.decode("latin-1"),))
            self._changes = SessionCookies(
                self._authkit.cookies, sent, is_closed=self._has_answered
            )
        return self._changes
