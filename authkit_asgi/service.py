"""AuthKit without ASGI: load and refresh sessions, begin and complete sign-in, sign out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Unpack

import anyio

from authkit_asgi.api import SignInOptions, WorkOSAPI
from authkit_asgi.auth import Auth, SignedIn, SignedOut, SignedOutReason
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import (
    GrantRejectedError,
    InvalidSessionError,
    InvalidTokenError,
    KeysUnavailableError,
    UnavailableError,
    UnknownKeyError,
    UntrustedResponseError,
)
from authkit_asgi.http_clients import HTTPClientFactory, HTTPClients
from authkit_asgi.pkce import PendingSignIn, surplus_verifiers
from authkit_asgi.reasons import signed_out_by
from authkit_asgi.refresh import RefreshCoordinator, Successor
from authkit_asgi.session import Session, seal_session, session_from_answer, unseal_session
from authkit_asgi.sign_in import SignInFlow, SignInRequest, SignInResult, authenticate
from authkit_asgi.sign_out import logout_url
from authkit_asgi.tokens import AccessTokenVerifier, unverified_claims

logger = logging.getLogger(__name__)

_MAX_DUPLICATES = 4  # authentic cookies of one name that are compared; browsers have two at most
_KEYS_SECONDS = 1  # a sign-out must not wait for WorkOS: in a new process there are no keys yet

NO_COOKIE = SignedOut(reason=SignedOutReason.NO_SESSION_COOKIE_PROVIDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the session cookies of a request come to."""

    auth: Auth
    session: Session | None = None
    """The authentic session, also when nobody is signed in by it (any more)."""
    sealed: str | None = field(default=None, repr=False)
    """The text to write into the cookie, if it has to change."""
    conflicting: bool = False
    """The cookies are of different users; a sign-in has to clear them all away."""


_NOTHING = Loaded(auth=NO_COOKIE)
_INVALID = SignedOut(reason=SignedOutReason.INVALID_SESSION_COOKIE)


