"""Time a session check as a server has it: after other code, not after itself.

What is called again and again finds its way through the interpreter foretold by the processor. In
a server hundreds of other functions run between one check and the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable

from http_site import bare_fastapi
from in_process import workos_python
from names import BARE, HIT, MISS, NO_COOKIE, WORKOS
from one_request import Request, SignedInUser, application, check_signed_in, cookie_of, request
from results import Column, Row, Section
from rounds import Effort, Turn, async_turn, medians

from authkit_asgi import AuthKit, AuthKitMiddleware

_AFTER = ", after a request of FastAPI's"
_MOST_ROUNDS = 200  # what is not timed takes most of each


def time_after_other_code(user: SignedInUser, effort: Effort) -> Section:
    """Return what each way of a request costs, after itself and after other code."""
    cookie = cookie_of(user.sealed)
    kit = AuthKit(user.config)
    forgetful = AuthKit(dataclasses.replace(user.config, verified_cache_size=0))
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        for authkit in (kit, forgetful):
            loop.run_until_complete(authkit.open())
            check = check_signed_in(authkit, cookie, is_expected=True)
            loop.run_until_complete(check)
        works: dict[str, Request] = {
            BARE: request(application, cookie),
            NO_COOKIE: request(AuthKitMiddleware(application, authkit=kit), None),
            HIT: request(AuthKitMiddleware(application, authkit=kit), cookie),
            MISS: request(AuthKitMiddleware(application, authkit=forgetful), cookie),
            WORKOS: _awaitable(workos_python(user)),
        }
        other = request(bare_fastapi(), cookie)
        turns: dict[str, Turn] = {}
        for name, work in works.items():
            turns[name] = async_turn(loop, work)
            turns[name + _AFTER] = _turn_after(loop, work, other)
        rounds = min(_MOST_ROUNDS, effort.rounds)
        seconds = medians(turns, dataclasses.replace(effort, rounds=rounds))
        for authkit in (kit, forgetful):
            loop.run_until_complete(authkit.aclose())

    def row(name: str) -> Row:
        alone = (seconds[name] - seconds[BARE]) * 1e6
        after = (seconds[name + _AFTER] - seconds[BARE + _AFTER]) * 1e6
        return Row(name, [alone, after, after / alone])

    return Section(
        key="other-code",
        title="After other code",
        columns=[
            Column("after itself, over bare", "µs"),
            Column("after a request of FastAPI's, over bare", "µs"),
            Column("ratio", "x"),
        ],
        rows=[row(name) for name in works if name != BARE],
        notes=["In process; the request of FastAPI's is no part of the time."],
    )


def _awaitable(work: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        work()

    return call


def _turn_after(loop: asyncio.AbstractEventLoop, work: Request, other: Request) -> Turn:
    """Return turns in which other work, untimed, goes before each piece of work."""

    async def repeat(times: int) -> float:
        taken = 0.0
        for _ in range(times):
            await other()
            begin = time.perf_counter()
            await work()
            taken += time.perf_counter() - begin
        return taken

    return lambda times: loop.run_until_complete(repeat(times))
