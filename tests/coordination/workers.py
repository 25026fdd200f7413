"""Workers that share a Redis, and a stand-in for the WorkOS that they ask."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from emulated import PASSWORD
from redis_server import RedisServer

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.refresh import Landing, Successor
from authkit_asgi.session import Session

SESSION_ID = "session_ada"
ORGANIZATION_ID = "org_acme"
_AUTH = SignedOut(reason=SignedOutReason.NOT_EVALUATED)  # who it is matters to no coordinator


class WorkOS:
    """Notes each token that is exchanged; r0 is followed by r1, and so on.

    Args:
        ends: How the first exchanges end: an error, a refusal, or a successor's number.
    """

    def __init__(self, *ends: Exception | str | int) -> None:
        self.calls: list[str] = []
        self.seconds = 0.0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._ends = list(ends)

    async def exchange(self, token: str) -> dict[str, Any]:
        self.calls.append(token)
        end = self._ends.pop(0) if self._ends else int(token[1:]) + 1
        self.begun.set()
        await asyncio.sleep(self.seconds)
        await self.may_end.wait()
        if isinstance(end, Exception):
            raise end
        if isinstance(end, str):
            return {"refusal": end}
        return {"sealed": f"seal of r{end}", "successor_key": refresh_key(f"r{end}")}


class Exchange:
    """The exchange of one token, as a request brings it."""

    def __init__(
        self, workos: WorkOS, token: str, session_id: str | None, *, at: float | None = None
    ) -> None:
        self._at = at
        self._workos = workos
        self._token = token
        self.session_id = session_id
        self.organization_id = ORGANIZATION_ID

    async def perform(self) -> Outcome:
        return Outcome(
            organization_id=self.organization_id,
            session_id=self.session_id,
            at=time.time() if self._at is None else self._at,
            **await self._workos.exchange(self._token),
        )

    async def accept(self, outcome: Outcome) -> Successor:
        session = Session(access_token="a", refresh_token="r", user_json={"id": "user_ada"})
        return Successor(session=session, sealed=outcome.sealed or "", auth=_AUTH)


def worker(server: RedisServer, **options: Any) -> RedisRefreshCoordinator:
    return RedisRefreshCoordinator(server.url, **{"cookie_password": PASSWORD, **options})


async def refresh(
    coordinator: RedisRefreshCoordinator,
    workos: WorkOS,
    token: str = "r0",
    *,
    session_id: str | None = SESSION_ID,
) -> Landing:
    return await coordinator.run(refresh_key(token), Exchange(workos, token, session_id))


async def refreshes(
    coordinator: RedisRefreshCoordinator, workos: WorkOS, *, times: int = 50
) -> list[Landing]:
    return await asyncio.gather(*(refresh(coordinator, workos) for _ in range(times)))


def seals(landings: list[Landing]) -> set[str | None]:
    return {landing.outcome.sealed for landing in landings}
