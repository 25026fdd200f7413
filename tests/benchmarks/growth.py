"""Time how the cost of a request grows: with its session, with others at once, with refreshes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from names import ONE_REFRESH
from one_request import (
    Request,
    SignedInUser,
    application,
    check_signed_in,
    cookie_of,
    enlarged,
    request,
    sealed,
)
from results import Column, Row, Section
from rounds import Effort, Turn, async_turn, medians

from authkit_asgi import AuthKit, AuthKitMiddleware

_LENGTHS = (2_000, 4_000, 7_000)  # characters of a sealed session
_AT_ONCE = (1, 10, 100, 1_000)
_LONG_ROUNDS = 50  # of turns in which each piece of work is many requests
_SHARES = (0, 0.01, 0.05, 0.10)
_REQUESTS = 1_000  # of a round, of which a share has to be refreshed
_ROUNDS = 5


def time_sizes(user: SignedInUser, effort: Effort) -> Section:
    """Return the cost of a hit and of a miss, by the size of the session."""
    answers = [_smallest(user), *(enlarged(user.answer, length) for length in _LENGTHS)]
    configs = {
        "hit": user.config,
        "miss": dataclasses.replace(user.config, verified_cache_size=0),
    }
    loop = asyncio.new_event_loop()
    turns: dict[str, Turn] = {}
    with contextlib.closing(loop):
        for case, config in configs.items():
            authkit = AuthKit(config)
            loop.run_until_complete(authkit.open())
            for answer in answers:
                text = sealed(answer)
                cookie = cookie_of(text)
                check = check_signed_in(authkit, cookie, is_expected=True)
                loop.run_until_complete(check)
                work = request(AuthKitMiddleware(application, authkit=authkit), cookie)
                turns[f"{case} {len(text)}"] = async_turn(loop, work)
        bare = "bare"
        turns[bare] = async_turn(loop, request(application, cookie_of(user.sealed)))
        seconds = medians(turns, effort)
    lengths = [len(sealed(answer)) for answer in answers]
    rows = [
        Row(
            f"{length:,} characters",
            [(seconds[f"{case} {length}"] - seconds[bare]) * 1e6 for case in configs],
        )
        for length in lengths
    ]
    return Section(
        key="sizes",
        title="Size of the sealed session",
        columns=[Column("hit, over bare", "µs"), Column("miss, over bare", "µs")],
        rows=rows,
        notes=[
            "The first is as small as a token of RSA-2048 lets it be; the last is in two cookies."
        ],
    )


def _smallest(user: SignedInUser) -> dict[str, Any]:
    """Return an answer with as little in it as a session needs."""
    claims = {"sub": "user_a", "sid": "session_a", "exp": int(time.time()) + 86_400}
    return {
        "access_token": user.emulator.mint_access_token(claims),
        "refresh_token": "refresh_token_a",
        "user": {"object": "user", "id": "user_a", "email": "a@example.com"},
    }


def time_at_once(user: SignedInUser, effort: Effort) -> Section:
    """Return the cost of a hit, by the number of requests that are under way at once."""
    numbers = sorted({effort.of(number) for number in _AT_ONCE})
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        authkit = AuthKit(user.config)
        loop.run_until_complete(authkit.open())
        cookie = cookie_of(user.sealed)
        loop.run_until_complete(check_signed_in(authkit, cookie, is_expected=True))
        apps = {"bare": _waiting, "hit": AuthKitMiddleware(_waiting, authkit=authkit)}
        turns = {
            f"{name} {number}": async_turn(
                loop,
                functools.partial(_together, request(app, cookie), number),
                clock=time.thread_time,
            )
            for name, app in apps.items()
            for number in numbers
        }
        rounds = min(effort.rounds, _LONG_ROUNDS)
        seconds = medians(turns, dataclasses.replace(effort, rounds=rounds))
        loop.run_until_complete(authkit.aclose())
    rows = [
        Row(
            f"{number:,} at once",
            [
                (bare := seconds[f"bare {number}"] / number * 1e6),
                (hit := seconds[f"hit {number}"] / number * 1e6),
                hit - bare,
            ],
        )
        for number in numbers
    ]
    columns = [Column(f"{name}, a request", "µs") for name in ("bare", "hit")]
    return Section(
        key="at-once",
        title="Requests at once",
        columns=[*columns, Column("hit, over bare", "µs")],
        rows=rows,
        notes=[
            (
                "Processor time. Each request is a task; the application lets all others begin"
                " before it answers."
            )
        ],
    )


async def _waiting(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0)
    await application(scope, receive, send)


async def _together(work: Request, number: int) -> None:
    await asyncio.gather(*(work() for _ in range(number)))


class _TimedWorkOS:
    """The emulator, whose own time is known."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self.seconds = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        begin = time.thread_time()
        await self._app(scope, receive, send)
        self.seconds += time.thread_time() - begin


def time_refreshes(user: SignedInUser, effort: Effort) -> Section:
    """Return the cost of a request, by the share of them whose access token has expired."""
    taken = asyncio.run(_refreshing(user, effort.of(_REQUESTS)))
    means = {share: statistics.median(rounds) * 1e6 for share, rounds in taken.items()}
    none, most = means[_SHARES[0]], means[_SHARES[-1]]
    rows: list[Row] = [Row(f"{share:.0%} refreshed", [mean]) for share, mean in means.items()]
    rows.append(Row(ONE_REFRESH, [(most - none) / _SHARES[-1] + none]))
    return Section(
        key="refreshes",
        title="Share of requests that are refreshed",
        columns=[Column("mean", "µs")],
        rows=rows,
        notes=[
            (
                "Processor time. The other requests are hits. With the HTTP client, sealing,"
                " verifying and the cookie; without a network, and without what WorkOS does: that"
                " is an emulator in this process, whose time is taken off."
            )
        ],
    )


async def _refreshing(user: SignedInUser, number: int) -> dict[float, list[float]]:
    """Return the mean seconds of a request in each round, for each share."""
    workos = _TimedWorkOS(user.emulator.app)
    authkit = AuthKit(
        user.config,
        http_client_factory=lambda: httpx.AsyncClient(transport=httpx.ASGITransport(workos)),
    )
    await authkit.open()
    live = cookie_of(user.sealed)
    await check_signed_in(authkit, live, is_expected=True)
    middleware = AuthKitMiddleware(application, authkit=authkit)
    taken: dict[float, list[float]] = {share: [] for share in _SHARES}
    for _ in range(_ROUNDS):
        for share, means in taken.items():
            expired = [_expired(user) for _ in range(round(number * share))]
            cookies = expired + [live] * (number - len(expired))
            works = [request(middleware, cookie) for cookie in cookies]
            own, begin = workos.seconds, time.thread_time()
            for work in works:
                await work()
            seconds = time.thread_time() - begin - (workos.seconds - own)
            means.append(seconds / number)
            if expired:
                await check_signed_in(authkit, expired[0], is_expected=True)
    await authkit.aclose()
    return taken


def _expired(user: SignedInUser) -> str:
    return cookie_of(sealed(user.emulator.sign_in(user.answer["user"]["id"], lifetime=-60)))
