"""From the session cookies of a request to who it is from, renewing what has run out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio

from authkit_asgi.auth import Auth, SignedIn, SignedOut, SignedOutReason
from authkit_asgi.authentication import ReadSession, authenticate
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import (
    AuthKitError,
    ExpiredTokenError,
    GrantRejectedError,
    InvalidSessionError,
    InvalidTokenError,
    KeysUnavailableError,
    UnacceptableClaimsError,
    UnavailableError,
)
from authkit_asgi.http_clients import HTTPClients
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.quick_making import quick_maker
from authkit_asgi.reasons import signed_out_by
from authkit_asgi.refresh import RefreshCoordinator, Successor
from authkit_asgi.renewal import SessionRenewal
from authkit_asgi.renewal_time import LONGEST_BUFFER, renewal_buffer
from authkit_asgi.session import Session, session_organization
from authkit_asgi.session_choice import newest
from authkit_asgi.session_ends import has_ended, is_over
from authkit_asgi.session_reader import SessionReader
from authkit_asgi.size_warning import SizeWarning
from authkit_asgi.tokens import AccessTokenVerifier

_KEYS_SECONDS = 1  # a sign-out must not wait for WorkOS: in a new process there are no keys yet
_EARLY_SECONDS = 2  # what renewing a token that is still good may cost a request
_CERTAIN_SECONDS = 60  # after a refusal; until then another worker may have won the exchange

NO_COOKIE = SignedOut(reason=SignedOutReason.NO_SESSION_COOKIE_PROVIDED)
INVALID = SignedOut(reason=SignedOutReason.INVALID_SESSION_COOKIE)
_IDLE = SignedOut(reason=SignedOutReason.SESSION_EXPIRED)
_OVER = SignedOut(reason=SignedOutReason.SIGNED_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the session cookies of a request come to."""

    auth: Auth
    session: Session | None = None
    """The authentic session, also when nobody is signed in by it (any more)."""
    sealed: str | None = field(default=None, repr=False)
    """The text to write into the cookie, if it has to change."""
    is_renewed: bool = False
    """The session has taken another's place."""
    is_dead: bool = False
    """The cookie is of no more use to any worker, and has to go."""
    is_idle: bool = False
    """Nobody has used the session for too long: nothing brings it back."""
    is_outdated: bool = False
    """The cookie is to be sealed anew, with the newest password."""
    loaded_at: float = 0
    """When that was found out of one that is renewed or outdated, in seconds since the epoch."""
    conflicting: bool = False
    """The cookies are of different users; a sign-in has to clear them all away."""


_new_loaded = quick_maker(Loaded)
_NOTHING = Loaded(auth=NO_COOKIE)


