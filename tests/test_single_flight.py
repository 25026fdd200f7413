"""One piece of work for all who ask at the same time, whoever of them leaves."""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from exchanges import run

from authkit_asgi.errors import AuthKitError, UnavailableError, WorkOSUnavailableError
from authkit_asgi.single_flight import SingleFlight

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="empty")


class Work:
    """Ends as it is told when it may."""

    def __init__(self, end: Any = "done") -> None:
        self.end = end
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.calls = 0

    async def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        await self.may_end.wait()
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end() if callable(self.end) else self.end


async def shared(flights: SingleFlight[Any], work: Work, key: str = "key") -> list[Any]:
    """Return what twenty waiters get."""
    waiters = [asyncio.create_task(flights.run(key, work)) for _ in range(20)]
    await work.begun.wait()
    work.may_end.set()
    return await asyncio.gather(*waiters, return_exceptions=True)


def test_all_who_ask_meanwhile_share_one_result_and_the_next_begins_anew():
    async def main() -> None:
        flights: SingleFlight[Any] = SingleFlight()
        work = Work()
        assert await shared(flights, work) == ["done"] * 20
        assert work.calls == 1
        assert await flights.run("key", work) == "done"
        assert work.calls == 2

    run(main)


def test_different_keys_do_not_share():
    async def main() -> None:
        flights: SingleFlight[Any] = SingleFlight()
        first, second = Work("first"), Work("second")
        waiters = [
            asyncio.create_task(flights.run(key, work)) for key, work in ((1, first), (2, second))
        ]
        first.may_end.set()
        second.may_end.set()
        assert await asyncio.gather(*waiters) == ["first", "second"]

    run(main)


def test_work_runs_in_an_empty_context():
    async def main() -> None:
        variable.set("of the request")
        assert await shared(SingleFlight(), Work(variable.get)) == ["empty"] * 20
        assert variable.get() == "of the request"

    contextvars.copy_context().run(run, main)


@pytest.mark.parametrize("make", [UnavailableError, LookupError])
def test_failure_is_shared_and_tried_again(make: Callable[[str], Exception]):
    async def main() -> None:
        flights: SingleFlight[Any] = SingleFlight()
        failures = await shared(flights, Work(make("down")))
        assert {(type(failure), str(failure)) for failure in failures} == {(make, "down")}
        assert await shared(flights, Work()) == ["done"] * 20

    run(main)


def test_error_does_not_grow_with_those_who_wait():
    async def main() -> None:
        failures = await shared(SingleFlight(), Work(UnavailableError("down")))
        assert all(isinstance(failure, AuthKitError) for failure in failures)
        assert len({id(failure) for failure in failures}) == 20
        assert len({len(traceback.extract_tb(failure.__traceback__)) for failure in failures}) == 1

    run(main)


@pytest.mark.parametrize("end", ["done", UnavailableError("down"), LookupError("ours")])
def test_work_whose_waiters_have_all_left_ends_quietly(end: Any):
    async def main() -> None:
        flights: SingleFlight[Any] = SingleFlight()
        work = Work(end)
        waiter = asyncio.create_task(flights.run("key", work))
        await work.begun.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        (flight,) = asyncio.all_tasks() - {asyncio.current_task()}
        work.may_end.set()
        await asyncio.wait({flight})

    run(main)


def test_aclose_stops_what_is_under_way_and_says_so():
    async def main() -> None:
        flights: SingleFlight[Any] = SingleFlight()
        work = Work()
        waiter = asyncio.create_task(flights.run("key", work))
        await work.begun.wait()
        await flights.aclose()
        with pytest.raises(WorkOSUnavailableError, match=r"^The call was stopped$"):
            await waiter
        await flights.aclose()
        work.may_end.set()
        assert await flights.run("key", work) == "done"

    run(main)
