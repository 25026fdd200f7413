"""WorkOS AuthKit sign-in for Starlette and FastAPI."""

from authkit_asgi.auth import (
    Auth,
    Claims,
    Impersonator,
    SignedIn,
    SignedOut,
    SignedOutReason,
    User,
)
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.connection import AuthSession, get_auth, get_session
from authkit_asgi.errors import (
    AuthKitError,
    AuthorizationDeniedError,
    CallbackRejectedError,
    ConfigurationError,
    CrossSiteRequestError,
    ExpiredTokenError,
    GrantRejectedError,
    InvalidSessionError,
    InvalidTokenError,
    KeysUnavailableError,
    MiddlewareMissingError,
    OAuthStateMismatchError,
    PKCECookieMissingError,
    PKCEPayloadTooLargeError,
    ResponseStartedError,
    SealError,
    SessionTooLargeError,
    SignInError,
    UnavailableError,
    UnknownKeyError,
    UntrustedResponseError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.guards import (
    NotSignedInError,
    SignInRedirectError,
    TemporarilyUnavailableError,
    require_signed_in,
)
from authkit_asgi.middleware import AuthKitMiddleware
from authkit_asgi.routes import auth_routes
from authkit_asgi.service import AuthKit
from authkit_asgi.sign_in import SignInRequest, SignInResult

__version__ = "0.1.0"

__all__ = [
    "Auth",
    "AuthKit",
    "AuthKitConfig",
    "AuthKitError",
    "AuthKitMiddleware",
    "AuthSession",
    "AuthorizationDeniedError",
    "CallbackRejectedError",
    "Claims",
    "ConfigurationError",
    "CrossSiteRequestError",
    "ExpiredTokenError",
    "GrantRejectedError",
    "Impersonator",
    "InvalidSessionError",
    "InvalidTokenError",
    "KeysUnavailableError",
    "MiddlewareMissingError",
    "NotSignedInError",
    "OAuthStateMismatchError",
    "PKCECookieMissingError",
    "PKCEPayloadTooLargeError",
    "ResponseStartedError",
    "SealError",
    "SessionTooLargeError",
    "SignInError",
    "SignInRedirectError",
    "SignInRequest",
    "SignInResult",
    "SignedIn",
    "SignedOut",
    "SignedOutReason",
    "TemporarilyUnavailableError",
    "UnavailableError",
    "UnknownKeyError",
    "UntrustedResponseError",
    "User",
    "WorkOSMisconfiguredError",
    "WorkOSUnavailableError",
    "auth_routes",
    "get_auth",
    "get_session",
    "require_signed_in",
]
