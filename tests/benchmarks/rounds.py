"""Time several pieces of work in turns, so that whatever the machine does befalls all alike."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Turn: TypeAlias = Callable[[int], float]
"""Does a piece of work once, untimed, then so many times, and returns the seconds these took.

Whatever had its turn before has left the processor's caches to itself.
"""

_LONGEST_PROBE = 100_000


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is done for a figure."""

    rounds: int
    turn_seconds: float
    """Short, so that in most turns a machine that is busy takes nothing away."""
    http_rounds: int
    http_seconds: float
    storms: int
    share: float
    """The part of the sessions and requests of the growth tables."""

    def of(self, number: int) -> int:
        return max(1, int(number * self.share))


FULL = Effort(rounds=700, turn_seconds=0.001, http_rounds=7, http_seconds=2, storms=5, share=1)
SMOKE = Effort(rounds=5, turn_seconds=0.001, http_rounds=1, http_seconds=0.5, storms=1, share=0.01)


def sync_turn(work: Callable[[], object]) -> Turn:
    """Return turns of a plain function."""

    def turn(times: int) -> float:
        work()
        begin = time.perf_counter()
        for _ in range(times):
            work()
        return time.perf_counter() - begin

    return turn


def async_turn(
    loop: asyncio.AbstractEventLoop,
    work: Callable[[], Awaitable[object]],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Turn:
    """Return turns of a coroutine function, all on one loop."""

    async def repeat(times: int) -> float:
        await work()
        begin = clock()
        for _ in range(times):
            await work()
        return clock() - begin

    return lambda times: loop.run_until_complete(repeat(times))


def medians(turns: Mapping[str, Turn], effort: Effort) -> dict[str, float]:
    """Return the median seconds of each piece of work, over rounds in which all take a turn.

    In an order that changes: who comes after a wait is served better by a machine that is busy.
    """
    numbers = {name: _times(turn, effort.turn_seconds) for name, turn in turns.items()}
    taken: dict[str, list[float]] = {name: [] for name in turns}
    names = list(turns)
    for _ in range(effort.rounds):
        random.shuffle(names)
        for name in names:
            taken[name].append(turns[name](numbers[name]) / numbers[name])
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _times(turn: Turn, seconds: float) -> int:
    """Return how many times fill a turn; what is tried meanwhile warms everything up."""
    times = 1
    while (took := turn(times)) < seconds / 4 and times < _LONGEST_PROBE:
        times *= 4
    return max(1, int(times * seconds / took))
