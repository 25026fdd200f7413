"""The coordinator: one exchange for all who wait, whoever waits and whoever leaves."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from authkit_asgi import refresh
from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.errors import (
    AuthKitError,
    GrantRejectedError,
    UnavailableError,
    WorkOSUnavailableError,
)
from authkit_asgi.refresh import RefreshCoordinator, Successor
from authkit_asgi.session import Session

AUTH = SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE)


def session(refresh_token: str | None = "r0") -> Session:
    return Session(
        access_token="a", refresh_token=refresh_token, user_json={"id": "user_1", "email": "a@b"}
    )


class Exchange:
    """Stands in for WorkOS: notes each exchange, waits where told, ends as told.

    The refresh token r0 is followed by r1, and so on.
    """

    def __init__(self, *outcomes: BaseException | None) -> None:
        self.calls: list[tuple[str | None, str | None]] = []
        self.outcomes = list(outcomes)
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, old: Session, organization_id: str | None) -> Successor:
        self.calls.append((old.refresh_token, organization_id))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        self.begun.set()
        await self.may_end.wait()
        if outcome is not None:
            raise outcome
        number = int((old.refresh_token or "r0")[1:]) + 1
        return Successor(session=session(f"r{number}"), sealed=f"seal of r{number}", auth=AUTH)


def run(main: Callable[[], Any]) -> Any:
    """Run in a loop of its own and see that nothing is left: no task, no unread exception."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        result = await main()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        gc.collect()
        return result

    result = asyncio.run(watched())
    gc.collect()
    assert complaints == []
    return result


def test_fifty_callers_share_one_exchange():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        results = await asyncio.gather(
            *(coordinator.refresh(session(), "org_1", exchange) for _ in range(50))
        )
        assert exchange.calls == [("r0", "org_1")]
        assert {result.sealed for result in results} == {"seal of r1"}
        assert all(result is results[0] for result in results)

    run(main)


def test_different_refresh_tokens_do_not_share():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        results = await asyncio.gather(
            *(coordinator.refresh(session(f"r{n}"), None, exchange) for n in (0, 10, 20))
        )
        assert [result.sealed for result in results] == ["seal of r1", "seal of r11", "seal of r21"]

    run(main)


def test_late_request_with_the_old_token_gets_the_remembered_result():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        first = await coordinator.refresh(session(), None, exchange)
        assert await coordinator.refresh(session(), None, exchange) is first
        assert len(exchange.calls) == 1

    run(main)


def test_result_is_forgotten_after_its_time(monkeypatch):
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        await coordinator.refresh(session(), None, exchange)
        forgetful = asyncio.Event()
        asyncio.get_running_loop().call_later(0, forgetful.set)
        await forgetful.wait()
        await asyncio.sleep(0)
        await coordinator.refresh(session(), None, exchange)
        assert len(exchange.calls) == 2

    monkeypatch.setattr(refresh, "_REMEMBERED_SECONDS", 0)
    run(main)


def test_other_organization_waits_and_exchanges_the_successors_token():
    async def main() -> None:
        exchange, coordinator = Exchange(), RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        first = asyncio.create_task(coordinator.refresh(session(), "org_1", exchange))
        await exchange.begun.wait()
        others = [
            asyncio.create_task(coordinator.refresh(session(), "org_2", exchange))
            for _ in range(20)
        ]
        await asyncio.sleep(0)
        assert exchange.calls == [("r0", "org_1")]
        exchange.may_end.set()
        assert (await first).sealed == "seal of r1"
        assert {result.sealed for result in await asyncio.gather(*others)} == {"seal of r2"}
        assert exchange.calls == [("r0", "org_1"), ("r1", "org_2")]

    run(main)


def test_refused_switch_does_not_end_the_session():
    async def main() -> None:
        exchange = Exchange(GrantRejectedError("sso_required"))
        coordinator = RefreshCoordinator(timeout=10)
        exchange.may_end.clear()
        switch = asyncio.create_task(coordinator.refresh(session(), "org_2", exchange))
        await exchange.begun.wait()
        usual = [
            asyncio.create_task(coordinator.refresh(session(), "org_1", exchange))
            for _ in range(20)
        ]
        await asyncio.sleep(0)
        exchange.may_end.set()
        with pytest.raises(GrantRejectedError, match="sso_required"):
            await switch
        assert {result.sealed for result in await asyncio.gather(*usual)} == {"seal of r1"}
        assert exchange.calls == [("r0", "org_2"), ("r0", "org_1")]

    run(main)


