"""An exchange is told of where it was performed, and nowhere else."""

from __future__ import annotations

import contextlib

import pytest
from exchanges import Exchange, outcome, run

from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.observed_exchange import ObservedExchange
from authkit_asgi.refresh import InProcessRefreshCoordinator

LOST = WorkOSUnavailableError("WorkOS cannot be reached")


class Heard:
    """Telemetry that remembers what it hears of refreshes, as a program of one's own could."""

    def __init__(self):
        self.words = []

    def origin(self):
        return "here"

    @contextlib.contextmanager
    def refreshing(self, origin):
        self.words.append(f"from {origin}")
        yield self.words.append
        self.words.append("done")

    def session_refreshed(self, verdict, error=None):
        self.words.append((verdict, error))


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (Exchange(), ["from here", "refreshed", "done", ("unavailable", None)]),
        (Exchange(0, "invalid_grant"), ["from here", "denied", "done", ("denied", None)]),
        (Exchange(0, LOST), ["from here", ("unavailable", LOST)]),
        (Exchange(unfit=LOST), ["from here", "refreshed", "done", ("unavailable", LOST)]),
    ],
)
def test_exchange_is_told_of_as_it_ends(exchange, words):
    heard = Heard()

    async def main():
        coordinator = InProcessRefreshCoordinator(timeout=10, clock=lambda: 0)
        with contextlib.suppress(WorkOSUnavailableError):
            await coordinator.run("r0", ObservedExchange(exchange, heard))

    run(main)
    assert heard.words == words


def test_outcome_of_another_worker_is_not_told_of():
    heard = Heard()

    async def main():
        accepted = await ObservedExchange(Exchange(), heard).accept(outcome(0))
        assert accepted.sealed == outcome(0).sealed
        with pytest.raises(WorkOSUnavailableError):
            await ObservedExchange(Exchange(unfit=LOST), heard).accept(outcome(0))

    run(main)
    assert heard.words == []


def test_observed_exchange_is_about_the_same_as_the_one_within():
    exchange = Exchange()
    observed = ObservedExchange(exchange, Heard())
    assert observed.organization_id == exchange.organization_id
    assert observed.session_id == exchange.session_id
