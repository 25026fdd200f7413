"""The coordinator's tasks: what waiters, deadlines, shutdowns and event loops do to an exchange."""

from __future__ import annotations

import asyncio
import contextvars

import anyio
import pytest
from test_refresh import AUTH, Exchange, run, session

from authkit_asgi import refresh
from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.refresh import RefreshCoordinator, Successor
from authkit_asgi.session import Session

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="empty")


def test_waiter_that_is_cancelled_does_not_stop_the_exchange():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        waiters = [
            asyncio.create_task(coordinator.refresh(session(), None, exchange)) for _ in range(3)
        ]
        await exchange.begun.wait()
        for waiter in waiters[:2]:
            waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiters[0]
        exchange.may_end.set()
        assert (await waiters[2]).sealed == "seal of r1"
        assert (await coordinator.refresh(session(), None, exchange)).sealed == "seal of r1"
        assert len(exchange.calls) == 1
        await asyncio.gather(*waiters, return_exceptions=True)

    run(main)


@pytest.mark.parametrize("error", [None, WorkOSUnavailableError("down"), LookupError("ours")])
def test_exchange_whose_waiters_have_all_left_ends_quietly(error):
    async def main() -> None:
        exchange, coordinator = Exchange(error), RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.refresh(session(), None, exchange))
        await exchange.begun.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        exchange.may_end.set()
        await coordinator.aclose()

    run(main)


def test_deadline_frees_the_waiter_and_leaves_the_exchange_running():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=0.01)
        exchange.may_end.clear()
        with pytest.raises(WorkOSUnavailableError, match="in time"):
            await coordinator.refresh(session(), None, exchange)
        exchange.may_end.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (await coordinator.refresh(session(), None, exchange)).sealed == "seal of r1"
        assert len(exchange.calls) == 1

    run(main)


def test_stopped_exchange_is_an_outage_and_not_remembered():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.refresh(session(), None, exchange))
        await exchange.begun.wait()
        (flight,) = asyncio.all_tasks() - {asyncio.current_task(), waiter}
        flight.cancel()
        with pytest.raises(WorkOSUnavailableError, match="stopped"):
            await waiter
        exchange.may_end.set()
        assert (await coordinator.refresh(session(), None, exchange)).sealed == "seal of r1"

    run(main)


def test_exchange_runs_in_an_empty_context():
    async def main() -> None:
        seen: list[str] = []

        async def exchange(old: Session, _: str | None) -> Successor:
            seen.append(variable.get())
            return Successor(session=old, sealed="s", auth=AUTH)

        variable.set("of the request")
        await RefreshCoordinator(timeout=10).refresh(session(), None, exchange)
        assert seen == ["empty"]

    contextvars.copy_context().run(run, main)


def test_aclose_waits_for_exchanges_under_way_until_the_deadline():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.refresh(session(), None, exchange))
        await exchange.begun.wait()
        closing = asyncio.create_task(coordinator.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
        exchange.may_end.set()
        await closing
        assert (await waiter).sealed == "seal of r1"
        await coordinator.aclose()

        impatient = RefreshCoordinator(timeout=0.01)
        exchange.may_end.clear()
        with pytest.raises(WorkOSUnavailableError):
            await impatient.refresh(session("r9"), None, exchange)
        await impatient.aclose()
        exchange.may_end.set()
        await anyio.wait_all_tasks_blocked()

    run(main)


def test_one_coordinator_serves_loop_after_loop():
    exchange_calls = []
    coordinator = RefreshCoordinator(timeout=10)

    async def main() -> str:
        exchange = Exchange()
        result = await coordinator.refresh(session(), None, exchange)
        exchange_calls.extend(exchange.calls)
        return result.sealed

    assert [run(main) for _ in range(3)] == ["seal of r1"] * 3
    assert len(exchange_calls) == 3  # one in each loop
    assert len(coordinator._flights) == 1  # that of the last loop; the others' are gone


def test_number_of_remembered_results_is_bounded(monkeypatch):
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        for number in range(50):
            await coordinator.refresh(session(f"r{number * 100}"), None, exchange)
        (flights,) = coordinator._flights.values()
        assert len(flights) == 10
        await coordinator.refresh(session("r4900"), None, exchange)
        assert len(exchange.calls) == 50  # the newest are kept
        await coordinator.refresh(session("r0"), None, exchange)
        assert len(exchange.calls) == 51

    monkeypatch.setattr(refresh, "_MAX_REMEMBERED", 10)
    run(main)


def test_flight_that_was_pushed_out_does_not_take_its_successor_with_it(monkeypatch):
    async def main() -> None:
        exchange = Exchange(WorkOSUnavailableError("down"))
        coordinator = RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        first = asyncio.create_task(coordinator.refresh(session("r0"), None, exchange))
        await exchange.begun.wait()
        late = Exchange()
        late.may_end.clear()
        for token in ("r100", "r0"):
            late.begun.clear()
            waiting = asyncio.create_task(coordinator.refresh(session(token), None, late))
            await late.begun.wait()
        exchange.may_end.set()
        with pytest.raises(WorkOSUnavailableError):
            await first
        joined = asyncio.create_task(coordinator.refresh(session("r0"), None, late))
        await asyncio.sleep(0)
        late.may_end.set()
        assert (await joined) is (await waiting)
        assert late.calls == [("r100", None), ("r0", None)]
        await coordinator.aclose()
        await anyio.wait_all_tasks_blocked()

    monkeypatch.setattr(refresh, "_MAX_REMEMBERED", 1)
    run(main)
