"""The coordinator of one process: one exchange for all who wait, and what is remembered."""

from __future__ import annotations

import asyncio
import hashlib
import traceback

import pytest
from emulated import Clock
from exchanges import Exchange, key, outcome, refusal, run

from authkit_asgi.errors import (
    AuthKitError,
    ExpiredTokenError,
    UnavailableError,
    WorkOSUnavailableError,
)
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.refresh import InProcessRefreshCoordinator


@pytest.fixture
def coordinator(clock: Clock) -> InProcessRefreshCoordinator:
    return InProcessRefreshCoordinator(timeout=10, clock=clock)


def test_fifty_callers_share_one_exchange(coordinator):
    async def main() -> None:
        exchange = Exchange()
        landings = await asyncio.gather(*(coordinator.run(key(0), exchange) for _ in range(50)))
        assert exchange.calls == 1
        assert {landing.successor.sealed for landing in landings} == {"seal of r1"}
        assert all(landing is landings[0] for landing in landings)

    run(main)


def test_different_refresh_tokens_do_not_share(coordinator):
    async def main() -> None:
        numbers = (0, 10, 20)
        landings = await asyncio.gather(
            *(coordinator.run(key(number), Exchange(number)) for number in numbers)
        )
        sealed = [landing.successor.sealed for landing in landings]
        assert sealed == ["seal of r1", "seal of r11", "seal of r21"]

    run(main)


def test_late_caller_gets_what_is_remembered(coordinator):
    async def main() -> None:
        exchange = Exchange()
        first = await coordinator.run(key(0), exchange)
        late = await coordinator.run(key(0), exchange)
        assert late.outcome is first.outcome
        assert late.successor is None  # not verified for this caller
        assert exchange.calls == 1

    run(main)


@pytest.mark.parametrize(("seen", "seconds"), [(False, 3600), (True, 30)])
def test_result_is_forgotten_after_its_time(coordinator, clock, seen, seconds):
    async def main() -> None:
        exchange = Exchange()
        exchange_again = Exchange()
        await coordinator.run(key(0), exchange)
        if seen:
            coordinator.see(key(1))
        clock.now += seconds - 1
        assert (await coordinator.run(key(0), exchange_again)).outcome.sealed == "seal of r1"
        clock.now += 1
        assert exchange_again.calls == 0
        await coordinator.run(key(0), exchange_again)
        assert exchange_again.calls == 1

    run(main)


@pytest.mark.parametrize(
    "error",
    [
        WorkOSUnavailableError("down", retry_after=7),
        UnavailableError("not usable"),
        LookupError("a fault of ours"),
    ],
)
@pytest.mark.parametrize("when", ["asking", "accepting"])
def test_failure_is_shared_by_all_who_wait(coordinator, error, when):
    async def main() -> None:
        exchange = Exchange(0, error) if when == "asking" else Exchange(unfit=error)
        failures = await asyncio.gather(
            *(coordinator.run(key(0), exchange) for _ in range(20)), return_exceptions=True
        )
        assert exchange.calls == 1
        for failure in failures:
            assert type(failure) is type(error)
            assert str(failure) == str(error)
            assert vars(failure) == vars(error)

    run(main)


def test_failure_leaves_nothing_behind_and_is_tried_again(coordinator):
    async def main() -> None:
        exchange = Exchange(0, WorkOSUnavailableError("down"))
        with pytest.raises(WorkOSUnavailableError, match="down"):
            await coordinator.run(key(0), exchange)
        assert [*coordinator.recall(key(0))] == []
        assert not coordinator.is_under_way(key(0))
        assert (await coordinator.run(key(0), exchange)).successor.sealed == "seal of r1"
        assert exchange.calls == 2

    run(main)


def test_refusal_is_shared_and_remembered(coordinator):
    async def main() -> None:
        exchange = Exchange(0, "invalid_grant")
        landings = await asyncio.gather(*(coordinator.run(key(0), exchange) for _ in range(20)))
        landings += [await coordinator.run(key(0), exchange) for _ in range(20)]
        assert {landing.outcome.refusal for landing in landings} == {"invalid_grant"}
        assert {landing.successor for landing in landings} == {None}
        assert exchange.calls == 1

    run(main)


def test_spent_token_whose_successor_is_not_accepted_is_remembered(coordinator):
    """The exchange has happened; the same token must not be sent a second time."""

    async def main() -> None:
        exchange = Exchange(unfit=UnavailableError("does not verify"))
        with pytest.raises(UnavailableError, match="does not verify"):
            await coordinator.run(key(0), exchange)
        assert (await coordinator.run(key(0), exchange)).outcome.sealed == "seal of r1"
        assert exchange.calls == 1

    run(main)


def test_successor_that_is_over_already_is_landed_for_its_own_successor(coordinator):
    async def main() -> None:
        landing = await coordinator.run(key(0), Exchange(unfit=ExpiredTokenError("over")))
        assert landing.outcome.sealed == "seal of r1"
        assert landing.successor is None

    run(main)


