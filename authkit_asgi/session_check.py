"""The check that nearly every request takes: a good session, for which nothing is waited."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from authkit_asgi.authentication import authenticate_now
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
    ) -> None:
        self._reader = SessionReader(config.cookie_password, config.legacy_fernet_key)
        self._verifier = verifier
        self._coordinator = coordinator
        self._inactivity = inactivity
        self._clock = clock
        self._verified = VerifiedSessions(config.verified_cache_size)
        buffer = config.refresh_buffer
        self._buffer = LONGEST_BUFFER if buffer is None else buffer

    def check(self, value: str, activity: Sequence[str], *, may_refresh: bool) -> Loaded | None:
        """Return who one session cookie is from; `None` if that takes more than a look."""
        now, kept = self._clock(), self._verified
        key = hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest() if kept.size else b""
        found = kept.get(key) if key else None
        # A clock that was set back must not make it last longer.
        if found is not None and not found.since <= now < found.until:
            found = None
        try:
            session = self._reader.read(value) if found is None else found.session
        except InvalidSessionError:
            return _INVALID
        if self._inactivity is not None and self._inactivity.is_over(session, activity):
            return None
        if found is None or not self._verifier.is_current(found.signing_key):
            found = self._verify(session, now)
            if found is None:
                return None
            if key:
                kept.put(key, found, len(value))
        return found.loaded if self._is_plain(found, may_refresh=may_refresh) else None

    def _verify(self, session: Session, now: float) -> VerifiedSession | None:
        if session.is_outdated:
            return None
        try:
            verified = authenticate_now(session, self._verifier)
        except (InvalidSessionError, InvalidTokenError):
            return None
        if verified is None:
            return None
        auth, signing_key = verified
        until = auth.expires_at - self._buffer
        if until <= now:
            return None
        return VerifiedSession(
            loaded=_new_loaded(auth=auth, session=session),
            session=session,
            claims=auth.claims,
            refresh_key=None
            if session.refresh_token is None
            else refresh_key(session.refresh_token),
            signing_key=signing_key,
            since=now,
            until=min(until, now + _SECONDS),
        )

    def _is_plain(self, found: VerifiedSession, *, may_refresh: bool) -> bool:
        """Tell whether nothing has become of a verified session; asked on every request."""
        key, coordinator = found.refresh_key, self._coordinator
        if is_over(coordinator, found.claims):
            return False
        if may_refresh and key is not None:
            if next(coordinator.recall(key), None) is not None:
                return False
            coordinator.see(key)
        return True
