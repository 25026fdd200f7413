"""The cookies that one response will carry."""

from __future__ import annotations

from authkit_asgi.cookies import SetCookie
from authkit_asgi.errors import ResponseStartedError


class CookieChanges:
    """The cookies that one response will carry; of several for one cookie, the last."""

    __slots__ = ("_cookies", "is_closed")

    def __init__(self, *, is_closed: bool = False) -> None:
        self._cookies: dict[tuple[str, str | None], SetCookie] = {}
        self.is_closed: bool = is_closed

    def write(self, *cookies: SetCookie) -> None:
        """Add cookies to the response.

        Raises:
            ResponseStartedError: Its headers have been sent.
        """
        self.require_open()
        for cookie in cookies:
            self._cookies[cookie.key] = cookie

    def discard(self, *cookies: SetCookie) -> None:
        """Leave as they are in the browser the cookies that these would change."""
        for cookie in cookies:
            self._cookies.pop(cookie.key, None)

    def require_open(self) -> None:
        """See that cookies can still be written.

        Raises:
            ResponseStartedError: The response's headers have been sent.
        """
        if self.is_closed:
            raise ResponseStartedError

    def close(self) -> list[SetCookie]:
        """Return what to send, and allow no more."""
        self.is_closed = True
        return list(self._cookies.values())
