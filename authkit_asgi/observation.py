"""The part of `AuthKit` that tells telemetry what it does. Without telemetry nothing of it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.api_key_validation import APIKeyValidator
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.pkce import PendingSignIn
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.renewal import SessionRenewal
from authkit_asgi.session_check import SessionCheck
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.sign_in import SignInFlow, SignInResult
from authkit_asgi.size_warning import SizeWarning
from authkit_asgi.steady_telemetry import SteadyTelemetry
from authkit_asgi.telemetry import Telemetry
from authkit_asgi.tokens import AccessTokenVerifier
from authkit_asgi.verified_sessions import VerifiedSession, VerifiedSessions


class _CountedSessions(VerifiedSessions):
    """Counts hits and misses."""

    def __init__(self, size: int, telemetry: Telemetry) -> None:
        super().__init__(size)
        self._telemetry = telemetry

    def get_at(self, key: bytes, now: float) -> VerifiedSession | None:
        """See `VerifiedSessions.get_at`."""
        found = super().get_at(key, now)
        self._telemetry.session_looked_up(is_hit=found is not None)
        return found


class _MeasuredSizes(SizeWarning):
    """Tells the size of each session that is written."""

    def __init__(
        self, config: AuthKitConfig, telemetry: Telemetry, *, clock: Callable[[], float]
    ) -> None:
        super().__init__(config, clock=clock)
        self._telemetry = telemetry

    def note(self, sealed: str) -> None:
        """See `SizeWarning.note`."""
        self._telemetry.session_written(self._size(sealed))
        super().note(sealed)


class _ObservedSignIns(SignInFlow):
    """Has telemetry stand around the exchange of each code."""

    def __init__(self, telemetry: Telemetry, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._telemetry = telemetry

    async def complete(self, code: str, pending: PendingSignIn) -> SignInResult:
        """See `SignInFlow.complete`."""
        with self._telemetry.completing_sign_in():
            return await super().complete(code, pending)


class Observation:
    """Puts parts that tell telemetry in the place of those that do not."""

    config: AuthKitConfig
    api: WorkOSAPI
    cookies: CookieWriter
    coordinator: RefreshCoordinator
    inactivity: Inactivity | None
    size_warning: SizeWarning
    _api_keys: APIKeyValidator
    _check: SessionCheck
    _clock: Callable[[], float]
    _contents: SessionContents
    _renewal: SessionRenewal
    _sign_ins: SignInFlow
    _verifier: AccessTokenVerifier

    def _observe(self, given: Telemetry) -> Telemetry:
        """Have the parts tell telemetry; return it as it is to be told of the rest."""
        config, clock, telemetry = self.config, self._clock, SteadyTelemetry(given)
        self._check = SessionCheck(
            config,
            self._verifier,
            self.coordinator,
            inactivity=self.inactivity,
            clock=clock,
            verified=_CountedSessions(config.verified_cache_size, telemetry),
        )
        self._sign_ins = _ObservedSignIns(
            telemetry,
            config,
            self.api,
            self.cookies,
            self._verifier,
            contents=self._contents,
            clock=clock,
        )
        self.size_warning = _MeasuredSizes(config, telemetry, clock=clock)
        self._renewal.telemetry = telemetry
        for pause in (self._renewal.pause, self._api_keys.pause):
            pause.on_begin = telemetry.paused
        return telemetry
