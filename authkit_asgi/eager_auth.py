"""Handing the access token to the page's own scripts, in a cookie that they can read."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from authkit_asgi.cookie_settings import ACCESS_TOKEN_COOKIE
from authkit_asgi.cookies import MAX_COOKIE_BYTES, CookieWriter, SetCookie
from authkit_asgi.log_events import named_logger

logger: logging.Logger = named_logger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9._-]+")  # RFC 7515, 3.1; nothing else goes into a Set-Cookie line


class EagerAuth:
    """Makes the access-token cookie of authkit-nextjs's eager authentication."""

    def __init__(self, cookies: CookieWriter) -> None:
        self._cookies = cookies
        self._has_warned = False

    def cookies(self, access_token: str, sent: Sequence[str]) -> list[SetCookie]:
        """Return the line to write, if any.

        Args:
            access_token: The signed-in user's, verified.
            sent: What the request's access-token cookies hold.
        """
        if access_token in sent or _TOKEN.fullmatch(access_token) is None:
            return []
        if len(ACCESS_TOKEN_COOKIE) + len(access_token) <= MAX_COOKIE_BYTES:
            return [self._cookies.access_token(access_token)]
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Large: eager_auth leaves out access tokens of more bytes than a cookie holds"
            )
        return []
