"""What can be wrong with credentials that a client sends in `Authorization`."""

from __future__ import annotations

from authkit_asgi.errors import AuthKitError


class MalformedAuthorizationError(AuthKitError):
    """`Authorization` is there twice, too long, or no bearer token as RFC 6750 writes it."""

    code = "malformed_authorization"

    def __init__(self) -> None:
        super().__init__("Authorization has to be one header: Bearer, a space, and the token")

    def __reduce__(self) -> tuple[type[MalformedAuthorizationError], tuple[()]]:
        return type(self), ()


class InvalidAPIKeyError(AuthKitError):
    """WorkOS knows no such API key (any more): it was revoked, has expired, or never was one."""

    code = "invalid_api_key"

    def __init__(self) -> None:
        super().__init__("WorkOS knows no such API key, or it was revoked")

    def __reduce__(self) -> tuple[type[InvalidAPIKeyError], tuple[()]]:
        return type(self), ()
