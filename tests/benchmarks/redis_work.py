"""Count what Redis is asked for by a request: commands, its own processor time, its memory."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from in_process import stored
from names import REDIS_HIT, REDIS_REFRESH, STORED_HIT, STORED_REFRESH, STORED_SIGN_IN
from one_request import (
    PASSWORD,
    SignedInUser,
    application,
    check_signed_in,
    cookie_of,
    request,
    sealed,
)
from redis_server import RedisServer
from results import Column, Row, Section
from rounds import Effort

from authkit_asgi import AuthKit, AuthKitMiddleware
from authkit_asgi.redis import RedisRefreshCoordinator, RedisSessionStore

_REQUESTS = 500


@dataclass(frozen=True)
class Work:
    """What Redis has done so far."""

    commands: float
    seconds: float
    memory: float

    @classmethod
    def of(cls, server: RedisServer) -> Work:
        info: Any = server.admin.info()
        seconds = info["used_cpu_user"] + info["used_cpu_sys"]
        return cls(info["total_commands_processed"], seconds, info["used_memory"])

    def each(self, before: Work, number: int) -> list[float]:
        """Return commands, microseconds and KB for each of so many requests."""
        return [
            (self.commands - before.commands) / number,
            (self.seconds - before.seconds) / number * 1e6,
            max(0, self.memory - before.memory) / number / 2**10,
        ]


def count_redis_work(user: SignedInUser, server: RedisServer | None, effort: Effort) -> Section:
    """Return what one request takes of Redis."""
    rows: list[Row] = []
    if server is not None:
        number = effort.of(_REQUESTS)
        rows += [
            Row(name, asyncio.run(_count(name, user, server, number)))
            for name in (REDIS_HIT, STORED_HIT, REDIS_REFRESH, STORED_REFRESH)
        ]
        rows.append(Row(STORED_SIGN_IN, asyncio.run(_keep(user, server, number))))
    return Section(
        key="redis",
        title="What Redis does for a request",
        columns=[
            Column("commands", ""),
            Column("Redis's processor time", "µs"),
            Column("kept in Redis", "KB"),
        ],
        rows=rows,
        notes=["Commands within scripts are counted, and each request's share of the rest."]
        if server is not None
        else ["There is no redis-server: nothing was measured."],
    )


async def _count(name: str, user: SignedInUser, server: RedisServer, number: int) -> list[float]:
    """Return what a request takes that is sent by a worker whose Redis coordinates refreshes."""
    store = RedisSessionStore(server.url) if name in {STORED_HIT, STORED_REFRESH} else None
    authkit = AuthKit(
        user.config,
        store=store,
        coordinator=RedisRefreshCoordinator(server.url, cookie_password=PASSWORD),
        http_client_factory=lambda: httpx.AsyncClient(
            transport=httpx.ASGITransport(user.emulator.app)
        ),
    )
    lifetime = -60 if name in {REDIS_REFRESH, STORED_REFRESH} else None
    put = functools.partial(stored, store) if store is not None else _in_cookie
    live = await put(user.answer)
    cookies = (
        [live] * number
        if lifetime is None
        else [await put(answer) for answer in _expired(user, number)]
    )
    await authkit.open()
    await check_signed_in(authkit, live, is_expected=True)
    middleware = AuthKitMiddleware(application, authkit=authkit)
    before = Work.of(server)
    for cookie in cookies:
        await request(middleware, cookie)()
    await authkit.aclose()  # what is told to Redis beside the requests has been told then
    return _rounded(Work.of(server).each(before, number))


async def _in_cookie(answer: Any) -> str:
    return cookie_of(sealed(answer))


def _expired(user: SignedInUser, number: int) -> Iterator[dict[str, Any]]:
    for _ in range(number):
        yield user.emulator.sign_in(user.answer["user"]["id"], lifetime=-60)


async def _keep(user: SignedInUser, server: RedisServer, number: int) -> list[float]:
    store = RedisSessionStore(server.url)
    await stored(store, user.answer)
    before = Work.of(server)
    for _ in range(number):
        await stored(store, user.answer)
    return _rounded(Work.of(server).each(before, number))


def _rounded(figures: list[float]) -> list[float]:
    return [round(figures[0], 1), *figures[1:]]
