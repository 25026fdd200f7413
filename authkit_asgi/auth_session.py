"""One request's state: who it is from, and the cookies its response will carry."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Unpack

from starlette.types import Scope
from workos import AsyncWorkOSClient

from authkit_asgi.api import SignInOptions
from authkit_asgi.auth import Auth, SignedIn, SignedOut, SignedOutReason
from authkit_asgi.carried_credentials import CarriedCredentials, Credential
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookie_flush import CookieFlush
from authkit_asgi.denials import DenialError, raised
from authkit_asgi.errors import (
    GrantRejectedError,
    InvalidSessionError,
    KeysUnavailableError,
    ReauthenticationRequiredError,
)
from authkit_asgi.loading import Loaded, renewed
from authkit_asgi.reasons import REAUTHENTICATION_REASONS
from authkit_asgi.service import AuthKit
from authkit_asgi.session_cookies import NONE_SENT, SentCookies
from authkit_asgi.session_management import SessionManagement
from authkit_asgi.sign_in import SignInResult
from authkit_asgi.sign_ins import AuthenticateAnswer
from authkit_asgi.starlette_auth import fill_in
from authkit_asgi.user_loading import UserLoading

_SIGNED_OUT = SignedOut(reason=SignedOutReason.NO_SESSION_COOKIE_PROVIDED)


class AuthSession(CarriedCredentials, UserLoading, SessionManagement, CookieFlush):
    """The session of one connection, as `request.state.authkit` and `CurrentSession`.

    Its methods collect cookies, which the middleware writes with the response's headers; once
    these have been sent, a method that has to change a cookie raises `ResponseStartedError`.

    Args:
        authkit: The service.
        scope: The connection's.
        loaded: What its session cookies come to.
        sent: These cookies; the value of one alone as it came.
    """

    __slots__ = ("_fills_in_starlette", "_loaded", "carried", "consulted")

    def __init__(
        self, authkit: AuthKit, scope: Scope, loaded: Loaded, sent: SentCookies | bytes = NONE_SENT
    ) -> None:
        self._authkit = authkit
        self._scope = scope
        self._sent = sent
        self._changes = None
        self._has_answered = False
        self._fills_in_starlette = False
        self.carried: bool = sent is not NONE_SENT
        """Whether the request brought a session cookie, of whatever worth."""
        self.consulted: bool = False
        """Whether the application asked who it is, so that its answer depends on the cookie."""
        self.consulted_authorization = False
        self.decided_by: Credential | None = None
        self._loaded = loaded
        if loaded.sealed is not None or loaded.is_dead:
            self._set(loaded)
            return
        try:
            state = scope["state"]
        except KeyError:
            state = scope["state"] = {}
        state["auth"] = loaded.auth
        state["authkit"] = self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(auth={self.auth!r})"

    @property
    def auth(self) -> Auth:
        """Who the connection is from."""
        return self._loaded.auth

    @property
    def config(self) -> AuthKitConfig:
        """The settings in force."""
        return self._authkit.config

    @property
    def client(self) -> AsyncWorkOSClient:
        """The WorkOS SDK's client, over the connections of the running event loop."""
        return self._authkit.api.client

    @property
    def has_session(self) -> bool:
        """Whether the cookie is an authentic session, even one that has expired."""
        return self._loaded.session is not None

    @property
    def has_answered(self) -> bool:
        """Whether the response has started, or the WebSocket was accepted."""
        return self._has_answered if self._changes is None else self._changes.is_closed

    def now(self) -> float:
        """Return the seconds since the epoch, by the clock that expiries are compared with."""
        return self._authkit.now()

    def has_signed_in_within(self, seconds: float) -> bool:
        """Tell whether the user proved that recently who they are; never where nobody can tell."""
        auth = self.auth
        return auth.user is not None and self.was_signed_in_within(seconds, auth)

    def fill_in_starlette(self) -> None:
        """Keep Starlette's own `request.user` and `request.auth` of this connection up to date.

        Whether the application asks them nobody can see, so that every answer may depend on it.
        """
        self._fills_in_starlette = True
        self.consulted = True
        fill_in(self._scope, self.auth, partial(self.decide_by, "cookie"))

    def detach(self) -> None:
        """Let go of the connection, which is over: the two would keep each other in memory."""
        self._scope = {"headers": self._scope["headers"]}

    async def refresh(self) -> SignedIn:
        """Exchange the refresh token now, for instance after the user's role has changed.

        Raises:
            InvalidSessionError: Nobody is signed in.
            GrantRejectedError: WorkOS refused for good; the user has to sign in again.
            UnavailableError: WorkOS cannot be asked; the session stays as it is.
            SessionTooLargeError: Browsers would not store the new session.
        """
        return await self._exchange(None)

    async def switch_organization(
        self, organization_id: str, *, return_to: str | None = None
    ) -> SignedIn:
        """Move the session to another organization of the user's.

        Should WorkOS ask for another sign-in, `return_to` is the page where that ends.

        Raises:
            InvalidSessionError: Nobody is signed in.
            ReauthenticationRequiredError: The organization asks for another sign-in, for instance
                by single sign-on; its `authorization_url` is where to send the browser.
            GrantRejectedError: WorkOS refused, for instance because the user is no member.
            SessionTooLargeError: Browsers would not store the new session.
            UnavailableError: WorkOS cannot be asked; the session stays as it is.
        """
        try:
            return await self._exchange(organization_id)
        except GrantRejectedError as error:
            if error.reason not in REAUTHENTICATION_REASONS:
                raise
            url = await self.authorization_url(organization_id=organization_id, return_to=return_to)
            raise ReauthenticationRequiredError(error.reason, url) from None

    async def _exchange(self, organization_id: str | None) -> SignedIn:
        self._cookies.require_open()
        session = self._loaded.session
        if session is None or self._loaded.is_idle:
            raise InvalidSessionError("There is no session to refresh")
        successor = await self._authkit.refresh(session, organization_id)
        self._set(renewed(session, successor, self._authkit.now()))
        if successor.auth.user is None:
            retry_after = successor.auth.retry_after or 1
            raise KeysUnavailableError(
                "The new token cannot be verified yet", retry_after=retry_after
            )
        return successor.auth

    async def authorization_url(
        self,
        *,
        return_to: str | None = None,
        custom_state: str | None = None,
        restarted: bool = False,
        **options: Unpack[SignInOptions],
    ) -> str:
        """Begin a sign-in and return where to send the browser; the verifier cookie goes along.

        The arguments are those of `AuthKit.authorization_url`.

        Raises:
            PKCEPayloadTooLargeError: `custom_state` is too long.
        """
        self._cookies.require_open()
        begun = self._authkit.authorization_url(
            return_to=return_to, custom_state=custom_state, restarted=restarted, **options
        )
        self._expire_verifiers(self._authkit.surplus_verifiers(self.verifiers()))
        if self._loaded.session is not None and self._loaded.is_dead:
            # Else a slow request with the dead cookie could delete the new session's.
            await self._authkit.supersede(self._loaded.session)
            self._loaded = dataclasses.replace(self._loaded, session=None, is_dead=False)
        if self._loaded.conflicting and not self.config.is_read_only:
            self._cookies.delete()
        self._cookies.write(begun.cookie)
        return begun.url

    async def complete_sign_in(
        self, code: str, state: str, *, iss: str | None = None
    ) -> SignInResult:
        """Exchange a callback's `code`; `adopt` then makes the result this connection's session.

        `complete_callback` takes them from the query by itself, and sees to repeated ones.

        Raises:
            AuthKitError: As `check_state` and `AuthKit.complete_sign_in` do.
        """
        self.check_state(state)
        return await self._authkit.complete_sign_in(code, state, iss=iss)

    async def sign_in(self, answer: AuthenticateAnswer) -> SignedIn:
        """Sign in with an answer of WorkOS's `authenticate`, for flows of one's own.

        Args:
            answer: Its JSON, or what the SDK's ``authenticate_with_…`` return. Only for a user who
                has proven in this very browser who they are.

        Raises:
            UntrustedResponseError: It holds no usable session.
            KeysUnavailableError: Its token cannot be verified now.
            SessionTooLargeError: Browsers would not store its cookie.
            StoreUnavailableError: It has to be stored on the server, and cannot be.
            SessionReadOnlyError: The setting `refresh` is ``never``.
        """
        self._cookies.require_open()
        result = await self._authkit.accept_sign_in(answer)
        await self.adopt(result)
        return result.auth

    async def adopt(self, result: SignInResult) -> None:
        """Make a completed sign-in this connection's session, in place of any other.

        Raises:
            SessionTooLargeError: Browsers would not store its cookie.
            StoreUnavailableError: It has to be stored on the server, and cannot be.
            ResponseStartedError: The response's headers have been sent.
        """
        self._cookies.require_open()
        previous = self._loaded.session
        session, sealed = await self._authkit.keep(result)
        self._set(Loaded(auth=result.auth, session=session, sealed=sealed))
        self._cookies.make_room()
        await self._authkit.replace(previous, session, self._cookies.sent.values)

    async def sign_out(self, return_to: str | None = None) -> str:
        """Delete every cookie of the session and return where to send the browser.

        Works in whatever state the session is, without asking WorkOS: the address returned ends
        the session there. It is the one change that ``refresh="never"`` lets pass.

        Args:
            return_to: A path of this site or an address in `logout_return_origins`; WorkOS's
                sign-out redirect when `None`.
        """
        self._cookies.require_open()
        values = self._cookies.sent.values
        session = self._loaded.session or self._authkit.in_cookies(values)
        url = self._authkit.logout_url(session, return_to)
        self._set(Loaded(auth=_SIGNED_OUT))
        self._cookies.delete()
        self._expire_verifiers(list(self.verifiers()))
        self._expire_access_token()
        await self._authkit.end(session, values)
        return url

    def _raised(self, denial: DenialError) -> Exception:
        """Return what to raise for a denial; on a connection that is over, nobody is answered."""
        return raised(self._scope, denial) if "type" in self._scope else denial

    def _set(self, loaded: Loaded) -> None:
        if loaded.sealed is not None:
            self._authkit.size_warning.note(loaded.sealed)
            self._cookies.store(loaded.sealed)
        elif loaded.is_dead:
            self._cookies.delete()
        self._loaded = loaded
        state = self._scope.setdefault("state", {})
        state["auth"] = loaded.auth
        state["authkit"] = self
        if self._fills_in_starlette:
            self.fill_in_starlette()
