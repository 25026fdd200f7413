"""Where an application finds out who a connection is from."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from authkit_asgi.auth import Auth, SignedOut, SignedOutReason
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.errors import MiddlewareMissingError


def session_of(connection: HTTPConnection) -> AuthSession:
    """Return what `get_session` returns, for those who do not ask who the cookie is from.

    Raises:
        MiddlewareMissingError: `AuthKitMiddleware` has not run, or `skip` names the path.
    """
    session = connection.scope.get("state", {}).get("authkit")
    if not isinstance(session, AuthSession):
        raise MiddlewareMissingError
    return session


def get_session(connection: HTTPConnection) -> AuthSession:
    """Return the `AuthSession` of a request or WebSocket.

    Raises:
        MiddlewareMissingError: `AuthKitMiddleware` has not run, or `skip` names the path.
    """
    session = session_of(connection)
    session.consulted = True
    return session


def get_auth(connection: HTTPConnection) -> Auth:
    """Return who a request or WebSocket is from, by its session cookie.

    It is no guard: the request may have been let in by the token or API key of somebody else.

    Raises:
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    auth = connection.scope.get("state", {}).get("auth")
    if isinstance(auth, SignedOut) and auth.reason is SignedOutReason.NOT_EVALUATED:
        return auth
    return get_session(connection).auth
