"""How much memory hostile requests take, each of which differs from all before: `make memory`.

Each kind has a process of its own. Prints Markdown, as docs/hostile.md has it.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import sys
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from floods import KIND_NAMES, Floods
from hostile_requests import containers
from redis_server import RedisServer, temporary_redis
from resident import resident

_SHARES = (0, 0.1, 0.5, 1)  # of the requests, after which is measured
_LARGE = 1000  # entries of a container that is named
_COLUMNS = (
    "requests",
    "process, MB",
    "Python's blocks, thousands",
    "entries",
    "tasks",
    "longest, ms",
)


@dataclass
class Course:
    """What was measured of one kind of request, at each of `_SHARES`."""

    resident: list[float] = field(default_factory=list)
    """Megabytes that the process has of the machine's memory."""
    blocks: list[int] = field(default_factory=list)
    """Pieces of memory that Python has given out and not got back; an object has one or more."""
    traced: list[float] = field(default_factory=list)
    """Megabytes of those given out since the first of these requests."""
    entries: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    longest: float = 0
    """Seconds of its processor for which a request held the event loop."""
    large: dict[str, int] = field(default_factory=dict)
    """What the large containers hold at the end."""

    def note(self, floods: Floods) -> None:
        self.resident.append(resident())
        self.blocks.append(sys.getallocatedblocks())
        self.traced.append(tracemalloc.get_traced_memory()[0] / 2**20)
        sizes = containers(floods.authkit)
        self.entries.append(sum(sizes.values()))
        self.tasks.append(len(asyncio.all_tasks()))
        self.large = {name: size for name, size in sorted(sizes.items()) if size > _LARGE}

    def cells(self) -> list[str]:
        """Return what stands in the columns after the first."""
        columns = [
            [f"{each:.1f}" for each in self.resident],
            [f"{each / 1000:.0f}" for each in self.blocks],
            [f"{each:,}" for each in self.entries],
            [f"{each}" for each in self.tasks],
            [f"{self.longest * 1000:.0f}"],
        ]
        if any(self.traced):
            columns.append([f"{each:.1f}" for each in self.traced])
        return [" · ".join(each) for each in columns]


def main(number: int, *, is_traced: bool) -> None:
    """Print a table for each coordinator, with a line for each kind of request."""
    marks = ", ".join(f"{number * share:,.0f}" for share in _SHARES)
    print(f"{number:,} requests of each kind; measured after {marks}.")
    with temporary_redis() as redis:
        print("\nIn-process:\n")
        print_table(number, None, is_traced=is_traced)
        print("\nWith a Redis:\n" if redis else "\nno redis-server: left out")
        if redis is not None:
            print_table(number, redis, is_traced=is_traced)


def print_table(number: int, redis: RedisServer | None, *, is_traced: bool) -> None:
    columns = [*_COLUMNS, *(["traced, MB"] if is_traced else [])]
    print(f"| {' | '.join(columns)} |")
    print("| --- |" + " --: |" * (len(columns) - 1))
    large: dict[str, dict[str, int]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        for kind in KIND_NAMES:
            url = None
            if redis is not None:
                url = redis.url
                redis.admin.flushall()  # of what workers tell one that has just started
            course = processes.submit(run, kind, number, url, is_traced=is_traced).result()
            print(f"| {' | '.join([kind, *course.cells()])} |", flush=True)
            large[kind] = course.large
    print(f"\nOf more than {_LARGE:,} entries at the end:\n")
    for kind, sizes in large.items():
        if sizes:
            print(f"- {kind}: {', '.join(f'`{name}` {size:,}' for name, size in sizes.items())}")


def run(kind: str, number: int, redis_url: str | None, *, is_traced: bool) -> Course:
    """Flood an application of this process."""
    logging.disable()
    if is_traced:
        tracemalloc.start()
    return asyncio.run(flood(kind, number, redis_url))


async def flood(kind: str, number: int, redis_url: str | None) -> Course:
    """Send the requests of a kind, one after the other."""
    floods = Floods(redis_url)
    await floods.authkit.open()
    for first in ("good sessions", kind):  # which import modules and fetch keys
        await floods.send(first, -1)
    tracemalloc.clear_traces()
    course, sent = Course(), 0
    for share in _SHARES:
        while sent < number * share:
            course.longest = max(course.longest, await floods.send(kind, sent))
            sent += 1
            # As a server does between requests: the loop drops cancelled timers.
            await asyncio.sleep(0)
        course.note(floods)
    await floods.authkit.aclose()
    return course


if __name__ == "__main__":
    main(int(sys.argv[1]), is_traced="--traced" in sys.argv)