def test_switch_refused_long_ago_does_not_end_the_session_either():
    async def main() -> None:
        exchange = Exchange(GrantRejectedError("mfa_enrollment"))
        coordinator = RefreshCoordinator(timeout=10)
        with pytest.raises(GrantRejectedError):
            await coordinator.refresh(session(), "org_2", exchange)
        assert (await coordinator.refresh(session(), "org_1", exchange)).sealed == "seal of r1"

    run(main)


@pytest.mark.parametrize(
    "error",
    [
        WorkOSUnavailableError("down", retry_after=7),
        UnavailableError("not usable"),
        GrantRejectedError("sso_required"),
        LookupError("a fault of ours"),
    ],
)
def test_failure_is_shared_by_all_who_wait(error):
    async def main() -> None:
        exchange, coordinator = Exchange(error), RefreshCoordinator(timeout=10)
        failures = await asyncio.gather(
            *(coordinator.refresh(session(), None, exchange) for _ in range(20)),
            return_exceptions=True,
        )
        assert len(exchange.calls) == 1
        for failure in failures:
            assert type(failure) is type(error)
            assert str(failure) == str(error)
            assert vars(failure) == vars(error)

    run(main)


@pytest.mark.parametrize(
    ("error", "exchanges"), [(WorkOSUnavailableError("down"), 2), (GrantRejectedError("dead"), 1)]
)
def test_transient_failure_is_tried_again_and_rejection_is_remembered(error, exchanges):
    async def main() -> None:
        exchange, coordinator = Exchange(error), RefreshCoordinator(timeout=10)
        with pytest.raises(type(error)):
            await coordinator.refresh(session(), None, exchange)
        if exchanges == 1:
            with pytest.raises(GrantRejectedError, match="dead"):
                await coordinator.refresh(session(), None, exchange)
        else:
            assert (await coordinator.refresh(session(), None, exchange)).sealed == "seal of r1"
        assert len(exchange.calls) == exchanges

    run(main)


def test_remembered_rejection_does_not_grow_with_every_request():
    async def main() -> None:
        exchange = Exchange(GrantRejectedError("dead"))
        coordinator = RefreshCoordinator(timeout=10)
        depths = set()
        for _ in range(20):
            with pytest.raises(AuthKitError) as caught:
                await coordinator.refresh(session(), None, exchange)
            depths.add(len(traceback.extract_tb(caught.value.__traceback__)))
        assert len(depths) <= 2  # the first waited, the others found it

    run(main)


def test_newest_successor_is_the_last_of_the_chain_that_has_landed():
    async def main() -> None:
        coordinator, exchange = RefreshCoordinator(timeout=30), Exchange(None, None)
        assert coordinator.newest(session("r0")) is None
        first = await coordinator.refresh(session("r0"), None, exchange)
        assert coordinator.newest(session("r0")) is first
        second = await coordinator.refresh(first.session, "org_other", exchange)
        assert coordinator.newest(session("r0")) is second
        assert coordinator.newest(first.session) is second
        assert coordinator.newest(second.session) is None
        exchange.begun.clear()
        exchange.may_end.clear()
        third = asyncio.ensure_future(coordinator.refresh(second.session, None, exchange))
        await exchange.begun.wait()
        assert coordinator.newest(session("r0")) is second
        exchange.may_end.set()
        assert coordinator.newest(session("r0")) is second
        assert (await third) is coordinator.newest(session("r0"))

    run(main)


def test_newest_successor_stops_at_a_refusal():
    async def main() -> None:
        coordinator = RefreshCoordinator(timeout=30)
        exchange = Exchange(None, GrantRejectedError("invalid_grant"))
        first = await coordinator.refresh(session("r0"), None, exchange)
        with pytest.raises(GrantRejectedError):
            await coordinator.refresh(first.session, None, exchange)
        assert coordinator.newest(session("r0")) is first

    run(main)
