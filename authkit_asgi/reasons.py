"""Why nobody is signed in: from the error that says so to the `SignedOut` that carries it."""

from __future__ import annotations

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.errors import (
    ExpiredTokenError,
    GrantRejectedError,
    InvalidSessionError,
    InvalidTokenError,
    UnavailableError,
)

REAUTHENTICATION_REASONS = frozenset({"sso_required", "mfa_enrollment", "mfa_challenge"})
"""WorkOS's words for what another sign-in to the same organization puts right."""

_GRANT_REASONS = {
    reason.value: reason
    for reason in (
        SignedOutReason.MFA_ENROLLMENT,
        SignedOutReason.MFA_CHALLENGE,
        SignedOutReason.SSO_REQUIRED,
        SignedOutReason.EMAIL_VERIFICATION_REQUIRED,
        SignedOutReason.ORGANIZATION_SELECTION_REQUIRED,
        SignedOutReason.SIGNED_OUT,
    )
}


def signed_out_by(
    error: InvalidSessionError | InvalidTokenError | GrantRejectedError | UnavailableError,
) -> SignedOut:
    """Return what an error found in a session, or in its refresh, means for the request."""
    if isinstance(error, UnavailableError):
        return SignedOut(
            reason=SignedOutReason.TEMPORARILY_UNAVAILABLE, retry_after=error.retry_after
        )
    if isinstance(error, GrantRejectedError):
        return SignedOut(reason=_GRANT_REASONS.get(error.reason, SignedOutReason.REFRESH_DENIED))
    if isinstance(error, ExpiredTokenError):
        return SignedOut(reason=SignedOutReason.SESSION_EXPIRED)
    if isinstance(error, InvalidTokenError):
        return SignedOut(reason=SignedOutReason.INVALID_JWT)
    return SignedOut(reason=SignedOutReason.INVALID_SESSION_COOKIE)