def test_error_does_not_grow_with_those_who_wait(coordinator):
    async def main() -> None:
        exchange = Exchange(0, WorkOSUnavailableError("down"))
        failures = await asyncio.gather(
            *(coordinator.run(key(0), exchange) for _ in range(20)), return_exceptions=True
        )
        assert len({id(failure) for failure in failures}) == 20
        assert all(isinstance(failure, AuthKitError) for failure in failures)
        depths = {len(traceback.extract_tb(failure.__traceback__)) for failure in failures}
        assert len(depths) == 1

    run(main)


def test_token_is_under_way_while_it_is_exchanged(coordinator):
    async def main() -> None:
        exchange = Exchange()
        exchange.may_end.clear()
        waiter = asyncio.create_task(coordinator.run(key(0), exchange))
        await exchange.begun.wait()
        assert coordinator.is_under_way(key(0))
        assert not coordinator.is_under_way(key(1))
        exchange.may_end.set()
        await waiter
        assert not coordinator.is_under_way(key(0))

    run(main)


def test_newest_successor_is_the_last_of_the_chain_that_has_landed(coordinator):
    async def main() -> None:
        assert await coordinator.newest(key(0), "session_1") is None
        await coordinator.run(key(0), Exchange(0))
        assert await coordinator.newest(key(0), "session_1") == "seal of r1"
        await coordinator.run(key(1), Exchange(1))
        assert await coordinator.newest(key(0), "session_1") == "seal of r2"
        assert await coordinator.newest(key(1), "session_1") == "seal of r2"
        assert await coordinator.newest(key(2), "session_1") is None
        exchange = Exchange(2)
        exchange.may_end.clear()
        third = asyncio.create_task(coordinator.run(key(2), exchange))
        await exchange.begun.wait()
        assert await coordinator.newest(key(0), "session_1") == "seal of r2"
        exchange.may_end.set()
        await third
        assert await coordinator.newest(key(0), "session_1") == "seal of r3"
        assert [known.sealed for known in coordinator.recall(key(1))] == [
            "seal of r2",
            "seal of r3",
        ]

    run(main)


@pytest.mark.parametrize(
    ("organization_id", "newest"), [("org_1", None), ("org_2", "seal of r1"), (None, "seal of r1")]
)
def test_successor_that_was_refused_since_is_not_written(coordinator, organization_id, newest):
    async def main() -> None:
        await coordinator.run(key(0), Exchange(0))
        refused = Exchange(1, "invalid_grant")
        refused.organization_id = organization_id
        await coordinator.run(key(1), refused)
        assert await coordinator.newest(key(0), "session_1") == newest
        assert await coordinator.newest(key(1), "session_1") is None

    run(main)


def test_forgotten_refusal_lets_the_token_be_tried_again(coordinator):
    async def main() -> None:
        exchange = Exchange(0, "sso_required")
        refused = (await coordinator.run(key(0), exchange)).outcome
        await coordinator.forget(key(0), refused)
        assert (await coordinator.run(key(0), exchange)).outcome.sealed == "seal of r1"
        await coordinator.forget(key(0), refused)  # it is another by now
        assert (await coordinator.run(key(0), exchange)).outcome.sealed == "seal of r1"
        assert exchange.calls == 2

    run(main)


def test_outcome_of_another_process_is_as_good_as_ones_own(coordinator):
    async def main() -> None:
        coordinator.remember(key(0), outcome(0))
        coordinator.remember(key(9), refusal("invalid_grant"))
        unasked = Exchange()
        assert (await coordinator.run(key(0), unasked)).outcome == outcome(0)
        assert (await coordinator.run(key(9), unasked)).outcome == refusal("invalid_grant")
        assert unasked.calls == 0

    run(main)


def test_ended_session_stays_ended_until_it_begins_again(coordinator):
    async def main() -> None:
        await coordinator.end("signed_out")
        await coordinator.end("superseded", is_superseded=True)
        await coordinator.end(None)
        assert coordinator.is_ended("signed_out")
        assert coordinator.is_ended("signed_out", or_superseded=True)
        assert not coordinator.is_ended("superseded")
        assert coordinator.is_ended("superseded", or_superseded=True)
        for other in ("other", None):
            assert not coordinator.is_ended(other, or_superseded=True)
        for session_id in ("signed_out", "superseded", "other", None):
            await coordinator.begin(session_id)
            assert not coordinator.is_ended(session_id, or_superseded=True)

    run(main)


def test_token_is_named_by_its_hash_whatever_it_holds():
    tokens = ["r0", "r1", "", "\ud800", "é" * 9000]
    assert all(len(refresh_key(token)) == 64 for token in tokens)
    assert len({refresh_key(token) for token in tokens}) == len(tokens)
    assert refresh_key("é") == hashlib.sha256(b"\xc3\xa9").hexdigest()
    assert refresh_key(None) == refresh_key("") == hashlib.sha256().hexdigest()
