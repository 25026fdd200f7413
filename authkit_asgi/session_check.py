"""The check that nearly every request takes: a good session, for which nothing is waited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from authkit_asgi.authentication import ReadSession, signed_in_by
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError, InvalidTokenError
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.loading import INVALID, Loaded
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.quick_making import quick_maker
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.renewal_time import LONGEST_BUFFER
from authkit_asgi.session import Session
from authkit_asgi.session_ends import is_over
from authkit_asgi.session_reader import SessionReader
from authkit_asgi.tokens import AccessTokenVerifier
from authkit_asgi.verified_sessions import VerifiedSession, VerifiedSessions

_SECONDS = 60  # for which a verification counts at most: so that a withdrawn key dies
_INVALID = Loaded(auth=INVALID)

_new_loaded = quick_maker(Loaded)


class SessionCheck:
    """Tells at once who a session cookie is from, where that is plain.

    What it does not settle `SessionLoader` does: expired tokens and those soon to be renewed,
    sessions that have been renewed or ended, several cookies, and keys that are not at hand.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        verifier: AccessTokenVerifier,
        coordinator: RefreshCoordinator,
        *,
        inactivity: Inactivity | None,
        clock: Callable[[], float],
        verified: VerifiedSessions | None = None,
    ) -> None:
        self._reader = SessionReader(config.cookie_password, config.legacy_fernet_key)
        self._verifier = verifier
        self._coordinator = coordinator
        self._inactivity = inactivity
        self._clock = clock
        self._verified = (
            VerifiedSessions(config.verified_cache_size) if verified is None else verified
        )
        self._is_read_only = config.is_read_only
        buffer = config.refresh_buffer
        self._buffer = LONGEST_BUFFER if buffer is None else buffer

    def check(
        self, value: bytes, activity: Sequence[str], *, may_refresh: bool
    ) -> Loaded | ReadSession:
        """Return who one session cookie is from, or what has been read where that takes more."""
        now, kept = self._clock(), self._verified
        found, key = None, b""
        if kept.size:
            key = sha256(value).digest()
            found = kept.get_at(key, now)
        if found is None or self._verifier.key(found.kid, now) is not found.signing_key:
            try:
                session = self._reader.read_octets(value)
            except InvalidSessionError:
                return _INVALID
            verified = self._verify(session, now, key, len(value))
            if isinstance(verified, ReadSession):
                return verified
            found = verified
        # What `_settled` would say of nearly every request, for which it is one call too many.
        if self._inactivity is None and self._coordinator.is_quiet(
            found.refresh_key, found.auth.claims
        ):
            return found.loaded
        return self._settled(found, activity, may_refresh=may_refresh)

    def check_stored(
        self, session: Session, activity: Sequence[str], *, may_refresh: bool
    ) -> Loaded | ReadSession:
        """Do what `check` does for a session that was found on the server."""
        now, kept, at = self._clock(), self._verified, session.stored
        text = "" if at is None else f"{at.key} {at.value}"
        key = sha256(text.encode("utf-8", "surrogatepass")).digest() if kept.size else b""
        found = kept.get_at(key, now) if key else None
        if (
            found is None
            or found.session is not session  # read anew, perhaps in another store
            or self._verifier.key(found.kid, now) is not found.signing_key
        ):
            verified = self._verify(session, now, key, len(text))
            if isinstance(verified, ReadSession):
                return verified
            found = verified
        return self._settled(found, activity, may_refresh=may_refresh)

    def _verify(
        self, session: Session, now: float, key: bytes, characters: int
    ) -> VerifiedSession | ReadSession:
        """Verify a session, and keep it under the digest of so many characters."""
        if session.is_outdated:
            return ReadSession(session)
        try:
            verified = self._verifier.verify_now(session.access_token, now)
            if verified is None:
                return ReadSession(session)
            claims, kid, signing_key = verified
            auth = signed_in_by(session, claims)
        except (InvalidSessionError, InvalidTokenError):
            return ReadSession(session)
        until = auth.expires_at - self._buffer
        if until <= now:
            return ReadSession(session, auth)
        token = session.refresh_token
        found = VerifiedSession(
            loaded=_new_loaded(auth=auth, session=session),
            auth=auth,
            session=session,
            refresh_key=None if token is None else refresh_key(token),
            kid=kid,
            signing_key=signing_key,
            since=now,
            until=min(until, now + _SECONDS),
        )
        if key:
            self._verified.put(key, found, characters)
        return found

    def _settled(
        self, found: VerifiedSession, activity: Sequence[str], *, may_refresh: bool
    ) -> Loaded | ReadSession:
        """Return what a verified session comes to if nothing has become of it; on every request."""
        coordinator, claims = self._coordinator, found.auth.claims
        if self._inactivity is not None and self._inactivity.is_over(found.session, activity):
            return ReadSession(found.session)
        if not coordinator.is_quiet(found.refresh_key, claims):
            key = found.refresh_key
            if is_over(coordinator, claims):
                return ReadSession(found.session)
            if may_refresh and key is not None and not self._is_read_only:
                if next(coordinator.recall(key), None) is not None:
                    return ReadSession(found.session, found.auth)
                coordinator.see(key)
        return found.loaded
