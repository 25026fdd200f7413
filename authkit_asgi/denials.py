"""What a request gets that may not have what it asks for: 401, 403, 503, or the way to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authkit_asgi.auth import SignedIn, SignedOut, SignedOutReason
from authkit_asgi.errors import AuthKitError, MiddlewareMissingError
from authkit_asgi.fetch_metadata import is_document_request, is_speculative
from authkit_asgi.login_address import login_url, logout_path
from authkit_asgi.pages import error_response

_DEFAULT_RETRY_AFTER = 5  # seconds
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
_MAX_REASON = 123  # bytes; RFC 6455, 5.5
_NO_STORE = {"Cache-Control": "no-store"}


class DenialError(AuthKitError, HTTPException):
    """A request may not have what it asks for.

    Without a handler of the application's it becomes a small page for people, and a problem
    document (RFC 9457) for programs. To answer otherwise, register an exception handler for this
    class, one of its subclasses, `HTTPException`, or the status.
    """

    code = "denied"
    title = "This did not work"

    def __init__(self, status: int, detail: str, headers: Mapping[str, str]) -> None:
        HTTPException.__init__(self, status, detail, dict(headers))

    def problem(self) -> dict[str, Any]:
        """Return what a program is told beside code, status and detail."""
        return {}

    def login_url(self, scope: Scope) -> str | None:
        """Return where a person may go from the page to sign in, if that helps."""
        return login_url(scope)

    def logout_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return where a person may go from the page to sign out, if that helps."""
        return None


class NotSignedInError(DenialError):
    """Nobody is signed in; `reason` says why. Becomes 401."""

    code = "not_signed_in"
    title = "Please sign in"

    def __init__(self, reason: SignedOutReason) -> None:
        super().__init__(401, "Not signed in", {"WWW-Authenticate": "Cookie", **_NO_STORE})
        self.reason = reason

    def problem(self) -> dict[str, Any]:
        """Return why."""
        return {"reason": self.reason.value}


class SignInRedirectError(DenialError):
    """A browser that asks for a page is sent to sign in first. Becomes 303."""

    code = "sign_in_redirect"

    def __init__(self, location: str) -> None:
        super().__init__(303, "Sign in to see this page", {"Location": location, **_NO_STORE})


