"""Renewing a session: following it to its successor, exchanged here, elsewhere, or before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.lowlevel

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import (
    GrantRejectedError,
    InvalidTokenError,
    WorkOSUnavailableError,
)
from authkit_asgi.exchange import ExchangeTools, SessionExchange
from authkit_asgi.expired_arrivals import ExpiredArrivals
from authkit_asgi.hooks import RefreshHooks
from authkit_asgi.observed_exchange import ObservedExchange
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.pause import Pause
from authkit_asgi.refresh import RefreshCoordinator, Successor
from authkit_asgi.session import (
    Session,
)
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.stored_sessions import StoredSessions
from authkit_asgi.telemetry import Telemetry
from authkit_asgi.tokens import AccessTokenVerifier


class SessionRenewal:
    """Replaces sessions by their successors, through a coordinator that lets one ask for all."""

    def __init__(
        self,
        config: AuthKitConfig,
        api: WorkOSAPI,
        verifier: AccessTokenVerifier,
        coordinator: RefreshCoordinator,
        *,
        contents: SessionContents,
        stored: StoredSessions | None,
        hooks: RefreshHooks,
        clock: Callable[[], float],
    ) -> None:
        self.config = config
        self._coordinator = coordinator
        self.pause: Pause = Pause(clock)
        self.telemetry: Telemetry | None = None
        self._tools = ExchangeTools(
            config=config,
            api=api,
            verifier=verifier,
            contents=contents,
            stored=stored,
            hooks=hooks,
            clock=clock,
            pause=self.pause,
            expired_arrivals=ExpiredArrivals(clock),
        )

    async def refresh(self, session: Session, organization_id: str | None) -> Successor:
        """Return the session's successor in an organization.

        Raises:
            GrantRejectedError: WorkOS refused for good.
            UnavailableError: WorkOS cannot be asked, or not in time, or its answer is not to be
                trusted. An exchange under way goes on, and its outcome is remembered.
        """
        try:
            with anyio.fail_after(self.config.refresh_timeout):
                return await self._follow(session, organization_id)
        except TimeoutError:
            raise WorkOSUnavailableError("The refresh did not end in time") from None

    async def _follow(self, session: Session, organization_id: str | None) -> Successor:
        while True:
            await anyio.lowlevel.checkpoint()  # a long chain must not keep the deadline from firing
            key = refresh_key(session.refresh_token)
            exchange = SessionExchange(self._tools, session, organization_id)
            told = self.telemetry
            observed = exchange if told is None else ObservedExchange(exchange, told)
            landing = await self._coordinator.run(key, observed)
            outcome = landing.outcome
            is_other = outcome.organization_id != organization_id
            if outcome.refusal is not None:
                if not is_other:
                    raise GrantRejectedError(outcome.refusal)
                # What WorkOS refuses for one organization (SSO, MFA) it may grant for another:
                # a switch that failed must not end the session.
                await self._coordinator.forget(key, outcome)
                continue
            successor = landing.successor
            if successor is None:
                try:
                    successor = await exchange.accept(outcome)
                except InvalidTokenError:
                    # Remembered for a late request, and over since: it is its successor's turn.
                    place = session.stored and session.stored.next()
                    session = replace(exchange.open(outcome), stored=place)
                    continue
            if not is_other:
                return successor
            session = successor.session