class SessionLoader:
    """Reads session cookies, and replaces the sessions in them in time."""

    def __init__(
        self,
        config: AuthKitConfig,
        cookies: CookieWriter,
        verifier: AccessTokenVerifier,
        coordinator: RefreshCoordinator,
        renewal: SessionRenewal,
        *,
        http_clients: HTTPClients,
        inactivity: Inactivity | None,
        size_warning: SizeWarning,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._cookies = cookies
        self._reader = SessionReader(config.cookie_password, config.legacy_fernet_key)
        self._verifier = verifier
        self._coordinator = coordinator
        self._renewal = renewal
        self._http_clients = http_clients
        self._inactivity = inactivity
        self._size_warning = size_warning
        self._clock = clock
        buffer = config.refresh_buffer
        self._longest_buffer = LONGEST_BUFFER if buffer is None else buffer

    async def load(
        self,
        values: Sequence[str],
        activity: Sequence[str] = (),
        *,
        may_refresh: bool,
        may_wait: bool,
        read: ReadSession | None = None,
    ) -> Loaded:
        """See `AuthKit.load`; without `may_wait`, signing keys are waited for 1 s at most."""
        if not values:
            return _NOTHING
        return await self.load_sessions(
            self._authentic(values) if read is None else [read.session],
            activity,
            may_refresh=may_refresh,
            may_wait=may_wait,
            verified=None if read is None else read.auth,
        )

    async def load_sessions(
        self,
        sessions: Sequence[Session],
        activity: Sequence[str],
        *,
        may_refresh: bool,
        may_wait: bool,
        otherwise: SignedOut = INVALID,
        verified: SignedIn | None = None,
    ) -> Loaded:
        """Return who authentic sessions are of; where there is none, what that means.

        `verified` is who is signed in by the only one, where that is known already.
        """
        session = newest(sessions)
        if session is None:
            return Loaded(auth=INVALID if sessions else otherwise, conflicting=bool(sessions))
        if self._inactivity is not None and self._inactivity.is_over(session, activity):
            may_delete = not self._config.is_read_only
            return Loaded(auth=_IDLE, session=session, is_dead=may_delete, is_idle=True)
        return await self._load_one(session, verified, may_refresh=may_refresh, may_wait=may_wait)

    async def _load_one(
        self, session: Session, verified: SignedIn | None, *, may_refresh: bool, may_wait: bool
    ) -> Loaded:
        try:
            if may_refresh and session.refresh_token is not None:
                return await self._load(session, refresh_key(session.refresh_token), verified)
            with anyio.fail_after(None if may_wait else _KEYS_SECONDS):
                return await self._load_unrenewed(session, verified)
        except TimeoutError:
            unavailable = KeysUnavailableError("No signing keys yet", retry_after=1)
            return Loaded(auth=signed_out_by(unavailable), session=session)
        except (InvalidSessionError, InvalidTokenError, UnavailableError) as error:
            return Loaded(auth=signed_out_by(error), session=session)

    def _authentic(self, values: Sequence[str]) -> list[Session]:
        sessions: list[Session] = []
        for value in values:
            with contextlib.suppress(InvalidSessionError):
                sessions.append(self._reader.read(value))
        return sessions

    async def _load_unrenewed(self, session: Session, verified: SignedIn | None) -> Loaded:
        """Load a session that is not to be renewed now, or cannot be."""
        if has_ended(self._coordinator, session):
            return Loaded(auth=_OVER, session=session)
        try:
            auth = verified or await authenticate(session, self._verifier)
            has_ended_since = is_over(self._coordinator, auth.claims)  # keys may be waited for
            return Loaded(auth=_OVER if has_ended_since else auth, session=session)
        except ExpiredTokenError:
            refusal = self._refusal(session)
            if refusal is None:
                raise
            refused = GrantRejectedError(refusal.refusal or "")
            return Loaded(auth=signed_out_by(refused), session=session, is_dead=True)

    async def _load(self, session: Session, key: str, verified: SignedIn | None) -> Loaded:
        auth = verified
        try:
            auth = auth or await authenticate(session, self._verifier)
        except UnacceptableClaimsError:
            raise  # a setting does not fit: a new token would not either, and the old one be spent
        except InvalidTokenError:
            pass
        known = self._coordinator
        if has_ended(known, session) if auth is None else is_over(known, auth.claims):
            return Loaded(auth=_OVER, session=session)
        if auth is None:
            return await self._load_successor(session)
        seconds_left = auth.expires_at - self._clock()
        if seconds_left <= 0:
            return await self._replace(session, auth)
        self._coordinator.see(key)
        if self._is_to_be_renewed(auth, key, seconds_left):
            return await self._renew_early(session, auth)
        return _new_loaded(auth=auth, session=session)

    def _is_to_be_renewed(self, auth: SignedIn, key: str, seconds_left: float) -> bool:
        known = next(self._coordinator.recall(key), None)
        if known is not None:
            is_own = known.organization_id == auth.organization_id
            if known.sealed is not None:
                return is_own  # it is at hand; that of a switch is for those who switched
            if is_own:
                return False
        is_time = seconds_left <= self._longest_buffer and seconds_left <= renewal_buffer(
            self._config, auth.claims
        )
        # An event loop that ends with its request would take along an exchange that the request
        # has not waited for. Whoever renews it already brings the cookie; nobody else needs to
        # wait for that.
        return (
            is_time
            and self._http_clients.outlasts(self._config.refresh_timeout)
            and not self._coordinator.is_under_way(key)
        )

    async def _load_successor(self, session: Session) -> Loaded:
        """Load a session whose own token no longer counts."""
        try:
            successor = await self._renewal.refresh(session, session_organization(session))
        except GrantRejectedError as error:
            refusal = self._refusal(session)
            return Loaded(
                auth=signed_out_by(error),
                session=session,
                is_dead=refusal is not None and self._clock() - refusal.at >= _CERTAIN_SECONDS,
            )
        except UnavailableError as error:
            return Loaded(auth=signed_out_by(error), session=session)
        return self._succeeded(session, successor)

    async def _replace(self, session: Session, auth: SignedIn) -> Loaded:
        """Replace a token that lives on the leeway for skewed clocks; if that fails, it serves."""
        loaded = await self._load_successor(session)
        is_outage = loaded.auth.user is None and loaded.auth.retry_after is not None
        if is_outage and not loaded.sealed:
            return self._unless_ended(Loaded(auth=auth, session=session))
        return loaded

    async def _renew_early(self, session: Session, auth: SignedIn) -> Loaded:
        """Renew a session whose token is still good; whatever comes of it, the token serves."""
        unchanged = Loaded(auth=auth, session=session)
        try:
            with anyio.fail_after(_EARLY_SECONDS):
                successor = await self._renewal.refresh(session, auth.organization_id)
        except (AuthKitError, TimeoutError):
            return self._unless_ended(unchanged)
        # One that cannot be stored, or verified yet, is remembered: it can wait until this one has
        # expired.
        if not self._cookies.fits(successor.sealed):
            self._size_warning.note_refused(successor.sealed)
            return self._unless_ended(unchanged)
        if successor.auth.user is None:
            return self._unless_ended(unchanged)
        return self._succeeded(session, successor)

    def _unless_ended(self, loaded: Loaded) -> Loaded:
        """Return what was loaded, unless its session has ended while an exchange was under way."""
        session = loaded.session
        is_ended = session is not None and has_ended(self._coordinator, session)
        return Loaded(auth=_OVER, session=session) if is_ended else loaded

    def _succeeded(self, session: Session, successor: Successor) -> Loaded:
        # While it was under way: its token may be a moment younger than what has ended the old one.
        if any(has_ended(self._coordinator, each) for each in (session, successor.session)):
            return Loaded(auth=_OVER, session=successor.session)
        return renewed(session, successor, self._clock())

    def _refusal(self, session: Session) -> Outcome | None:
        """Return WorkOS's refusal of a session; one of another organization ends nothing."""
        organization_id = session_organization(session)
        chain = self._coordinator.recall(refresh_key(session.refresh_token))
        return next(
            (
                known
                for known in chain
                if known.refusal is not None and known.organization_id == organization_id
            ),
            None,
        )


def renewed(session: Session, successor: Successor, at: float) -> Loaded:
    """Return what a session's cookie comes to when another has taken its place."""
    return Loaded(
        auth=successor.auth,
        session=successor.session,
        sealed=successor.sealed,
        # A server that does not rotate gives the same refresh token again.
        is_renewed=successor.session.refresh_token != session.refresh_token,
        loaded_at=at,
    )
