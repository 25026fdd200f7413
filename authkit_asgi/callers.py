"""Who asks: somebody signed in by the cookie, a client with an access token, or either.

A request with ``Authorization: Bearer`` is judged by that header alone: if its token is refused, a
good cookie beside it does not help. Without it the cookie decides as it always does. So nobody can
be led to believe that a request was made by the one where it was let in by the other. Of several
guards all have to go by the same; see `deciding_credential`.

No cross-site request can be forged with a bearer token: browsers attach none by themselves, and a
page of another origin may set the header only where the application's CORS rules let it. What the
cookie lets in is as well protected by SameSite, and by `trusted_origins`, as under other guards.
"""

from __future__ import annotations

from typing import TypeAlias

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from authkit_asgi.access_token import AccessToken
from authkit_asgi.async_guard import AsyncGuard, takes_access_tokens
from authkit_asgi.auth import SignedIn
from authkit_asgi.bearer_denials import (
    BearerTokenMissingError,
    credential_denial,
    for_bearer,
    or_bearer,
)
from authkit_asgi.bearer_errors import MalformedAuthorizationError
from authkit_asgi.connection import get_auth, session_of
from authkit_asgi.deciding_credential import let_in
from authkit_asgi.denials import (
    ForbiddenError,
    NotSignedInError,
    RecentSignInRequiredError,
    raised,
    redirected,
    signed_out_denial,
)
from authkit_asgi.errors import InvalidTokenError, UnavailableError

Caller: TypeAlias = SignedIn | AccessToken
"""Who asks: somebody signed in by the session cookie, or a client with an access token."""


def require_signed_in(connection: HTTPConnection) -> SignedIn:
    """Return who is signed in on `connection`.

    Raises:
        NotSignedInError: Nobody is, and a program asks (401).
        SignInRedirectError: Nobody is, and a browser asks for a page (303).
        TemporarilyUnavailableError: It cannot be told now (503 with Retry-After).
        MixedCredentialsError: Another guard has let the request in by a token or API key (403).
        WebSocketException: Any of these, on a WebSocket whose server cannot send a response.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    return let_in(connection, find_signed_in(connection))


def find_signed_in(connection: HTTPConnection) -> SignedIn:
    """Return what `require_signed_in` does, for a guard that has more to ask.

    Raises:
        As `require_signed_in`, but for `MixedCredentialsError`.
    """
    auth = get_auth(connection)
    if auth.user is None:
        raise raised(connection.scope, signed_out_denial(connection.scope, auth))
    return auth


async def get_access_token(connection: HTTPConnection) -> AccessToken | None:
    """Return the access token in a connection's `Authorization`; `None` where there is none.

    It is no guard: the request may have been let in by the session cookie of somebody else.

    Raises:
        BearerTokenMalformedError: The header is malformed or there twice (400).
        BearerTokenRefusedError: The token does not count (401).
        TemporarilyUnavailableError: It cannot be verified now (503 with Retry-After).
        WebSocketException: Any of these, on a WebSocket whose server cannot send a response.
        ConfigurationError: The setting `issuers` is empty.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    session = session_of(connection)
    try:
        return await session.access_token()
    except (MalformedAuthorizationError, InvalidTokenError, UnavailableError) as error:
        raise raised(connection.scope, credential_denial(error)) from None


async def _require_access_token(connection: HTTPConnection) -> AccessToken:
    """Return the access token in a connection's `Authorization`; the cookie does not count.

    Raises:
        BearerTokenMissingError: There is none (401).
        As `get_access_token` for the rest. Nobody is ever sent to sign in.
    """
    token = await get_access_token(connection)
    if token is None:
        raise raised(connection.scope, BearerTokenMissingError())
    return token


async def find_caller(connection: HTTPConnection) -> Caller:
    """Return the access token in a connection's `Authorization`, else who is signed in.

    `require_caller` lets them in; this is for a guard that has more to ask.

    Raises:
        As `get_access_token` for a connection with a bearer token, and as `require_signed_in` for
        one without.
    """
    token = await get_access_token(connection)
    if token is not None:
        return token
    try:
        return find_signed_in(connection)
    except NotSignedInError as denial:
        raise or_bearer(denial) from None


require_access_token: AsyncGuard[AccessToken] = takes_access_tokens(
    AsyncGuard(_require_access_token)
)
require_caller: AsyncGuard[Caller] = takes_access_tokens(AsyncGuard(find_caller))


def refused(
    connection: HTTPConnection,
    caller: Caller,
    denial: ForbiddenError | RecentSignInRequiredError,
) -> HTTPException | WebSocketException:
    """Return what to raise for a denial of somebody who is known."""
    scope = connection.scope
    if isinstance(caller, AccessToken):
        return raised(scope, for_bearer(denial))
    return raised(scope, redirected(scope, denial))
