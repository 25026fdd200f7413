"""When an access token is renewed that is still good."""

from __future__ import annotations

from authkit_asgi.auth import Claims
from authkit_asgi.config import AuthKitConfig

LONGEST_BUFFER, _SHORT_BUFFER = 60, 30  # seconds before `exp`; the latter up to a lifetime of:
_SHORT_LIFETIME = 300


def renewal_buffer(config: AuthKitConfig, claims: Claims) -> float:
    """Return how many seconds before its end a token is renewed; 0 for not before."""
    if claims.iat is None:
        return 0
    lifetime = claims.exp - claims.iat
    buffer = config.refresh_buffer
    if buffer is None:
        buffer = _SHORT_BUFFER if lifetime <= _SHORT_LIFETIME else LONGEST_BUFFER
    # A buffer as long as the lifetime would renew the token on every request.
    return min(buffer, lifetime / 2)
