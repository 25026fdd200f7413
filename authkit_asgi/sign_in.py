"""Signing in: begun with a sealed state, completed with the code that comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack
from urllib.parse import urlsplit

from authkit_asgi.api import SignInOptions, WorkOSAPI
from authkit_asgi.auth import Impersonator, SignedIn, User
from authkit_asgi.authentication import authenticate
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter, SetCookie
from authkit_asgi.errors import (
    InvalidSessionError,
    InvalidTokenError,
    PKCEPayloadTooLargeError,
    SignInNotRecentError,
    UntrustedResponseError,
)
from authkit_asgi.pkce import (
    PendingSignIn,
    begin_sign_in,
    safe_return_path,
    unseal_state,
    verifier_cookie_name,
)
from authkit_asgi.recency import is_recent
from authkit_asgi.session import Session, freeze_answer, session_from_answer
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.tokens import AccessTokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """A sign-in begun: where to send the browser, and the cookie it has to take along."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: SetCookie = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInResult:
    """A sign-in completed."""

    auth: SignedIn
    """Who is signed in, as the requests to come will find it in the cookie."""
    session: Session = field(repr=False)
    """The session as WorkOS answered it, with what the cookie leaves out."""
    sealed: str = field(repr=False)
    """The session as a cookie holds it. Where sessions are on the server, `AuthKit.keep` stores it
    and returns the cookie's value."""
    return_path: str
    custom_state: str | None
    oauth_tokens: Mapping[str, Any] | None = field(repr=False)
    """The identity provider's own tokens, where WorkOS passes them on."""

    @property
    def user(self) -> User:
        """Who signed in: all that WorkOS answered, also what the cookie leaves out."""
        return self.session.user

    @property
    def access_token(self) -> str:
        """The session's access token."""
        return self.session.access_token

    @property
    def refresh_token(self) -> str | None:
        """The session's refresh token; the session goes on using it."""
        return self.session.refresh_token

    @property
    def organization_id(self) -> str | None:
        """The organization signed in to."""
        return self.auth.organization_id

    @property
    def authentication_method(self) -> str | None:
        """How the user proved who they are, in WorkOS's words."""
        return self.session.authentication_method

    @property
    def impersonator(self) -> Impersonator | None:
        """Who acts in the user's name."""
        return self.session.impersonator


class SignInFlow:
    """Begins and completes sign-ins; knows nothing of requests and responses."""

    def __init__(
        self,
        config: AuthKitConfig,
        api: WorkOSAPI,
        cookies: CookieWriter,
        verifier: AccessTokenVerifier,
        *,
        contents: SessionContents,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._api = api
        self._cookies = cookies
        self._verifier = verifier
        self._contents = contents
        self._clock = clock

    def begin(
        self,
        *,
        return_to: str | None = None,
        custom_state: str | None = None,
        restarted: bool = False,
        **options: Unpack[SignInOptions],
    ) -> SignInRequest:
        """Begin a sign-in: a fresh PKCE verifier, sealed into `state` and its cookie.

        A `return_to` that leaves the site, or is too long to be kept, becomes the default page.

        Raises:
            PKCEPayloadTooLargeError: `custom_state` does not fit into a cookie.
        """
        return_path = safe_return_path(return_to, "") or None
        if return_path is not None and urlsplit(return_path).path in self._config.own_paths:
            return_path = None  # a sign-in that ends at /login never ends
        try:
            begun = self._pending(return_path, custom_state, restarted, options.get("max_age"))
        except PKCEPayloadTooLargeError:
            begun = self._pending(None, custom_state, restarted, options.get("max_age"))
        pending, state, cookie = begun
        url = self._api.authorization_url(
            state=state, code_challenge=pending.code_challenge, **options
        )
        return SignInRequest(url=url, state=state, cookie=cookie)

    def _pending(
        self,
        return_path: str | None,
        custom_state: str | None,
        restarted: bool,  # noqa: FBT001  # handed on
        max_age: int | None,
    ) -> tuple[PendingSignIn, str, SetCookie]:
        pending, state = begin_sign_in(
            self._config.cookie_password,
            return_path=return_path,
            custom_state=custom_state,
            restarted=restarted,
            max_age=max_age,
            clock=self._clock,
        )
        return pending, state, self._cookies.verifier(verifier_cookie_name(state), state)

    def unseal_state(self, state: str) -> PendingSignIn:
        """Return the pending sign-in that an authentic, unexpired `state` holds.

        Raises:
            OAuthStateMismatchError: It is neither.
        """
        return unseal_state(state, self._config.cookie_password, clock=self._clock)

    async def complete(self, code: str, pending: PendingSignIn) -> SignInResult:
        """Exchange the callback's `code`, once the browser has shown to be the one that began.

        Raises:
            GrantRejectedError: WorkOS refused the code.
            UnavailableError: WorkOS or its signing keys cannot be reached.
            UntrustedResponseError: The answer holds no usable session.
            SignInNotRecentError: WorkOS has let pass a sign-in older than was asked for.
            SessionTooLargeError: The session cannot be sealed.
        """
        answer = await self._api.exchange_code(code, pending.code_verifier)
        return await self.accept(answer, pending)

    async def accept(
        self, answer: Mapping[str, Any], pending: PendingSignIn | None = None
    ) -> SignInResult:
        """Return the sign-in that WorkOS's answer makes; the errors are those of `complete`."""
        session = session_from_answer(answer)
        try:
            auth = await authenticate(session, self._verifier)
        except (InvalidTokenError, InvalidSessionError) as error:
            raise UntrustedResponseError(f"WorkOS's access token is refused: {error}") from None
        if pending is not None and pending.max_age is not None:
            age, at, leeway = pending.max_age, pending.issued_at, self._config.jwt_leeway
            if not is_recent(auth.claims.auth_time, max_age=age, at=at, leeway=leeway):
                raise SignInNotRecentError("WorkOS did not ask the user to sign in again")
        oauth_tokens = answer.get("oauth_tokens")
        kept = await self._contents.seal(session)
        return SignInResult(
            auth=kept.seen_in(auth),
            session=session,
            sealed=kept.sealed,
            return_path=safe_return_path(
                pending.return_path if pending else None, self._config.default_return_path
            ),
            custom_state=pending.custom_state if pending else None,
            oauth_tokens=freeze_answer(oauth_tokens) if isinstance(oauth_tokens, dict) else None,
        )