class ForbiddenError(DenialError):
    """Whoever is signed in may not do this; `missing` says what it would take. Becomes 403.

    `missing` has the kind as the key, such as ``permissions``, and the names as the value.
    """

    code = "forbidden"
    title = "You may not do this"

    def __init__(self, detail: str, missing: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(403, detail, _NO_STORE)
        self.missing = missing

    def problem(self) -> dict[str, Any]:
        """Return what it would take."""
        return {"missing": {kind: list(names) for kind, names in self.missing.items()}}

    def login_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return `None`: the same person would come back."""
        return None

    def logout_url(self, scope: Scope) -> str | None:
        """Return where who is signed in signs out, for somebody else to sign in."""
        return logout_path(scope) if isinstance(scope["state"].get("auth"), SignedIn) else None


class MixedCredentialsError(DenialError):
    """One guard would let a request in by the session cookie, another by its token or API key.

    Neither says anything of the other, so that together they may do no more than each alone, which
    is nothing. Becomes 403: no other credential is needed, only one less.
    """

    code = "mixed_credentials"
    title = "Too many credentials"

    def __init__(self) -> None:
        detail = "This goes by a session cookie or by Authorization, never by both at once"
        super().__init__(403, detail, _NO_STORE)

    def login_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return `None`: the same two would come back."""
        return None


class RecentSignInRequiredError(DenialError):
    """Whoever is signed in has to prove again who they are; at most `max_age` seconds ago counts.

    Becomes 401, with the words of RFC 9470.
    """

    code = "recent_sign_in_required"
    title = "Please sign in again"

    def __init__(self, max_age: int) -> None:
        challenge = f'Cookie error="insufficient_user_authentication", max_age="{max_age}"'
        headers = {"WWW-Authenticate": challenge, **_NO_STORE}
        super().__init__(401, "This needs a recent sign-in", headers)
        self.max_age = max_age

    def problem(self) -> dict[str, Any]:
        """Return how recent."""
        return {"max_age": self.max_age}

    def login_url(self, scope: Scope) -> str | None:
        """Return where the sign-in is a fresh one."""
        return login_url(scope, max_age=self.max_age)


class TemporarilyUnavailableError(DenialError):
    """It cannot be told who is signed in, because WorkOS cannot be asked. Becomes 503."""

    code = "temporarily_unavailable"
    title = "Signing in is not possible at the moment"

    def __init__(self, retry_after: int, because: str = "You have not been signed out") -> None:
        headers = {"Retry-After": str(retry_after), **_NO_STORE}
        super().__init__(503, f"{because}: try again in {retry_after} s", headers)


def signed_out_denial(scope: Scope, auth: SignedOut) -> DenialError:
    """Return what a request gets that needs somebody signed in.

    Raises:
        MiddlewareMissingError: `skip` names this path, so that no sign-in would ever help.
    """
    if auth.reason is SignedOutReason.NOT_EVALUATED:
        raise MiddlewareMissingError
    if auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE:
        return TemporarilyUnavailableError(auth.retry_after or _DEFAULT_RETRY_AFTER)
    return redirected(scope, NotSignedInError(auth.reason))


def redirected(scope: Scope, denial: DenialError) -> DenialError:
    """Return what sends a browser that asks for a page to sign in; for others, the denial."""
    where = denial.login_url(scope) if scope["type"] == "http" else None
    is_page = is_document_request(scope) and not is_speculative(scope)
    return SignInRedirectError(where) if where is not None and is_page else denial


def raised(scope: Scope, denial: DenialError) -> HTTPException | WebSocketException:
    """Return what to raise for a denial, with the way to present it in its place.

    A WebSocket is closed where a response cannot be sent: by some servers never, by none once it
    has been accepted.
    """
    responds = "websocket.http.response" in (scope.get("extensions") or {})
    has_answered = scope["state"]["authkit"].has_answered
    if scope["type"] == "websocket" and (has_answered or not responds):
        reason = denial.detail.encode()[:_MAX_REASON].decode(errors="ignore")
        return WebSocketException(_POLICY_VIOLATION, reason)
    _offer_presentation(scope)
    return denial


async def deny(denial: DenialError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in place of an application, as if one of its endpoints had raised `denial`.

    So its exception handlers count here, too.
    """
    app = scope.get("app")
    handlers = app.exception_handlers if isinstance(app, Starlette) else None

    async def endpoint(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise raised(scope, denial)

    await ExceptionMiddleware(endpoint, handlers)(scope, receive, send)


async def present(connection: HTTPConnection, denial: DenialError) -> Response:
    """Return the bundled answer: a page for people, a problem document for programs."""
    scope = connection.scope
    headers = dict(denial.headers or {})
    if denial.status_code == HTTPStatus.SEE_OTHER:
        return Response(status_code=denial.status_code, headers=headers)
    answer = error_response(
        scope,
        denial,
        status=denial.status_code,
        title=denial.title,
        text=f"{denial.detail}.",
        login_url=denial.login_url(scope) if scope["type"] == "http" else None,
        logout_url=denial.logout_url(scope),
        members=denial.problem(),
    )
    answer.headers.update(headers)
    return answer


def _offer_presentation(scope: Scope) -> None:
    """Have the innermost application present denials, unless it has a handler of its own.

    Frameworks answer an `HTTPException` with a line of text or JSON, for people as well. Their
    handlers are looked up by class in a dictionary that the scope holds; what stands there already
    for our errors, or in place of the framework's own, is the application's and stays.
    """
    handlers: Any = scope.get("starlette.exception_handlers", ({},))[0]
    if AuthKitError not in handlers and _is_framework_own(handlers.get(HTTPException)):
        handlers.setdefault(DenialError, present)


def _is_framework_own(handler: Any) -> bool:
    function = getattr(handler, "__func__", None)
    return function is ExceptionMiddleware.http_exception or (
        getattr(handler, "__module__", None) == "fastapi.exception_handlers"
    )