class AuthKit:
    """The service behind the middleware, for scripts and for routes of one's own.

    Args:
        config: The settings.
        http_client_factory: Makes the `httpx.AsyncClient` of an event loop; the default follows no
            redirects and verifies certificates.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        *,
        http_client_factory: HTTPClientFactory | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.http_clients = HTTPClients(http_client_factory)
        self.cookies = CookieWriter(config)
        self.api = WorkOSAPI(config, self.http_clients)
        self._clock = clock
        self.refreshes = RefreshCoordinator(timeout=config.refresh_timeout)
        self._verifier = AccessTokenVerifier(
            config.jwks_url,
            http_client=self.http_clients.lend,
            issuers=config.issuers,
            client_id=config.client_id,
            leeway=config.jwt_leeway,
            jwks_max_age=config.jwks_max_age,
            jwks_max_stale=config.jwks_max_stale,
            clock=clock,
        )
        self._sign_ins = SignInFlow(config, self.api, self.cookies, self._verifier, clock=clock)

    async def load(self, values: Sequence[str], *, may_refresh: bool = True) -> Loaded:
        """Return who the session cookies' `values` are from, in the order in which they came.

        An expired or unverifiable access token is exchanged for a new one, unless `may_refresh` is
        false. Never raises for anything a request can hold.
        """
        if not values:
            return _NOTHING
        sessions = self._authentic(values)
        if len({session.user_id for session in sessions}) != 1:
            return Loaded(auth=_INVALID, conflicting=bool(sessions))
        session = sessions[0] if len(sessions) == 1 else max(sessions, key=_issued_at)
        return await self._load_session(session, may_refresh=may_refresh)

    async def _load_session(self, session: Session, *, may_refresh: bool) -> Loaded:
        auth: Auth
        try:
            if may_refresh:
                auth = await authenticate(session, self._verifier)
                if auth.expires_at <= self._clock() and session.refresh_token is not None:
                    return await self._renew(session, auth)
            else:
                auth = await self._authenticate_soon(session)
        except InvalidTokenError as error:
            if may_refresh and session.refresh_token is not None:
                return await self._load_successor(session)
            auth = signed_out_by(error)
        except (InvalidSessionError, UnavailableError) as error:
            auth = signed_out_by(error)
        return Loaded(auth=auth, session=session)

    async def _renew(self, session: Session, auth: SignedIn) -> Loaded:
        """Replace a token that lives on the leeway for skewed clocks; if that fails, it serves."""
        loaded = await self._load_successor(session)
        is_outage = loaded.auth.user is None and loaded.auth.retry_after is not None
        return Loaded(auth=auth, session=session) if is_outage and not loaded.sealed else loaded

    async def _authenticate_soon(self, session: Session) -> SignedIn:
        try:
            with anyio.fail_after(_KEYS_SECONDS):
                return await authenticate(session, self._verifier)
        except TimeoutError:
            raise KeysUnavailableError("No signing keys yet", retry_after=1) from None

    def _authentic(self, values: Sequence[str]) -> list[Session]:
        sessions: list[Session] = []
        for value in values:
            try:
                sessions.append(unseal_session(value, self.config.cookie_password))
            except InvalidSessionError:
                continue
            if len(sessions) == _MAX_DUPLICATES:
                break
        return sessions

    async def _load_successor(self, session: Session) -> Loaded:
        try:
            successor = await self.refresh(session)
        except (GrantRejectedError, UnavailableError) as error:
            return Loaded(auth=signed_out_by(error), session=session)
        return Loaded(auth=successor.auth, session=successor.session, sealed=successor.sealed)

    async def refresh(self, session: Session, organization_id: str | None = None) -> Successor:
        """Exchange the session's refresh token, together with whoever else asks for it.

        Args:
            session: An authentic session; its access token may have expired.
            organization_id: The organization to switch to; the session's own when `None`.

        Raises:
            GrantRejectedError: WorkOS refused for good, with its reason.
            UnavailableError: WorkOS cannot be asked, or its answer is not to be trusted; the
                session's cookie is to be kept.
        """
        if session.refresh_token is None:
            raise GrantRejectedError("no_refresh_token")
        if organization_id is None:
            organization_id = session_organization(session)
        successor = await self.refreshes.refresh(session, organization_id, self._exchange)
        while self._is_outlived(successor.auth):
            # Remembered for a late request, and expired since: it is its own successor's turn.
            session = successor.session
            successor = await self.refreshes.refresh(session, organization_id, self._exchange)
        return successor

    def _is_outlived(self, auth: Auth) -> bool:
        return auth.user is not None and auth.expires_at + self.config.jwt_leeway <= self._clock()

    async def _exchange(self, session: Session, organization_id: str | None) -> Successor:
        try:
            return await self._succeed(session, organization_id)
        except GrantRejectedError as error:
            logger.info("A refresh was refused (%s)", error.reason)
            raise
        except UnavailableError as error:
            logger.warning("A refresh failed (%s): %s", error.code, error)
            raise

    async def _succeed(self, session: Session, organization_id: str | None) -> Successor:
        answer = await self.api.exchange_refresh_token(session.refresh_token or "", organization_id)
        try:
            successor = session_from_answer(answer, session)
            _check_same_user(session, successor)
            auth = await self._verified(successor)
        except (UntrustedResponseError, InvalidTokenError, InvalidSessionError) as error:
            raise UnavailableError(f"WorkOS's answer cannot be used: {error}") from None
        sealed = seal_session(successor, self.config.cookie_password)
        return Successor(session=successor, sealed=sealed, auth=auth)

    async def _verified(self, successor: Session) -> Auth:
        # The old token is spent, so its successor must reach the browser although it cannot be
        # verified yet: the keys are out of reach, or a new one is in use before it is published.
        try:
            return await authenticate(successor, self._verifier)
        except KeysUnavailableError as error:
            return signed_out_by(error)
        except UnknownKeyError:
            return signed_out_by(KeysUnavailableError("A signing key is not published yet"))

    def authorization_url(
        self,
        *,
        return_to: str | None = None,
        custom_state: str | None = None,
        restarted: bool = False,
        **options: Unpack[SignInOptions],
    ) -> SignInRequest:
        """Begin a sign-in (or sign-up, with ``screen_hint="sign-up"``).

        The browser has to be given the cookie of the result and be sent to its URL.

        Args:
            return_to: The page to end at, a path of this site; anything else, and what is too
                long to be kept, becomes the default page.
            custom_state: Text for `on_success`, 2,048 bytes at most.
            restarted: The sign-in answers a callback that came without `state`.
            options: What to ask of AuthKit.

        Raises:
            PKCEPayloadTooLargeError: `custom_state` is too long.
        """
        return self._sign_ins.begin(
            return_to=return_to, custom_state=custom_state, restarted=restarted, **options
        )

    def surplus_verifiers(self, cookies: Mapping[str, str]) -> list[str]:
        """Return the names of verifier cookies that have to go for one more to find room."""
        return surplus_verifiers(cookies, self.config.cookie_password, clock=self._clock)

    def unseal_state(self, state: str) -> PendingSignIn:
        """Return the sign-in that an authentic `state`, at most 600 s old, belongs to.

        Raises:
            OAuthStateMismatchError: It is neither.
        """
        return self._sign_ins.unseal_state(state)

    async def complete_sign_in(self, code: str, state: str) -> SignInResult:
        """Exchange the callback's `code`. The caller has compared `state` with its cookie.

        Raises:
            OAuthStateMismatchError: `state` is not authentic or too old.
            GrantRejectedError: WorkOS refused the code.
            UnavailableError: WorkOS or its signing keys cannot be reached.
            UntrustedResponseError: The answer holds no usable session.
            SessionTooLargeError: The session cannot be sealed.
        """
        return await self._sign_ins.complete(code, self.unseal_state(state))

    def logout_url(self, session: Session | None, return_to: str | None) -> str:
        """Return where to send a browser that signs out.

        To WorkOS where the session names its id, which ends the session there too; else straight
        to the page asked for. A `return_to` that is neither a path of this site nor at an origin in
        `logout_return_origins` becomes the default page.
        """
        return logout_url(self.config, self.api, session, return_to)

    async def open(self) -> None:
        """Keep connections of the running event loop open until `aclose`."""
        self.http_clients.keep()

    async def aclose(self) -> None:
        """Wait for exchanges under way, then close what belongs to the running event loop."""
        await self.refreshes.aclose()
        await self._verifier.aclose()
        await self.http_clients.release()


def session_organization(session: Session) -> str | None:
    """Return the organization an authentic session is in, also when its token has expired."""
    organization_id = unverified_claims(session.access_token).get("org_id")
    return organization_id if isinstance(organization_id, str) else None


def _check_same_user(session: Session, successor: Session) -> None:
    if successor.user_id != session.user_id:
        raise UntrustedResponseError("WorkOS answered with another user's session")


def _issued_at(session: Session) -> float:
    issued_at = unverified_claims(session.access_token).get("iat")
    # Not made a float: JSON has whole numbers that do not fit into one.
    return issued_at if isinstance(issued_at, int | float) else 0
