"""Time a thousand requests at once with one expired cookie, at one worker and at three.

WorkOS is a process of its own, which takes 300 ms to authenticate and ends a session when a
refresh token comes twice. The waits are the client's, from sending a request to its answer.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence

from redis_server import RedisServer
from results import Column, Row, Section
from rounds import Effort
from storm_client import Ask, storm
from storm_processes import DELAY, Emulator, Member, emulator_process, workers

_REQUESTS = 1_000


def time_storms(server: RedisServer | None, effort: Effort) -> Section:
    """Return the exchanges and the waits of each number of workers."""
    number = effort.of(_REQUESTS)
    notes = [
        (
            f"{number:,} requests at once with one expired cookie, {effort.storms} times; the wait"
            f" without the {DELAY * 1000:.0f} ms that WorkOS takes."
        )
    ]
    with emulator_process() as workos:
        rows = [_row("one process", workos, 1, None, effort)]
        if server is None:
            notes.append("There is no redis-server: three processes are left out.")
        else:
            rows.append(_row("three processes with Redis", workos, 3, server.url, effort))
    return Section(
        key="storm",
        title="A storm of requests on one expired cookie",
        columns=[Column("exchanges", ""), Column("p50", "ms"), Column("p99", "ms")],
        rows=rows,
        notes=notes,
    )


def _row(name: str, workos: Emulator, number: int, redis_url: str | None, effort: Effort) -> Row:
    """Return the exchanges of all rounds and the waits of all requests."""
    workos.start_afresh()
    workos.delay()
    with workers(workos, number, redis_url=redis_url) as started:
        ports = [worker.port for worker in started]
        members = workos.members(effort.storms)
        requests = effort.of(_REQUESTS)
        waits = [wait for each in members for wait in asyncio.run(_waits(ports, each, requests))]
    hundredths = statistics.quantiles(waits, n=100)
    exchanges = f"{len(workos.exchanges())} of {effort.storms}"
    return Row(name, [exchanges, hundredths[49] * 1000, hundredths[98] * 1000])


async def _waits(ports: Sequence[int], member: Member, number: int) -> list[float]:
    """Return how many seconds the requests of a session waited beyond WorkOS's own."""
    asks = [Ask("/who", member.cookie)] * number
    answers = await storm(ports, asks, connections=number)
    if {answer.status for answer in answers} != {200}:
        raise RuntimeError("somebody was not signed in, so the times mean nothing")
    return [answer.seconds - DELAY for answer in answers]
