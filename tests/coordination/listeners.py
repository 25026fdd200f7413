"""Workers that listen for what other workers end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis_server import RedisServer
from workers import worker

from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.revocations import UserRevocation

ADA = {"sub": "user_ada", "org_id": "org_acme", "iat": 1000}
OF_ADA = UserRevocation(user_id="user_ada", before=1000.5)
USERS = "authkit:revoked:users"
RECORDS, CHANNEL = "authkit:revoked:sessions", "authkit:revoked"


@asynccontextmanager
async def listening(server: RedisServer, **options: Any) -> AsyncIterator[RedisRefreshCoordinator]:
    """Yield a worker whose subscription stands."""
    coordinator = worker(server, **options)
    before = subscribers(server)
    await coordinator.open()
    try:
        await until(lambda: subscribers(server) > before)
        yield coordinator
    finally:
        await coordinator.aclose()


def subscribers(server: RedisServer) -> int:
    return server.admin.pubsub_numsub(CHANNEL)[0][1]


async def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
