"""What a request gets whose bearer token is missing, malformed or refused, or not enough."""

from __future__ import annotations

import re

from starlette.types import Scope

from authkit_asgi.bearer_errors import InvalidAPIKeyError, MalformedAuthorizationError
from authkit_asgi.denials import (
    DenialError,
    ForbiddenError,
    NotSignedInError,
    RecentSignInRequiredError,
    TemporarilyUnavailableError,
)
from authkit_asgi.errors import AuthKitError, ExpiredTokenError, UnavailableError

# RFC 6750 asks for a parameter even where it asks for no error: the scheme never stands alone.
_CHALLENGE = 'Bearer realm="authkit"'
_SCOPE_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3: no space, quote, backslash


class BearerDenialError(DenialError):
    """A request's bearer token does not do. No sign-in helps: whoever asks is a program."""

    code = "bearer_denied"

    def __init__(self, status: int, detail: str, *, error: str | None = None) -> None:
        challenge = _CHALLENGE
        if error is not None:
            challenge += f', error="{error}", error_description="{detail}"'
        headers = {"WWW-Authenticate": challenge, "Cache-Control": "no-store"}
        super().__init__(status, detail, headers)

    def login_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return `None`."""
        return None


class BearerTokenMissingError(BearerDenialError):
    """There is no bearer token. Becomes 401."""

    code = "bearer_token_missing"
    title = "This is for programs"

    def __init__(self) -> None:
        super().__init__(401, "This needs a bearer token in Authorization")


class BearerTokenMalformedError(BearerDenialError):
    """`Authorization` cannot be read. Becomes 400."""

    code = "invalid_request"

    def __init__(self) -> None:
        detail = "Authorization has to be one header: Bearer, a space, and the token"
        super().__init__(400, detail, error=self.code)


class BearerTokenRefusedError(BearerDenialError):
    """The access token or API key does not count. Becomes 401."""

    code = "invalid_token"

    def __init__(self, detail: str) -> None:
        super().__init__(401, detail, error=self.code)


def credential_denial(error: AuthKitError) -> DenialError:
    """Return what a request gets whose access token or API key failed with `error`."""
    if isinstance(error, MalformedAuthorizationError):
        return BearerTokenMalformedError()
    if isinstance(error, UnavailableError):
        because = "Authorization cannot be checked now"
        return TemporarilyUnavailableError(error.retry_after, because)
    if isinstance(error, InvalidAPIKeyError):
        return BearerTokenRefusedError("The API key is not valid")
    if isinstance(error, ExpiredTokenError):
        return BearerTokenRefusedError("The access token has expired")
    return BearerTokenRefusedError("The access token is not valid")


def for_bearer(denial: ForbiddenError | RecentSignInRequiredError) -> DenialError:
    """Put a denial of a session into the words of a bearer token's (RFC 6750, 3; RFC 9470, 3)."""
    if isinstance(denial, ForbiddenError):
        challenge = f'{_CHALLENGE}, error="insufficient_scope"'
        permissions = denial.missing.get("permissions", ())
        if names := [name for name in permissions if _SCOPE_NAME.fullmatch(name)]:
            challenge += f', scope="{" ".join(names)}"'
    else:
        error = "insufficient_user_authentication"
        challenge = f'{_CHALLENGE}, error="{error}", max_age="{denial.max_age}"'
    denial.headers = {**(denial.headers or {}), "WWW-Authenticate": challenge}
    return denial


def or_bearer(denial: NotSignedInError) -> NotSignedInError:
    """Add to a denial that a bearer token would do as well."""
    denial.headers = {
        **(denial.headers or {}),
        "WWW-Authenticate": f"Cookie, {_CHALLENGE}",
    }
    return denial
