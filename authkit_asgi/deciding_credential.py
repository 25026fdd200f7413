"""The credential that lets a request in: one, however many guards it has.

Somebody may have the cookie of one organization and a token of another. If one guard went by the
token and the next by the cookie, both together would open what neither of them does.
"""

from __future__ import annotations

from typing import TypeVar

from starlette.requests import HTTPConnection

from authkit_asgi.access_token import AccessToken
from authkit_asgi.api_key import APIKey
from authkit_asgi.auth import SignedIn
from authkit_asgi.carried_credentials import Credential
from authkit_asgi.connection import session_of
from authkit_asgi.denials import MixedCredentialsError, raised

_CREDENTIALS: tuple[tuple[type, Credential], ...] = (
    (SignedIn, "cookie"),
    (AccessToken, "access token"),
    (APIKey, "API key"),
)

_Who = TypeVar("_Who")


def let_in(connection: HTTPConnection, who: _Who) -> _Who:
    """Return whom a guard has found, if no other guard has let the request in by something else.

    The first guard that passes settles it, for all that follow.

    Raises:
        MixedCredentialsError: Another guard has gone by another credential (403).
        WebSocketException: The same, on a WebSocket whose server cannot send a response.
        MiddlewareMissingError: `AuthKitMiddleware` has not run, or `skip` names the path.
    """
    for kind, credential in _CREDENTIALS:
        if isinstance(who, kind) and not session_of(connection).decide_by(credential):
            raise raised(connection.scope, MixedCredentialsError())
    return who
