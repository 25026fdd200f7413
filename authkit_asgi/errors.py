"""Every exception of the package: one root, stable codes, messages that say what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar


class AuthKitError(Exception):
    """Root of all errors raised by this package.

    `code` is stable across releases; log it or switch on it rather than on the message.
    """

    code: ClassVar[str] = "authkit_error"


class ConfigurationError(AuthKitError):
    """The settings cannot work. Carries every fault found, one line each, and never a value."""

    code = "configuration_error"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"authkit_asgi is not configured correctly:\n{lines}")

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class MiddlewareMissingError(AuthKitError):
    """Auth was asked for on a connection that `AuthKitMiddleware` has not seen."""

    code = "middleware_missing"

    def __init__(self) -> None:
        super().__init__(
            "AuthKitMiddleware has not run for this connection. Add it to the application: "
            "app.add_middleware(AuthKitMiddleware)"
        )

    def __reduce__(self) -> tuple[type[MiddlewareMissingError], tuple[()]]:
        return type(self), ()


class ResponseStartedError(AuthKitError):
    """A cookie had to be written, but the response headers have already been sent."""

    code = "response_started"

    def __init__(self) -> None:
        super().__init__(
            "The response has already started, so its cookies can no longer be changed. "
            "Call this before the response (or WebSocket accept) is sent."
        )

    def __reduce__(self) -> tuple[type[ResponseStartedError], tuple[()]]:
        return type(self), ()


class SealError(AuthKitError):
    """A seal is malformed, expired, or was not made with the given password."""

    code = "invalid_seal"


class InvalidSessionError(AuthKitError):
    """A cookie is not a session of ours: not authentic, or authentic and no session."""

    code = "invalid_session_cookie"


class SessionTooLargeError(AuthKitError):
    """The sealed session does not fit into the 4,096 bytes browsers store for a cookie."""

    code = "session_too_large"


class InvalidTokenError(AuthKitError):
    """An access token does not verify: signature, header or claims."""

    code = "invalid_jwt"


class UnknownKeyError(InvalidTokenError):
    """An access token names a signing key that the key set does not have (yet)."""

    code = "unknown_key"


class UnacceptableClaimsError(InvalidTokenError):
    """An access token is authentic, but its claims are not what the settings ask for."""

    code = "unacceptable_claims"


class ExpiredTokenError(InvalidTokenError):
    """An access token verifies in all respects but its lifetime is over."""

    code = "expired_jwt"


class UnavailableError(AuthKitError):
    """WorkOS cannot be asked right now; nothing is known against the user.

    `retry_after` is the number of seconds after which another try makes sense.
    """

    code = "temporarily_unavailable"

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeysUnavailableError(UnavailableError):
    """The JSON Web Key Set cannot be fetched and no usable copy is at hand."""

    code = "jwks_unavailable"


class WorkOSUnavailableError(UnavailableError):
    """The WorkOS API did not answer, or answered with a fault of its own."""

    code = "workos_unavailable"


class StoreUnavailableError(UnavailableError):
    """The session store cannot be used."""

    code = "store_unavailable"


class ConnectionLostError(WorkOSUnavailableError):
    """The connection to WorkOS broke before its answer had come, so the outcome is unknown."""

    code = "connection_lost"


class RateLimitedError(WorkOSUnavailableError):
    """WorkOS answered that it is asked too often (status 429)."""

    code = "rate_limited"


class WorkOSMisconfiguredError(UnavailableError):
    """WorkOS refused the application's own credentials, not the user's grant.

    Treated as an outage: it is the operator's to mend and must not sign anyone out.
    """

    code = "workos_misconfigured"


class GrantRejectedError(AuthKitError):
    """WorkOS refused the user's grant for good: the code or refresh token is of no more use.

    `reason` is the word WorkOS gave, for instance ``invalid_grant`` or ``sso_required``.
    """

    code = "grant_rejected"

    def __init__(self, reason: str) -> None:
        super().__init__(f"WorkOS rejected the grant ({reason})")
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason,)


class UserNotFoundError(AuthKitError):
    """WorkOS knows no such user (any more); the session lasts until its access token expires."""

    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("WorkOS knows no user of this id: it may have been deleted")

    def __reduce__(self) -> tuple[type[UserNotFoundError], tuple[()]]:
        return type(self), ()


class SignInError(AuthKitError):
    """Root of the errors that end a sign-in at the callback."""

    code = "sign_in_failed"


class OAuthStateMismatchError(SignInError):
    """The callback's `state` is not authentic, not ours, expired, or not this browser's."""

    code = "oauth_state_mismatch"


class PKCECookieMissingError(SignInError):
    """The callback came without the verifier cookie of its sign-in."""

    code = "pkce_cookie_missing"

    def __init__(self) -> None:
        super().__init__(
            "The browser did not bring the cookie of its sign-in. If this happens to everybody, "
            "sign-ins begin at another host than redirect_uri's"
        )

    def __reduce__(self) -> tuple[type[PKCECookieMissingError], tuple[()]]:
        return type(self), ()


class PKCEPayloadTooLargeError(SignInError):
    """The state to seal would not fit into a cookie."""

    code = "pkce_payload_too_large"


class CallbackRejectedError(SignInError):
    """The callback's parameters are missing, repeated, or from another issuer."""

    code = "callback_rejected"


class SignInNotRecentError(SignInError):
    """A sign-in that had to be a fresh one was not."""

    code = "sign_in_not_recent"


class AuthorizationDeniedError(SignInError):
    """The authorization server answered with an error instead of a code (RFC 6749, 4.1.2.1).

    `error` is its code; it comes from the query string, so escape it before showing it.
    """

    code = "authorization_denied"

    def __init__(self, error: str) -> None:
        super().__init__("The authorization server did not grant the sign-in")
        self.error = error

    def __reduce__(self) -> tuple[type[AuthorizationDeniedError], tuple[str]]:
        return type(self), (self.error,)


class SessionReadOnlyError(AuthKitError):
    """The session belongs to another application (``refresh="never"``) and is not written here."""

    code = "session_read_only"

    def __init__(self) -> None:
        super().__init__(
            'With refresh="never" sessions are read only: sign-in, refresh and switching '
            "organizations belong to the application that owns the cookie"
        )

    def __reduce__(self) -> tuple[type[SessionReadOnlyError], tuple[()]]:
        return type(self), ()


class ReauthenticationRequiredError(GrantRejectedError):
    """WorkOS wants the user to prove who they are in another way before it goes on.

    `reason` is WorkOS's word, such as ``sso_required`` or ``mfa_enrollment``;
    `authorization_url` is where to send the browser.
    """

    code = "reauthentication_required"

    def __init__(self, reason: str, authorization_url: str) -> None:
        super().__init__(reason)
        self.authorization_url = authorization_url

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.authorization_url)


class CrossSiteRequestError(AuthKitError):
    """A request that signs in or out does not come from a page of the application."""

    code = "cross_site_request"


class UntrustedResponseError(AuthKitError):
    """WorkOS's answer holds no usable session: tokens missing, not verifying, or another user's."""

    code = "untrusted_response"
