"""Who asks, where a customer's own client asks with an API key."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from authkit_asgi.api_key import APIKey
from authkit_asgi.async_guard import AsyncGuard
from authkit_asgi.bearer_denials import BearerTokenMissingError, credential_denial, for_bearer
from authkit_asgi.bearer_errors import InvalidAPIKeyError, MalformedAuthorizationError
from authkit_asgi.connection import session_of
from authkit_asgi.denials import ForbiddenError, raised
from authkit_asgi.errors import UnavailableError
from authkit_asgi.parentheses import called_first
from authkit_asgi.required_names import check_names, lacking_words, missing_names


async def get_api_key(connection: HTTPConnection) -> APIKey | None:
    """Return what WorkOS says of the API key in a connection's `Authorization`; `None` without.

    Keys are sent as WorkOS documents it, ``Authorization: Bearer sk_…``, and in no other header. A
    verdict is remembered for 30 s at most. It is no guard: the request may have been let in by the
    session cookie of somebody else.

    Raises:
        BearerTokenMalformedError: The header is malformed or there twice (400).
        BearerTokenRefusedError: The key is not valid (401).
        TemporarilyUnavailableError: WorkOS cannot be asked now (503 with Retry-After).
        WebSocketException: Any of these, on a WebSocket whose server cannot send a response.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    session = session_of(connection)
    try:
        return await session.api_key()
    except (MalformedAuthorizationError, InvalidAPIKeyError, UnavailableError) as error:
        raise raised(connection.scope, credential_denial(error)) from None


@called_first
def require_api_key(*permissions: str, any_of: bool = False) -> AsyncGuard[APIKey]:
    """Return a guard that asks for a customer's API key with all of `permissions`, if any.

    With `any_of` one of them will do. Cookies and access tokens do not count.

    Its errors are those of `get_api_key`, `BearerTokenMissingError` (401), `ForbiddenError` (403),
    and `MixedCredentialsError` (403) where another guard has gone by the session cookie.
    """
    if permissions or any_of:
        check_names("require_api_key", permissions)

    async def guard(connection: HTTPConnection) -> APIKey:
        key = await get_api_key(connection)
        if key is None:
            raise raised(connection.scope, BearerTokenMissingError())
        lacking = missing_names(permissions, key.has_permission, any_of=any_of)
        if lacking:
            detail = lacking_words("permissions", lacking, any_of=any_of)
            denial = ForbiddenError(detail, {"permissions": lacking})
            raise raised(connection.scope, for_bearer(denial))
        return key

    return AsyncGuard(guard)
