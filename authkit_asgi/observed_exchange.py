"""An exchange of a refresh token that telemetry is told of."""

from __future__ import annotations

from authkit_asgi.errors import AuthKitError
from authkit_asgi.outcomes import Outcome
from authkit_asgi.refresh import Exchange, Successor
from authkit_asgi.telemetry import Telemetry


class ObservedExchange:
    """Passes an exchange on; made where the request is that asks for it. See `Exchange`."""

    def __init__(self, exchange: Exchange, telemetry: Telemetry) -> None:
        self._exchange = exchange
        self._telemetry = telemetry
        self._origin = telemetry.origin()
        self._granted: Outcome | None = None
        self.organization_id: str | None = exchange.organization_id
        self.session_id: str | None = exchange.session_id

    async def perform(self) -> Outcome:
        """See `Exchange.perform`."""
        try:
            with self._telemetry.refreshing(self._origin) as tell:
                outcome = await self._exchange.perform()
                tell("refreshed" if outcome.refusal is None else "denied")
        except AuthKitError as error:
            self._telemetry.session_refreshed("unavailable", error)
            raise
        if outcome.refusal is None:
            self._granted = outcome
        else:
            self._telemetry.session_refreshed("denied")
        return outcome

    async def accept(self, outcome: Outcome) -> Successor:
        """See `Exchange.accept`."""
        is_ours = outcome is self._granted  # and not remembered, or another worker's
        try:
            successor = await self._exchange.accept(outcome)
        except AuthKitError as error:
            if is_ours:
                self._telemetry.session_refreshed("unavailable", error)
            raise
        if is_ours:
            is_usable = successor.auth.user is not None
            self._telemetry.session_refreshed("refreshed" if is_usable else "unavailable")
        return successor
