"""Weigh what a process keeps: verified sessions, and sessions in an `InMemorySessionStore`."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import tracemalloc
from collections.abc import Iterator

from in_process import stored
from one_request import PASSWORD, SignedInUser, application, check_signed_in, headers_of, serve
from results import Column, Goal, Row, Section
from rounds import Effort

from authkit_asgi import AuthKit, AuthKitMiddleware, InMemorySessionStore
from authkit_asgi.session import seal_session, session_from_answer

_MORE = (10_000, 20_000)  # sessions, after which the full cache is weighed again
_STORED = 10_000


def weigh_kept_sessions(user: SignedInUser, effort: Effort) -> Section:
    """Return the memory that Python has given out for sessions."""
    full = user.config.verified_cache_size
    numbers = [full, *(full + effort.of(each) for each in _MORE)]
    weights = asyncio.run(_verified(user, numbers))
    first, last = weights[0], weights[-1]
    rows = [
        Row(f"verified sessions, {number:,} seen", [weight])
        for number, weight in zip(numbers, weights, strict=True)
    ]
    rows[0] = dataclasses.replace(rows[0], goals=[Goal(wanted="≤ 24 MB", measured=first, bound=24)])
    rows[-1] = dataclasses.replace(
        rows[-1], goals=[Goal(wanted="flat: ≤ 0.5 MB more", measured=last - first, bound=0.5)]
    )
    number = effort.of(_STORED)
    kept = asyncio.run(_stored(user, number))
    rows.append(Row(f"{number:,} sessions in an InMemorySessionStore", [kept]))
    return Section(
        key="kept",
        title="Memory of sessions",
        columns=[Column("memory", "MB")],
        rows=rows,
        notes=[
            (
                f"By tracemalloc, sessions of {len(user.sealed):,} characters; {full:,} fill the"
                " cache of verified sessions."
            )
        ],
    )


def _new_sessions(user: SignedInUser) -> Iterator[str]:
    session = session_from_answer(user.answer)
    for index in itertools.count():
        other = dataclasses.replace(session, refresh_token=f"refresh_token_{index:032}")
        yield seal_session(other, PASSWORD)


async def _verified(user: SignedInUser, numbers: list[int]) -> list[float]:
    """Return the memory after so many sessions, in MB."""
    authkit = AuthKit(user.config)
    middleware = AuthKitMiddleware(application, authkit=authkit)
    await authkit.open()
    await check_signed_in(authkit, f"wos-session={user.sealed}", is_expected=True)
    sessions, seen = _new_sessions(user), 0
    weights: list[float] = []
    tracemalloc.start()
    try:
        begin = _traced()
        for number in numbers:
            for sealed in itertools.islice(sessions, number - seen):
                await serve(middleware, headers_of(f"wos-session={sealed}"))
            seen = number
            weights.append(_traced() - begin)
    finally:
        tracemalloc.stop()
    await authkit.aclose()
    return weights


async def _stored(user: SignedInUser, number: int) -> float:
    store = InMemorySessionStore()
    tracemalloc.start()
    try:
        begin = _traced()
        for index in range(number):
            person = {**user.answer["user"], "id": f"user_{index}"}
            await stored(store, {**user.answer, "user": person})
        return _traced() - begin
    finally:
        tracemalloc.stop()


def _traced() -> float:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 2**20
