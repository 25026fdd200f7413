"""Time a thousand requests at once with one expired cookie, at one worker and at three.

WorkOS is a process of its own, which takes 300 ms to authenticate and ends a session when a
refresh token comes twice. The waits are the client's, from sending a request to its answer.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence

from redis_server import temporary_redis
from storm_client import Ask, storm
from storm_processes import DELAY, Emulator, Member, emulator_process, workers

REQUESTS = 1000
ROUNDS = 5


def main() -> None:
    """Print a line for each number of workers."""
    print(f"\n{REQUESTS} requests at once with one expired cookie, {ROUNDS} times; the wait")
    print(f"without the {DELAY * 1000:.0f} ms that WorkOS takes")
    print(f"{'':32}{'exchanges':>10}{'p50':>11}{'p99':>11}")
    with emulator_process() as workos, temporary_redis() as redis:
        time_workers(workos, "one process", 1, None)
        if redis is None:
            print("three processes with Redis: no redis-server: left out")
        else:
            time_workers(workos, "three processes with Redis", 3, redis.url)


def time_workers(workos: Emulator, name: str, number: int, redis_url: str | None) -> None:
    """Print the exchanges of all rounds and the waits of all requests."""
    workos.start_afresh()
    workos.delay()
    with workers(workos, number, redis_url=redis_url) as started:
        ports = [worker.port for worker in started]
        members = workos.members(ROUNDS)
        waits = [wait for each in members for wait in asyncio.run(waits_of(ports, each))]
    hundredths = statistics.quantiles(waits, n=100)
    p50, p99 = (f"{hundredths[index] * 1000:8.0f} ms" for index in (49, 98))
    print(f"{name:32}{len(workos.exchanges()):>5} of {ROUNDS:2}{p50}{p99}")


async def waits_of(ports: Sequence[int], member: Member) -> list[float]:
    """Return how many seconds the requests of a session waited beyond WorkOS's own."""
    asks = [Ask("/who", member.cookie)] * REQUESTS
    answers = await storm(ports, asks, connections=REQUESTS)
    if {answer.status for answer in answers} != {200}:
        raise RuntimeError("somebody was not signed in, so the times mean nothing")
    return [answer.seconds - DELAY for answer in answers]


if __name__ == "__main__":
    main()
