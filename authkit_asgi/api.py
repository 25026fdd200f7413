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

from authkit_asgi.api_errors import classify_error, classify_look_up
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import (
    AuthKitError,
    ConnectionLostError,
    GrantRejectedError,
    UserNotFoundError,
    WorkOSUnavailableError,
)
from authkit_asgi.http_clients import HTTPClients
from authkit_asgi.log_events import named_logger

logger: logging.Logger = named_logger(__name__)

_SURROGATE = re.compile("[\ud800-\udfff]")
USER_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


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
        self.client: AsyncWorkOSClient = AsyncWorkOSClient(
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
        return _object(
            await self.request("post", "authenticate", body=body, classify=classify_error)
        )

    async def fetch_user(self, user_id: str) -> dict[str, Any]:
        """Ask for a user; return WorkOS's JSON as it came.

        Raises:
            UserNotFoundError: There is none of this id.
            WorkOSUnavailableError, WorkOSMisconfiguredError: WorkOS cannot be asked.
        """
        if not USER_ID.fullmatch(user_id):  # WorkOS issues no such id; and it becomes a path
            raise UserNotFoundError
        return _object(await self.request("get", "users", user_id, classify=classify_look_up))

    async def request(
        self,
        method: str,
        *path: str,
        classify: Callable[[WorkOSError], AuthKitError],
        **content: Any,
    ) -> Any:
        """Return the JSON of a path below ``/user_management``; raises what `classify` says."""
        answer: Any = None
        failure: AuthKitError | None = None
        try:
            with anyio.fail_after(self._config.api_timeout):
                answer = await self.client.request(method, ("user_management", *path), **content)
        except TimeoutError:
            failure = ConnectionLostError("WorkOS did not answer in time")
        except WorkOSError as error:
            failure = classify(error)
        if failure is not None:
            # Outside of the handlers: the SDK's error holds the answer's body, and would stay
            # reachable as the context of ours.
            raise failure
        return answer


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise WorkOSUnavailableError("WorkOS answered with something else than JSON")
    return answer
