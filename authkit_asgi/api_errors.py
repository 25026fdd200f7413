"""What the errors of the WorkOS API mean: a verdict, an outage, or a fault of the application's."""

from __future__ import annotations

import re

import httpx
from workos import TransportConnectError, TransportError, WorkOSError

from authkit_asgi.errors import (
    AuthKitError,
    ConnectionLostError,
    GrantRejectedError,
    RateLimitedError,
    UserNotFoundError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)

_RETRY_AFTER_BOUNDS = (1, 10)  # seconds; what a server asks for is believed within these
_DEFAULT_RETRY_AFTER = 5  # seconds
_TRANSIENT_STATUS = frozenset({408, 425, 429})
_CREDENTIALS_STATUS = frozenset({401, 403})
_CREDENTIALS_WORDS = frozenset({"invalid_client", "unauthorized_client", "invalid_client_id"})

# What WorkOS answers with 403 although it is about the user, not about the application's key.
_USER_WORDS = frozenset(
    {
        "authentication_method_not_allowed",
        "email_password_auth_disabled",
        "email_verification_required",
        "invalid_grant",
        "mfa_challenge",
        "mfa_enrollment",
        "organization_authentication_methods_required",
        "organization_selection_required",
        "passkey_progressive_enrollment",
        "radar_challenge",
        "radar_email_challenge",
        "radar_sign_up_challenge",
        "radar_sms_challenge",
        "sso_required",
    }
)
_ERROR_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


def classify_error(error: WorkOSError) -> AuthKitError:
    """Tell a verdict on the user's grant from an outage and from a fault of the application's."""
    status: int | None = getattr(error, "status_code", None)
    if status is None:
        is_lost = isinstance(error.__cause__, TransportError)
        if is_lost and not isinstance(error.__cause__, TransportConnectError):
            return ConnectionLostError("The connection to WorkOS was lost")
        return WorkOSUnavailableError("WorkOS cannot be reached")
    word = _error_word(error)
    if status in _TRANSIENT_STATUS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        too_many = status == httpx.codes.TOO_MANY_REQUESTS
        kind = RateLimitedError if too_many else WorkOSUnavailableError
        return kind(f"WorkOS answered with status {status}", retry_after=_retry_after(error))
    refused_us = status in _CREDENTIALS_STATUS and word not in _USER_WORDS
    if refused_us or word in _CREDENTIALS_WORDS:
        return WorkOSMisconfiguredError(
            f"WorkOS refused the application's credentials (status {status}): "
            "check WORKOS_CLIENT_ID and WORKOS_API_KEY"
        )
    if word is None:
        return WorkOSUnavailableError(f"WorkOS answered with status {status} and no reason")
    return GrantRejectedError(word)


def classify_look_up(error: WorkOSError) -> AuthKitError:
    """Tell that there is no such user from an outage: a look-up puts no grant at stake."""
    failure = classify_error(error)
    if not isinstance(failure, GrantRejectedError):
        return failure
    status = getattr(error, "status_code", None)
    if status == httpx.codes.NOT_FOUND:
        return UserNotFoundError()
    return WorkOSUnavailableError(f"WorkOS answered with status {status}")


def _error_word(error: WorkOSError) -> str | None:
    """Return WorkOS's word for an error, from whichever of its two error shapes holds one."""
    for name in ("error", "code"):
        word = getattr(error, name, None)
        if isinstance(word, str) and _ERROR_WORD.fullmatch(word):
            return word
    return None


def _retry_after(error: WorkOSError) -> int:
    """Return the Retry-After of an answer in whole seconds, within bounds."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    text = headers.get("retry-after", "")
    lowest, highest = _RETRY_AFTER_BOUNDS
    if not (text.isascii() and text.isdecimal()):
        return _DEFAULT_RETRY_AFTER
    return highest if len(text) > len(str(highest)) else max(lowest, min(int(text), highest))
