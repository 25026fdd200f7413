"""The bundled routes: /login, /signup, /callback and /logout."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from authkit_asgi.api import SignInOptions
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.connection import get_session
from authkit_asgi.errors import (
    AuthKitError,
    CrossSiteRequestError,
    GrantRejectedError,
    KeysUnavailableError,
    PKCECookieMissingError,
    SessionTooLargeError,
    SignInError,
    StoreUnavailableError,
    UnavailableError,
    UntrustedResponseError,
)
from authkit_asgi.fetch_metadata import is_navigation, is_own_form, is_own_link, is_speculative
from authkit_asgi.front_end import front_end_routes
from authkit_asgi.log_events import named_logger
from authkit_asgi.login_address import login_path
from authkit_asgi.pages import OWN_HEADERS, continue_page, error_response, sign_out_page
from authkit_asgi.sign_in import SignInResult

logger: logging.Logger = named_logger(__name__)

OnSuccess = Callable[[Request, SignInResult], Response | Awaitable[Response | None] | None]
OnError = Callable[[Request, AuthKitError], Response | Awaitable[Response | None] | None]

_MAX_OPTION_LENGTH = 1024  # characters of one query parameter that is passed on to WorkOS
_SCREEN_HINTS = frozenset({"sign-in", "sign-up"})


def auth_routes(
    *,
    prefix: str = "",
    login: str = "/login",
    sign_up: str = "/signup",
    callback: str = "/callback",
    logout: str = "/logout",
    session: str | None = None,
    token: str | None = None,
    on_success: OnSuccess | None = None,
    on_error: OnError | None = None,
) -> list[Route]:
    """Return the routes that sign people in and out.

    Args:
        prefix: Stands before each path. With one, set `login_path` of the middleware as well; with
            other names than these, also `sign_up_path`, `callback_path` and `logout_path`.
        login: Path that begins a sign-in; takes `return_to`, `screen_hint`, `organization_id`,
            `login_hint`, `prompt` and `max_age`.
        sign_up: The same with the sign-up screen.
        callback: Path that WorkOS sends the browser back to; `redirect_uri` has to end in it.
        logout: Path that signs out: a POST from a page of the application, or a link in one.
        session: Path that says who is signed in, as JSON for scripts; none by default.
        token: Path that hands the access token to scripts of the same origin; none by default, and
            to be left so unless they call another API.
        on_success: Called with the request and the `SignInResult` before the session is set; may
            return a response to send instead of the redirect. What it raises undoes the sign-in.
        on_error: Called with the request and the error of a sign-in that failed; may return a
            response to send instead of the bundled page.
    """
    endpoints = _Endpoints(on_success, on_error)
    return [
        Route(prefix + login, endpoints.login, name="authkit_login"),
        Route(prefix + sign_up, endpoints.sign_up, name="authkit_sign_up"),
        Route(prefix + callback, endpoints.callback, name="authkit_callback"),
        Route(prefix + logout, endpoints.logout, methods=["GET", "POST"], name="authkit_logout"),
        *front_end_routes(prefix, session=session, token=token),
    ]


class _Endpoints:
    def __init__(self, on_success: OnSuccess | None, on_error: OnError | None) -> None:
        self._on_success = on_success
        self._on_error = on_error

    async def login(self, request: Request) -> Response:
        return await self._begin(request, dict(request.query_params))

    async def sign_up(self, request: Request) -> Response:
        return await self._begin(request, {**request.query_params, "screen_hint": "sign-up"})

    async def _begin(self, request: Request, query: Mapping[str, str]) -> Response:
        if is_speculative(request.scope):
            return Response(status_code=204, headers=OWN_HEADERS)
        if not is_navigation(request.scope):
            return _refusal(
                "Signing in takes a navigation: send the browser here, not a fetch", status=400
            )
        options, refused = _sign_in_options(query)
        if refused is not None:
            return _refusal(f"The parameter {refused} is not one that can be passed on", status=400)
        session = get_session(request)
        return _redirect(
            await session.authorization_url(return_to=query.get("return_to"), **options)
        )

    async def callback(self, request: Request) -> Response:
        if is_speculative(request.scope):
            return Response(status_code=204, headers=OWN_HEADERS)
        session = get_session(request)
        try:
            return await self._complete(request, session)
        except (
            SignInError,
            GrantRejectedError,
            UnavailableError,
            UntrustedResponseError,
            SessionTooLargeError,
        ) as error:
            return await self._fail(request, error)

    async def _complete(self, request: Request, session: AuthSession) -> Response:
        try:
            result = await session.complete_callback()
        except PKCECookieMissingError:
            # Reloaded by a browser that is signed in, the callback has done its work, and the
            # state shows that the sign-in began here. Else it is somebody else's, or an old one.
            if not session.has_session:
                raise
            return _redirect(session.config.default_return_path)
        if result is None:
            return _redirect(await session.restart_sign_in())
        # The hook comes first: what it raises leaves the browser signed in as before.
        response = await _call(self._on_success, request, result)
        await session.adopt(result)
        if response is not None:
            return response
        if session.config.cookie_same_site == "strict":
            return continue_page(result.return_path)
        return _redirect(result.return_path)

    async def _fail(self, request: Request, error: AuthKitError) -> Response:
        # What strangers can cause at will is no warning; an outage or a wrong API key is one.
        quiet = isinstance(error, SignInError) and not isinstance(error, PKCECookieMissingError)
        level = logging.INFO if quiet else logging.WARNING
        logger.log(level, "A sign-in was not completed (%s): %s", error.code, error)
        response = await _call(self._on_error, request, error)
        if response is not None:
            return response
        status = _status(error)
        answer = error_response(
            request.scope,
            error,
            status=status,
            title="The sign-in was not completed",
            text=_EXPLANATIONS.get(status, "Please sign in again."),
            login_url=login_path(request.scope),
        )
        if isinstance(error, UnavailableError):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer

    async def logout(self, request: Request) -> Response:
        if request.method == "POST":
            origin = get_session(request).config.origin
            if not is_own_form(request.scope, origin):
                error = CrossSiteRequestError("The sign-out does not come from this site")
                return error_response(
                    request.scope, error, status=403, text="Sign out from a page of this site."
                )
        elif get_session(request).config.cookie_same_site == "strict" or not is_own_link(
            request.scope
        ):
            # Under Strict a sign-in ends on a page that goes on by itself, with a link of ours as
            # far as the browser can tell: whoever chose its `return_to` could sign people out.
            return sign_out_page()
        session = get_session(request)
        return _redirect(await session.sign_out(request.query_params.get("return_to")))


_EXPLANATIONS = {
    500: "Your account holds more than fits into this site's session. "
    "Please tell whoever runs this site.",
    502: "The sign-in service did not answer as expected. Please try again in a moment.",
    503: "The sign-in service cannot be reached. Please try again in a moment.",
}


def _status(error: AuthKitError) -> int:
    if isinstance(error, SessionTooLargeError):
        return 500
    if isinstance(error, KeysUnavailableError | StoreUnavailableError):
        return 503
    return 502 if isinstance(error, UnavailableError | UntrustedResponseError) else 400


def _redirect(url: str) -> Response:
    return RedirectResponse(url, status_code=303, headers=OWN_HEADERS)


def _refusal(text: str, *, status: int) -> Response:
    return JSONResponse({"detail": text}, status_code=status, headers=OWN_HEADERS)


def _sign_in_options(query: Mapping[str, str]) -> tuple[SignInOptions, str | None]:
    """Return what to ask of AuthKit, and the name of a parameter that cannot be passed on."""
    options: SignInOptions = {}
    for name in ("screen_hint", "organization_id", "login_hint", "prompt"):
        value = query.get(name)
        if value:
            if len(value) > _MAX_OPTION_LENGTH:
                return {}, name
            options[name] = value
    if options.get("screen_hint", "sign-in") not in _SCREEN_HINTS:
        return {}, "screen_hint"
    max_age = query.get("max_age")
    if max_age:
        if not (max_age.isascii() and max_age.isdecimal() and len(max_age) <= len("34560000")):
            return {}, "max_age"
        options["max_age"] = int(max_age)
    return options, None


async def _call(hook: Callable[..., Any] | None, *arguments: object) -> Response | None:
    if hook is None:
        return None
    result = hook(*arguments)
    if inspect.isawaitable(result):
        result = await result
    return result if isinstance(result, Response) else None
