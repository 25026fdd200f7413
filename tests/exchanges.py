"""What the coordinator's tests share: exchanges that end as told, and a watched loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.refresh import Successor
from authkit_asgi.session import Session

AUTH = SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE)
AT = 1_800_000_000.0


def key(number: int) -> str:
    """Return the key of the refresh token ``r<number>``."""
    return refresh_key(f"r{number}")


def session(number: int) -> Session:
    return Session(
        access_token="a", refresh_token=f"r{number}", user_json={"id": "user_1", "email": "a@b"}
    )


def outcome(number: int, *, at: float = AT, size: int = 0) -> Outcome:
    """Return what r0 came to: r1, and so on."""
    return Outcome(
        organization_id="org_1",
        session_id="session_1",
        at=at,
        sealed=f"seal of r{number + 1}".ljust(size, "x"),
        successor_key=key(number + 1),
    )


def refusal(
    word: str = "invalid_grant", *, at: float = AT, organization: str | None = "org_1"
) -> Outcome:
    return Outcome(organization_id=organization, session_id="session_1", at=at, refusal=word)


class Exchange:
    """Stands in for WorkOS: counts the exchanges of a token, waits where told, ends as told.

    The refresh token r0 is followed by r1, and so on; `ends` come first, one a call: an error or
    WorkOS's word for a refusal.
    """

    organization_id: str | None = "org_1"
    session_id: str | None = "session_1"

    def __init__(
        self, number: int = 0, *ends: BaseException | str | None, unfit: BaseException | None = None
    ) -> None:
        self.number = number
        self.calls = 0
        self.ends = list(ends)
        self.unfit = unfit
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def perform(self) -> Outcome:
        self.calls += 1
        end = self.ends.pop(0) if self.ends else None
        self.begun.set()
        await self.may_end.wait()
        if isinstance(end, BaseException):
            raise end
        if end is not None:
            return refusal(end, organization=self.organization_id)
        return outcome(self.number)

    async def accept(self, outcome: Outcome) -> Successor:
        if self.unfit is not None:
            raise self.unfit
        return Successor(session=session(self.number + 1), sealed=outcome.sealed or "", auth=AUTH)


def run(main: Callable[[], Any]) -> Any:
    """Run in a loop of its own and see that nothing is left: no task, no unread exception."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with asyncio.timeout(30):
            result = await main()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        gc.collect()
        return result

    result = asyncio.run(watched())
    gc.collect()
    assert complaints == []
    return result
