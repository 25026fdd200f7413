"""The exchange of a refresh token that other workers may be at, or have behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from authkit_asgi.outcomes import Outcome
from authkit_asgi.refresh import Exchange, Successor


class SharedExchange:
    """An exchange whose outcome is asked for elsewhere first; see `Exchange`.

    Args:
        exchange: Judges the outcome.
        ask: Returns another worker's outcome, or performs the exchange.
    """

    def __init__(self, exchange: Exchange, ask: Callable[[], Awaitable[Outcome]]) -> None:
        self._exchange = exchange
        self._ask = ask
        self.organization_id: str | None = exchange.organization_id
        self.session_id: str | None = exchange.session_id

    async def perform(self) -> Outcome:
        """See `Exchange.perform`."""
        return await self._ask()

    async def accept(self, outcome: Outcome) -> Successor:
        """See `Exchange.accept`."""
        return await self._exchange.accept(outcome)
