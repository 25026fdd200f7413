"""What a request must have, and what it gets when it has not: 401, 503, or the way to sign in."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection
from starlette.types import Scope

from authkit_asgi.auth import SignedIn, SignedOut, SignedOutReason
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.connection import get_auth
from authkit_asgi.errors import AuthKitError, MiddlewareMissingError
from authkit_asgi.fetch_metadata import header, is_document_request
from authkit_asgi.pkce import MAX_RETURN_PATH

_DEFAULT_RETRY_AFTER = 5  # seconds
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # that need no percent-encoding (RFC 3986, 3.3)
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


class NotSignedInError(AuthKitError, HTTPException):
    """Nobody is signed in; `reason` says why. Becomes 401."""

    code = "not_signed_in"

    def __init__(self, reason: SignedOutReason) -> None:
        HTTPException.__init__(self, 401, "Not signed in", {"WWW-Authenticate": "Cookie"})
        self.reason = reason


class SignInRedirectError(AuthKitError, HTTPException):
    """Nobody is signed in and a browser asks for a page: it is sent to sign in. Becomes 303."""

    code = "sign_in_redirect"

    def __init__(self, location: str) -> None:
        headers = {"Location": location, "Cache-Control": "no-store"}
        HTTPException.__init__(self, 303, "Sign in to see this page", headers)


class TemporarilyUnavailableError(AuthKitError, HTTPException):
    """It cannot be told who is signed in, because WorkOS cannot be asked. Becomes 503."""

    code = "temporarily_unavailable"

    def __init__(self, retry_after: int) -> None:
        headers = {"Retry-After": str(retry_after), "Cache-Control": "no-store"}
        HTTPException.__init__(self, 503, "Signing in is temporarily unavailable", headers)


def require_signed_in(connection: HTTPConnection) -> SignedIn:
    """Return who is signed in on `connection`.

    Raises:
        NotSignedInError: Nobody is, and a program asks (401).
        SignInRedirectError: Nobody is, and a browser asks for a page (303).
        TemporarilyUnavailableError: It cannot be told now (503 with Retry-After).
        WebSocketException: Any of these, on a WebSocket whose server cannot send a response.
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    auth = get_auth(connection)
    if auth.user is None:
        raise _denial(connection.scope, auth)
    return auth


def _denial(scope: Scope, auth: SignedOut) -> HTTPException | WebSocketException:
    denial: HTTPException
    if auth.reason is SignedOutReason.NOT_EVALUATED:
        raise MiddlewareMissingError  # `skip` names this path: no sign-in would ever help
    if auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE:
        denial = TemporarilyUnavailableError(auth.retry_after or _DEFAULT_RETRY_AFTER)
    elif is_document_request(scope):
        denial = SignInRedirectError(login_url(scope))
    else:
        denial = NotSignedInError(auth.reason)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        return WebSocketException(_POLICY_VIOLATION, denial.detail)
    return denial


def login_url(scope: Scope) -> str:
    """Return where to send the browser of this request to sign in and come back.

    Back is the page asked for; for a form, the page of this site that it stood on, if the browser
    says which: the form's own address may take nothing but POST.
    """
    page = None if scope["method"] == "GET" else _referring_path(scope)
    page = page or _requested_path(scope)
    query = f"?{urlencode({'return_to': page})}" if len(page) <= MAX_RETURN_PATH else ""
    return login_path(scope) + query


def _referring_path(scope: Scope) -> str | None:
    session = scope["state"].get("authkit")
    referrer = header(scope, b"referer")
    if referrer is None or not isinstance(session, AuthSession):
        return None
    origin = session.config.origin
    return referrer.removeprefix(origin) if referrer.startswith(f"{origin}/") else None


def login_path(scope: Scope) -> str:
    """Return the path of the login route as browsers see it."""
    session = scope["state"].get("authkit")
    path = session.config.login_path if isinstance(session, AuthSession) else "/login"
    return _root_path(scope) + path


def _root_path(scope: Scope) -> str:
    # A mounted application's own root path is below the one that has the auth routes.
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    return quote(f"/{root.strip('/')}", safe=_PATH_CHARACTERS) if root.strip("/") else ""


def _requested_path(scope: Scope) -> str:
    """Return path and query as the browser sent them, percent-encoding and all."""
    raw_path: bytes | None = scope.get("raw_path")
    path = (
        quote(scope["path"], safe=_PATH_CHARACTERS, errors="surrogatepass")
        if raw_path is None
        else raw_path.partition(b"?")[0].decode("latin-1")
    )
    root = _root_path(scope)
    if root and not f"{path}/".startswith(f"{root}/"):
        path = root + path  # a proxy has taken it off: FastAPI(root_path="/api")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
