"""The WorkOS API through its SDK, over our own HTTP client, with its errors put into ours."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import anyio
import httpx
from workos import (
    AsyncWorkOSClient,
    HTTPResponse,
    TransportConnectError,
    TransportError,
    TransportTimeout,
    WorkOSError,
)

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import (
    AuthKitError,
    ConnectionLostError,
    GrantRejectedError,
    RateLimitedError,
    UserNotFoundError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.http_clients import HTTPClients

logger = logging.getLogger(__name__)

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
_SURROGATE = re.compile("[\ud800-\udfff]")
_USER_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ERROR_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


class SignInOptions(TypedDict, total=False):
    """What a sign-in may ask of AuthKit."""

    screen_hint: str
    organization_id: str
    login_hint: str
    prompt: str
    max_age: int


class _Transport:
    """Carries the SDK's requests over the running loop's HTTP client (`workos.AsyncHTTPBackend`).

    The SDK binds a client for good, so it is given this instead of a client of one event loop.
    """

    def __init__(self, clients: HTTPClients) -> None:
        self._clients = clients

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        content: bytes | None,
        timeout: float,  # noqa: ASYNC109  # the SDK's protocol names it
    ) -> HTTPResponse:
        try:
            async with self._clients.lend() as client:
                response = await client.request(
                    method,
                    url,
                    headers=headers,
                    content=content,
                    timeout=timeout,
                    follow_redirects=False,
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise TransportConnectError("WorkOS cannot be reached") from None
        except httpx.TimeoutException:
            raise TransportTimeout("WorkOS did not answer in time") from None
        except httpx.HTTPError:
            raise TransportError("The connection to WorkOS was lost") from None
        except Exception as error:  # noqa: BLE001  # of a transport of the application's own
            logger.warning("The HTTP client failed: %s", type(error).__name__)
            raise TransportError("The HTTP client failed") from None
        return HTTPResponse(
            status_code=response.status_code,
            headers=response.headers,
            content=_readable_content(response),
            request_method=method,
            request_url=url,
        )

    async def close(self) -> None:
        """Do nothing: whoever made the clients closes them."""


def _readable_content(response: httpx.Response) -> bytes:
    """Return the body of an answer; of an error's only what the SDK can look into.

    The SDK looks for names in whatever JSON an error carries, and up what they stand for: a list
    in either place raises AttributeError or TypeError. A redirect answers nothing.
    """
    if not response.is_error:
        return response.content if response.is_success else b""
    try:
        error = response.json()
    except (ValueError, RecursionError):
        return b""
    fits = isinstance(error, dict) and all(
        isinstance(error.get(name), str | None) for name in ("error", "code")
    )
    return response.content if fits else b""


class WorkOSAPI:
    """The calls the package makes of WorkOS. Each ends in an answer or in one of three errors.

    *Rejected* (`GrantRejectedError`): the user's grant is of no more use. *Unavailable*
    (`WorkOSUnavailableError`) and *misconfigured* (`WorkOSMisconfiguredError`): nothing is known
    about the grant.
    """

    def __init__(self, config: AuthKitConfig, clients: HTTPClients) -> None:
        self._config = config
        self.client = AsyncWorkOSClient(
            api_key=config.api_key,
            client_id=config.client_id,
            base_url=config.api_base_url,
            request_timeout=math.ceil(config.api_timeout),
            max_retries=0,  # its pauses of 1, 2 and 4 s would outlast the deadline of a request
            http_client=_Transport(clients),
        )

    def authorization_url(
        self, *, state: str, code_challenge: str, **options: Unpack[SignInOptions]
    ) -> str:
        """Return where to send a browser to sign in (RFC 6749, 4.1.1, with RFC 7636)."""
        return self.client.user_management.get_authorization_url(
            provider="authkit",
            redirect_uri=self._config.redirect_uri,
            state=state,
            code_challenge=code_challenge,
            code_challenge_method="S256",
            **options,
        )

    def logout_url(self, session_id: str, return_to: str | None) -> str:
        """Return where to send a browser to end its session at WorkOS."""
        return self.client.user_management.get_logout_url(
            session_id=session_id, return_to=return_to
        )

    async def exchange_code(self, code: str, code_verifier: str) -> dict[str, Any]:
        """Exchange an authorization code; return WorkOS's JSON as it came."""
        return await self._authenticate(
            grant_type="authorization_code", code=code, code_verifier=code_verifier
        )

    async def exchange_refresh_token(
        self, refresh_token: str, organization_id: str | None
    ) -> dict[str, Any]:
        """Exchange a refresh token, which is spent thereby; return WorkOS's JSON as it came."""
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if organization_id is not None:
            grant["organization_id"] = organization_id
        return await self._authenticate(**grant)

    async def _authenticate(self, **grant: str) -> dict[str, Any]:
        # The raw JSON: the SDK's model raises on an absent field, after the token has rotated.
        body = {
            "client_id": self._config.client_id,
            "client_secret": self._config.api_key,
            **grant,
        }
        if any(_SURROGATE.search(value) for value in grant.values()):
            # WorkOS issues no such text, and encoding it fails with an error that holds the body.
            raise GrantRejectedError("invalid_grant")
        return await self._request("post", "authenticate", body=body, classify=classify_error)

    async def fetch_user(self, user_id: str) -> dict[str, Any]:
        """Ask for a user; return WorkOS's JSON as it came.

        Raises:
            UserNotFoundError: There is none of this id.
            WorkOSUnavailableError, WorkOSMisconfiguredError: WorkOS cannot be asked.
        """
        if not _USER_ID.fullmatch(user_id):  # WorkOS issues no such id; and it becomes a path
            raise UserNotFoundError
        return await self._request("get", "users", user_id, classify=_classify_look_up)

    async def _request(
        self,
        method: str,
        *path: str,
        classify: Callable[[WorkOSError], AuthKitError],
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        answer: Any = None
        failure: AuthKitError | None = None
        try:
            with anyio.fail_after(self._config.api_timeout):
                answer = await self.client.request(method, ("user_management", *path), body=body)
        except TimeoutError:
            failure = ConnectionLostError("WorkOS did not answer in time")
        except WorkOSError as error:
            failure = classify(error)
        if failure is not None:
            # Outside of the handlers: the SDK's error holds the answer's body, and would stay
            # reachable as the context of ours.
            raise failure
        if not isinstance(answer, dict):
            raise WorkOSUnavailableError("WorkOS answered with something else than JSON")
        return answer


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


def _classify_look_up(error: WorkOSError) -> AuthKitError:
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
