"""The errors: one root, stable codes, messages that say what to do."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest

from authkit_asgi import errors
from authkit_asgi.errors import (
    AuthKitError,
    AuthorizationDeniedError,
    ConfigurationError,
    ConnectionLostError,
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
    RateLimitedError,
    ReauthenticationRequiredError,
    ResponseStartedError,
    SealError,
    SessionReadOnlyError,
    SessionTooLargeError,
    SignInError,
    StoreUnavailableError,
    UnacceptableClaimsError,
    UnavailableError,
    UnknownKeyError,
    UntrustedResponseError,
    UserNotFoundError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)

CODES = {
    AuthKitError: "authkit_error",
    ConfigurationError: "configuration_error",
    MiddlewareMissingError: "middleware_missing",
    ResponseStartedError: "response_started",
    SealError: "invalid_seal",
    InvalidSessionError: "invalid_session_cookie",
    SessionTooLargeError: "session_too_large",
    InvalidTokenError: "invalid_jwt",
    ExpiredTokenError: "expired_jwt",
    UnacceptableClaimsError: "unacceptable_claims",
    UnavailableError: "temporarily_unavailable",
    KeysUnavailableError: "jwks_unavailable",
    UnknownKeyError: "unknown_key",
    StoreUnavailableError: "store_unavailable",
    WorkOSUnavailableError: "workos_unavailable",
    WorkOSMisconfiguredError: "workos_misconfigured",
    ConnectionLostError: "connection_lost",
    RateLimitedError: "rate_limited",
    GrantRejectedError: "grant_rejected",
    ReauthenticationRequiredError: "reauthentication_required",
    SessionReadOnlyError: "session_read_only",
    SignInError: "sign_in_failed",
    OAuthStateMismatchError: "oauth_state_mismatch",
    PKCECookieMissingError: "pkce_cookie_missing",
    PKCEPayloadTooLargeError: "pkce_payload_too_large",
    errors.CallbackRejectedError: "callback_rejected",
    errors.SignInNotRecentError: "sign_in_not_recent",
    AuthorizationDeniedError: "authorization_denied",
    CrossSiteRequestError: "cross_site_request",
    UntrustedResponseError: "untrusted_response",
    UserNotFoundError: "user_not_found",
}


def all_errors() -> Iterator[type[BaseException]]:
    for _, value in inspect.getmembers(errors, inspect.isclass):
        if issubclass(value, BaseException):
            yield value


def make(kind: type[AuthKitError]) -> AuthKitError:
    if kind is ConfigurationError:
        return ConfigurationError(["WORKOS_CLIENT_ID is missing", "login_path is no path"])
    if kind in {
        MiddlewareMissingError,
        PKCECookieMissingError,
        ResponseStartedError,
        SessionReadOnlyError,
        UserNotFoundError,
    }:
        return kind()
    if kind is ReauthenticationRequiredError:
        return kind("sso_required", "https://api.workos.com/user_management/authorize")
    return kind("words")


def test_every_error_has_the_one_root_and_its_documented_code():
    assert set(all_errors()) == set(CODES)
    for kind, code in CODES.items():
        assert issubclass(kind, AuthKitError)
        assert kind.code == code
    assert len(set(CODES.values())) == len(CODES)


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_error_name_ends_in_error_and_has_a_docstring(kind):
    assert kind.__name__.endswith("Error")
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("clone", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_error_survives_copy_and_pickle(kind, clone):
    error = make(kind)
    same = clone(error)
    assert type(same) is kind
    assert str(same) == str(error)
    assert vars(same) == vars(error)


@pytest.mark.parametrize(
    ("one", "others"),
    [
        (SessionReadOnlyError, (UnavailableError, GrantRejectedError, InvalidTokenError)),
        (InvalidTokenError, (UnavailableError, GrantRejectedError, InvalidSessionError)),
        (UnavailableError, (InvalidTokenError, GrantRejectedError, SignInError)),
        (GrantRejectedError, (UnavailableError, InvalidTokenError, SignInError)),
        (UntrustedResponseError, (UnavailableError, GrantRejectedError, InvalidTokenError)),
    ],
)
def test_invalid_rejected_and_unavailable_never_fall_into_one_another(one, others):
    kinds = [kind for kind in CODES if issubclass(kind, one)]
    assert not any(issubclass(kind, other) for kind in kinds for other in others)


def test_expired_token_is_a_kind_of_invalid_token():
    assert issubclass(ExpiredTokenError, InvalidTokenError)


def test_unavailable_says_when_to_try_again():
    assert UnavailableError("words").retry_after == 5
    assert KeysUnavailableError("words", retry_after=2).retry_after == 2
    assert issubclass(WorkOSMisconfiguredError, UnavailableError)
    assert issubclass(ConnectionLostError, WorkOSUnavailableError)
    assert issubclass(RateLimitedError, WorkOSUnavailableError)


def test_configuration_error_has_a_line_for_each_fault():
    error = make(ConfigurationError)
    assert isinstance(error, ConfigurationError)
    assert error.problems == ("WORKOS_CLIENT_ID is missing", "login_path is no path")
    assert str(error).splitlines() == [
        "authkit_asgi is not configured correctly:",
        "  - WORKOS_CLIENT_ID is missing",
        "  - login_path is no path",
    ]


def test_grant_rejected_carries_the_word():
    error = GrantRejectedError("sso_required")
    assert error.reason == "sso_required"
    assert str(error) == "WorkOS rejected the grant (sso_required)"


def test_reauthentication_required_carries_the_word_and_where_to_go():
    error = make(ReauthenticationRequiredError)
    assert isinstance(error, ReauthenticationRequiredError)
    assert isinstance(error, GrantRejectedError)
    assert error.reason == "sso_required"
    assert error.authorization_url == "https://api.workos.com/user_management/authorize"
    assert error.authorization_url not in str(error)  # it holds the state


def test_authorization_denied_keeps_the_query_out_of_its_message():
    error = AuthorizationDeniedError("<script>")
    assert error.error == "<script>"
    assert "script" not in str(error)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (MiddlewareMissingError(), "app.add_middleware(AuthKitMiddleware)"),
        (ResponseStartedError(), "before the response"),
        (SessionReadOnlyError(), "the application that owns the cookie"),
    ],
)
def test_error_without_arguments_says_what_to_do(error, advice):
    assert advice in str(error)
