"""What browsers visit: the sign-in page and the sign-out address."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import HTMLResponse, RedirectResponse, Response

from authkit_asgi.testing import pages
from authkit_asgi.testing.authorization_request import AuthorizationRequest, is_web_address
from authkit_asgi.testing.browsers import COOKIE_NAME, Browser
from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.directory import EmulatedUser
from authkit_asgi.testing.refusal import Refusal
from authkit_asgi.testing.sessions import Authentication, Impersonator
from authkit_asgi.testing.state import EmulatorState

_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AuthorizationEndpoints:
    """Sign-in without passwords: people choose who they are.

    Who has signed in at the emulator once is sent back at once the next time (single sign-on),
    unless ``prompt=login``, an elapsed ``max_age`` or ``screen_hint=sign-up`` says otherwise.
    ``login_hint`` with the address of a user signs that user in without a page.
    """

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        authorize = "/user_management/authorize"
        return (
            Endpoint(name="authorize", method="GET", path=authorize, handler=self._authorize),
            Endpoint(name="authorize", method="POST", path=authorize, handler=self._submit),
            Endpoint(
                name="logout",
                method="GET",
                path="/user_management/sessions/logout",
                handler=self._logout,
            ),
            Endpoint(name="home", method="GET", path="/", handler=self._home, control=True),
        )

    def _home(self, call: Call) -> Response:
        settings = self._state.settings
        return _page(pages.home(str(call.request.base_url).rstrip("/"), settings.client_id))

    def _authorize(self, call: Call) -> Response:
        try:
            request = self._parse(call)
        except Refusal as refusal:
            return _page(pages.message("This sign-in cannot start", refusal.message), 400)
        problem = request.problem()
        if problem is not None:
            return RedirectResponse(request.failure(*problem), 302)
        expected = self._state.directory.user_by_email(request.login_hint)
        browser = self._state.browsers.get(call.request.cookies.get(COOKIE_NAME))
        if browser is not None and self._will_do(request, browser, expected):
            return self._return(request, call, browser)
        if expected is not None and not request.wants_sign_up:
            return self._return(request, call, self._sign_in(expected.id))
        return self._page(request, call)

    def _submit(self, call: Call) -> Response:
        try:
            request = self._parse(call)
        except Refusal as refusal:
            return _page(pages.message("This sign-in cannot go on", refusal.message), 400)
        fields = call.form()
        action = fields.get("action")
        if action == "deny":
            denial = request.failure("access_denied", "The user has cancelled the sign-in.")
            return RedirectResponse(denial, 303)
        if action == "sign-up":
            return self._sign_up(request, call, fields)
        user = self._state.directory.users.get(fields.get("user_id", ""))
        if user is None:
            return self._page(request, call, "This user does not exist any more.")
        if action == "impersonate":
            return self._impersonate(request, call, user, fields)
        return self._return(request, call, self._sign_in(user.id))

    def _sign_up(
        self, request: AuthorizationRequest, call: Call, fields: dict[str, str]
    ) -> Response:
        email = fields.get("email", "").strip()
        if "@" not in email:
            return self._page(request, call, "Enter an email address.", fields)
        if self._state.directory.user_by_email(email) is not None:
            problem = "There is an account with this address already."
            return self._page(request, call, problem, fields)
        user = self._state.directory.add_user(
            email=email,
            first_name=fields.get("first_name", "").strip() or None,
            last_name=fields.get("last_name", "").strip() or None,
        )
        return self._return(request, call, self._sign_in(user.id))

    def _impersonate(
        self,
        request: AuthorizationRequest,
        call: Call,
        user: EmulatedUser,
        fields: dict[str, str],
    ) -> Response:
        impersonator = Impersonator(
            email=fields.get("email", "").strip() or "support@example.com",
            reason=fields.get("reason", "").strip() or None,
        )
        browser = self._sign_in(user.id, impersonator)
        # As the dashboard does: a code the application has not asked for, hence no state.
        code = self._state.codes.issue(self._authentication(request, call, browser))
        return _redirect(request.success_without_state(code), call, browser)

    def _return(self, request: AuthorizationRequest, call: Call, browser: Browser) -> Response:
        wanted = request.organization_id
        if wanted is not None:
            membership = self._state.directory.membership(browser.user_id, wanted)
            if membership is None:
                description = "The user is not a member of the organization."
                return _redirect(request.failure("access_denied", description), call, browser)
        code = self._state.codes.issue(
            self._authentication(request, call, browser),
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
        )
        return _redirect(request.success(code), call, browser)

    def _authentication(
        self, request: AuthorizationRequest, call: Call, browser: Browser
    ) -> Authentication:
        default = self._state.directory.default_organization(browser.user_id)
        client = call.request.client
        return Authentication(
            user_id=browser.user_id,
            organization_id=request.organization_id or default,
            auth_time=browser.auth_time,
            impersonator=browser.impersonator,
            browser_id=browser.id,
            ip_address=None if client is None else client.host,
            user_agent=call.request.headers.get("user-agent"),
        )

    def _sign_in(self, user_id: str, impersonator: Impersonator | None = None) -> Browser:
        return self._state.browsers.sign_in(
            user_id, auth_time=self._state.clock(), impersonator=impersonator
        )

    def _will_do(
        self, request: AuthorizationRequest, browser: Browser, expected: EmulatedUser | None
    ) -> bool:
        return (
            browser.user_id in self._state.directory.users
            and not request.wants_sign_up
            and (expected is None or expected.id == browser.user_id)
            and request.accepts(self._state.clock() - browser.auth_time)
        )

    def _parse(self, call: Call) -> AuthorizationRequest:
        return AuthorizationRequest.parse(
            call.query,
            call.request.scope["query_string"],
            client_id=self._state.settings.client_id,
            redirect_uris=self._state.settings.redirect_uris,
        )

    def _page(
        self,
        request: AuthorizationRequest,
        call: Call,
        problem: str | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Response:
        query_string = call.request.scope["query_string"].decode("latin-1")
        if request.wants_sign_up:
            content = pages.sign_up(
                application=request.application,
                query_string=query_string,
                values=values or {"email": request.login_hint},
                problem=problem,
            )
        else:
            content = pages.sign_in(
                application=request.application,
                query_string=query_string,
                directory=self._state.directory,
                problem=problem,
            )
        return _page(content, 200 if problem is None else 400)

    def _logout(self, call: Call) -> Response:
        session_id = call.query.get("session_id")
        if not session_id:
            return _page(pages.message("Nothing to sign out of", "The session_id is missing."), 422)
        session = self._state.sessions.end(session_id)
        if session is not None:
            self._state.browsers.sign_out(session.authentication.browser_id)
        self._state.browsers.sign_out(call.request.cookies.get(COOKIE_NAME))
        return_to = call.query.get("return_to", "")
        response: Response
        if is_web_address(return_to):
            response = RedirectResponse(return_to, 302)
        else:
            response = _page(pages.message("Signed out", "You can close this window."))
        response.delete_cookie(COOKIE_NAME, httponly=True, samesite="lax")
        return response


def _page(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers=_PAGE_HEADERS)


def _redirect(address: str, call: Call, browser: Browser) -> Response:
    response = RedirectResponse(address, 303 if call.request.method == "POST" else 302)
    if call.request.cookies.get(COOKIE_NAME) != browser.id:
        response.set_cookie(COOKIE_NAME, browser.id, httponly=True, samesite="lax")
    return response
