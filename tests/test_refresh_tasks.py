"""The coordinator's tasks: what waiters, deadlines, shutdowns and event loops do to an exchange."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import anyio
import pytest
from emulated import Clock
from exchanges import Exchange, key, run

from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.outcomes import Outcome
from authkit_asgi.refresh import InProcessRefreshCoordinator

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="empty")


@pytest.fixture
def coordinator(clock: Clock) -> InProcessRefreshCoordinator:
    return InProcessRefreshCoordinator(timeout=10, clock=clock)


def test_waiter_that_is_cancelled_does_not_stop_the_exchange(coordinator):
    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiters = [asyncio.create_task(coordinator.run(key(0), exchange)) for _ in range(3)]
        await exchange.begun.wait()
        for waiter in waiters[:2]:
            waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiters[0]
        exchange.may_end.set()
        assert (await waiters[2]).successor.sealed == "seal of r1"
        assert (await coordinator.run(key(0), exchange)).outcome.sealed == "seal of r1"
        assert exchange.calls == 1
        await asyncio.gather(*waiters, return_exceptions=True)

    run(main)


@pytest.mark.parametrize("error", [None, WorkOSUnavailableError("down"), LookupError("ours")])
def test_exchange_whose_waiters_have_all_left_ends_quietly(coordinator, error):
    async def main() -> None:
        exchange = Exchange(0, error)
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        exchange.may_end.set()
        await coordinator.aclose()
        assert [*coordinator.recall(key(0))] == [] or error is None

    run(main)


def test_stopped_exchange_is_an_outage_and_not_remembered(coordinator):
    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        (flight,) = asyncio.all_tasks() - {asyncio.current_task(), waiter}
        flight.cancel()
        with pytest.raises(WorkOSUnavailableError, match=r"^The refresh was stopped$"):
            await waiter
        exchange.may_end.set()
        assert (await coordinator.run(key(0), exchange)).successor.sealed == "seal of r1"

    run(main)


def test_exchange_runs_in_an_empty_context(coordinator):
    async def main() -> None:
        seen: list[str] = []

        class Looking(Exchange):
            async def perform(self) -> Outcome:
                seen.append(variable.get())
                return await super().perform()

        variable.set("of the request")
        await coordinator.run(key(0), Looking())
        assert seen == ["empty"]
        assert variable.get() == "of the request"

    contextvars.copy_context().run(run, main)


def test_aclose_waits_for_exchanges_under_way(coordinator):
    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        closing = asyncio.create_task(coordinator.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
        exchange.may_end.set()
        await closing
        assert (await waiter).successor.sealed == "seal of r1"
        await coordinator.aclose()

    run(main)


def test_request_during_aclose_joins_the_exchange_under_way(coordinator):
    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        first = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        closing = asyncio.create_task(coordinator.aclose())
        await asyncio.sleep(0)
        second = asyncio.create_task(coordinator.run(key(0), exchange))
        await asyncio.sleep(0)
        exchange.may_end.set()
        await asyncio.gather(first, second, closing)
        assert exchange.calls == 1

    run(main)


def test_aclose_waits_no_longer_than_its_deadline(clock):
    async def main() -> None:
        coordinator = InProcessRefreshCoordinator(timeout=0.01, clock=clock)
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        with anyio.fail_after(30):
            await coordinator.aclose()
        assert not waiter.done()  # nor is it stopped
        exchange.may_end.set()
        assert (await waiter).successor.sealed == "seal of r1"

    run(main)


def test_aclose_stops_nothing_that_comes_later(coordinator):
    async def main() -> None:
        await coordinator.open()
        await coordinator.aclose()
        assert (await coordinator.run(key(0), Exchange())).successor.sealed == "seal of r1"

    run(main)


def test_result_of_one_loop_is_remembered_in_the_next(coordinator):
    calls = []

    async def main() -> str | None:
        exchange = Exchange()
        landing = await coordinator.run(key(0), exchange)
        calls.append(exchange.calls)
        return landing.outcome.sealed

    assert [run(main) for _ in range(3)] == ["seal of r1"] * 3
    assert calls == [1, 0, 0]
    assert len(coordinator._flights) == 1  # that of the last loop; the others' are gone


def test_exchange_cancelled_with_its_loop_is_made_again_in_the_next(coordinator):
    """Starlette's test client ends a loop after each request."""

    async def left() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        assert not waiter.done()

    async def main() -> str | None:
        return (await coordinator.run(key(0), Exchange())).outcome.sealed

    asyncio.run(left())
    assert run(main) == "seal of r1"


def test_loops_of_several_threads_have_flights_of_their_own(coordinator):
    """A task belongs to its loop: nobody may wait for another loop's."""
    together = threading.Barrier(4)
    sealed: list[str | None] = []

    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        async with asyncio.timeout(30):
            await exchange.begun.wait()
        await asyncio.to_thread(together.wait, 30)
        exchange.may_end.set()
        sealed.append((await waiter).outcome.sealed)
        assert exchange.calls == 1

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sealed == ["seal of r1"] * 4
