"""The bearer credentials of a request's `Authorization` header (RFC 6750, 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from authkit_asgi.bearer_errors import MalformedAuthorizationError

_MAX_BYTES = 16 * 1024 + len("Bearer ")  # as much as `AccessTokenVerifier` reads of a token
_SCHEME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_TOKEN = re.compile(rb" +([A-Za-z0-9._~+/-]+=*)")  # RFC 6750, 2.1, with RFC 9110's 1*SP


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the token of ``Authorization: Bearer``; `None` if another scheme is used, or none.

    Raises:
        MalformedAuthorizationError: The header is there twice, in which two readers may each see
            another one; it is too long; or what follows the scheme is no token.
    """
    lines = [bytes(value) for name, value in headers if name == b"authorization"]
    if not lines:
        return None
    if len(lines) > 1 or len(lines[0]) > _MAX_BYTES:
        raise MalformedAuthorizationError
    line = lines[0].strip(b" \t")
    if not line:
        return None
    scheme = _SCHEME.match(line)
    if scheme is None:
        raise MalformedAuthorizationError
    if scheme[0].lower() != b"bearer":
        return None
    token = _TOKEN.fullmatch(line, scheme.end())
    if token is None:
        raise MalformedAuthorizationError
    return token[1].decode("ascii")
