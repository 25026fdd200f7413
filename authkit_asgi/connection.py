"""One request's state: who it is from, and the cookies its response will carry."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Mapping
from typing import Unpack

from starlette.requests import HTTPConnection
from starlette.types import Scope
from workos import AsyncWorkOSClient

from authkit_asgi.api import SignInOptions
from authkit_asgi.auth import Auth, SignedIn, SignedOut, SignedOutReason
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import (
    ACCESS_TOKEN_COOKIE,
    SetCookie,
    cookie_values,
    is_verifier_cookie,
    read_cookies,
)
from authkit_asgi.errors import (
    InvalidSessionError,
    KeysUnavailableError,
    MiddlewareMissingError,
    OAuthStateMismatchError,
    PKCECookieMissingError,
    ResponseStartedError,
    SessionTooLargeError,
)
from authkit_asgi.pkce import PendingSignIn, verifier_cookie_name
from authkit_asgi.service import AuthKit, Loaded
from authkit_asgi.sign_in import SignInResult

_MAX_STATE_LENGTH = 4096  # characters; a state that fits into a cookie is shorter
_MAX_DELETIONS = 20  # verifier cookies in one response; a browser has 5 of ours
_SIGNED_OUT = SignedOut(reason=SignedOutReason.NO_SESSION_COOKIE_PROVIDED)


class AuthSession:
    """The session of one connection, as `request.state.authkit` and `CurrentSession`.

    Its methods collect cookies, which the middleware writes with the response's headers; once
    these have been sent, a method that has to change a cookie raises `ResponseStartedError`.
    """

    __slots__ = (
        "_authkit",
        "_loaded",
        "_pending",
        "_scope",
        "carried",
        "consulted",
        "response_started",
    )

    def __init__(
        self, authkit: AuthKit, scope: Scope, loaded: Loaded, *, carried: bool = False
    ) -> None:
        self._authkit = authkit
        self._scope = scope
        self._pending: dict[tuple[str, str | None], SetCookie] = {}
        self.carried = carried
        """Whether the request brought a session cookie, of whatever worth."""
        self.consulted = False
        """Whether the application asked who it is, so that its answer depends on the cookie."""
        self.response_started = False
        self._set(loaded)

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

    def flush(self) -> list[SetCookie]:
        """Return the cookies to write, and allow no more: the response's headers are being sent."""
        session = self._loaded.session
        if self._loaded.sealed is not None and session is not None:
            newest = self._authkit.refreshes.newest(session)
            if newest is not None:  # another request has exchanged it while this one ran
                with contextlib.suppress(SessionTooLargeError):  # that request has said so
                    self._write(self._authkit.cookies.session(newest.sealed))
        self.response_started = True
        return list(self._pending.values())

    async def refresh(self) -> SignedIn:
        """Exchange the refresh token now, for instance after the user's role has changed.

        Raises:
            InvalidSessionError: Nobody is signed in.
            GrantRejectedError: WorkOS refused for good; the user has to sign in again.
            UnavailableError: WorkOS cannot be asked; the session stays as it is.
            SessionTooLargeError: Browsers would not store the new session.
            ResponseStartedError: The response has already started.
        """
        return await self._exchange(None)

    async def switch_organization(self, organization_id: str) -> SignedIn:
        """Move the session to another organization of the user's.

        Raises:
            InvalidSessionError: Nobody is signed in.
            GrantRejectedError: WorkOS refused, for instance with ``sso_required``, or because the
                user is no member.
            SessionTooLargeError: Browsers would not store the new session.
            UnavailableError: WorkOS cannot be asked; the session stays as it is.
            ResponseStartedError: The response has already started.
        """
        return await self._exchange(organization_id)

    async def _exchange(self, organization_id: str | None) -> SignedIn:
        self._require_unstarted()
        session = self._loaded.session
        if session is None:
            raise InvalidSessionError("There is no session to refresh: nobody is signed in")
        successor = await self._authkit.refresh(session, organization_id)
        self._set(Loaded(auth=successor.auth, session=successor.session, sealed=successor.sealed))
        if successor.auth.user is None:
            raise KeysUnavailableError(
                "The new access token cannot be verified: the signing keys cannot be fetched",
                retry_after=successor.auth.retry_after or 1,
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
            ResponseStartedError: The response has already started.
        """
        self._require_unstarted()
        begun = self._authkit.authorization_url(
            return_to=return_to, custom_state=custom_state, restarted=restarted, **options
        )
        surplus = self._authkit.surplus_verifiers(self.verifiers())
        self._write(
            *(self._authkit.cookies.expire_verifier(name) for name in surplus[:_MAX_DELETIONS])
        )
        if self._loaded.conflicting:
            self._write(*self._authkit.cookies.expire_session())
        self._write(begun.cookie)
        return begun.url

    def check_state(self, state: str) -> PendingSignIn:
        """Return the sign-in that `state` belongs to if this very browser began it.

        Without its verifier cookie, which is deleted whatever comes of it, a stranger's callback
        address would sign this browser in to the stranger's account.

        Raises:
            PKCECookieMissingError: `state` is authentic, but the browser has not its cookie.
            OAuthStateMismatchError: It is not authentic, too old, or another browser's.
            ResponseStartedError: The response has already started.
        """
        self._require_unstarted()
        if len(state) > _MAX_STATE_LENGTH:
            raise OAuthStateMismatchError("The state is longer than any that was sent out")
        name = verifier_cookie_name(state)
        verifier = self.verifiers().get(name)
        if verifier is None:
            self.unseal_state(state)
            raise PKCECookieMissingError
        self.expire_verifier(name)
        if not hmac.compare_digest(verifier.encode(), state.encode("utf-8", "surrogatepass")):
            raise OAuthStateMismatchError("The state is not the one that this browser was given")
        return self.unseal_state(state)

    async def complete_sign_in(self, code: str, state: str) -> SignInResult:
        """Exchange a callback's `code`; `adopt` then makes the result this connection's session.

        Raises:
            AuthKitError: As `check_state` and `AuthKit.complete_sign_in` do.
            ResponseStartedError: The response has already started.
        """
        self.check_state(state)
        return await self._authkit.complete_sign_in(code, state)

    def adopt(self, result: SignInResult) -> None:
        """Make a completed sign-in this connection's session.

        Raises:
            SessionTooLargeError: Browsers would not store its cookie.
            ResponseStartedError: The response has already started.
        """
        # An older cookie of this host alone would stand in the way of one for the domain.
        self._write(*self._authkit.cookies.expire_host_only_session())
        self._set(Loaded(auth=result.auth, session=result.session, sealed=result.sealed))

    def unseal_state(self, state: str) -> PendingSignIn:
        """Return the sign-in of an authentic `state`; as `AuthKit.unseal_state`, error included."""
        return self._authkit.unseal_state(state)

    async def sign_out(self, return_to: str | None = None) -> str:
        """Delete every cookie of the session and return where to send the browser.

        Works in whatever state the session is, without asking WorkOS: the address returned ends
        the session there.

        Args:
            return_to: A path of this site or an address in `logout_return_origins`; WorkOS's
                sign-out redirect when `None`.

        Raises:
            ResponseStartedError: The response has already started.
        """
        self._require_unstarted()
        url = self._authkit.logout_url(self._loaded.session, return_to)
        cookies = self._authkit.cookies
        self._set(Loaded(auth=_SIGNED_OUT))
        self._write(*cookies.expire_session())
        surplus = list(self.verifiers())[:_MAX_DELETIONS]
        self._write(*(cookies.expire_verifier(name) for name in surplus))
        if cookie_values(self._scope["headers"], ACCESS_TOKEN_COOKIE.encode()):
            self._write(*cookies.expire_access_token())
        return url

    def verifiers(self) -> Mapping[str, str]:
        """Return the request's cookies of pending sign-ins, by name."""
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in read_cookies(self._scope["headers"])
            if is_verifier_cookie(name)
        }

    def expire_verifier(self, name: str) -> None:
        """Delete one verifier cookie."""
        self._write(self._authkit.cookies.expire_verifier(name))

    def _set(self, loaded: Loaded) -> None:
        if loaded.sealed is not None:
            self._write(self._authkit.cookies.session(loaded.sealed))
        self._loaded = loaded
        state = self._scope.setdefault("state", {})
        state["auth"] = loaded.auth
        state["authkit"] = self

    def _write(self, *cookies: SetCookie) -> None:
        self._require_unstarted()
        for cookie in cookies:
            self._pending[cookie.key] = cookie

    def _require_unstarted(self) -> None:
        if self.response_started:
            raise ResponseStartedError


def get_session(connection: HTTPConnection) -> AuthSession:
    """Return the `AuthSession` of a request or WebSocket.

    Raises:
        MiddlewareMissingError: `AuthKitMiddleware` has not run, or `skip` names the path.
    """
    session = connection.scope.get("state", {}).get("authkit")
    if not isinstance(session, AuthSession):
        raise MiddlewareMissingError
    session.consulted = True
    return session


def get_auth(connection: HTTPConnection) -> Auth:
    """Return who a request or WebSocket is from.

    Raises:
        MiddlewareMissingError: `AuthKitMiddleware` has not run.
    """
    auth = connection.scope.get("state", {}).get("auth")
    if isinstance(auth, SignedOut) and auth.reason is SignedOutReason.NOT_EVALUATED:
        return auth
    return get_session(connection).auth
