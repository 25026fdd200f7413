"""`make soak`: users that come and go while WorkOS fails and workers are restarted, at random.

Prints what came of it, and ends with status 1 if anybody lost a session.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from redis_server import running
from storm_client import Answer, Ask, Connection
from storm_processes import (
    Emulator,
    Member,
    Worker,
    emulator_process,
    start_worker,
    wait_until_served,
    workers,
)

USERS = 200
WORKERS = 3
TOKEN_SECONDS = 5
# Within it WorkOS answers a token whose answer was lost once more.
REPLAY_SECONDS = 60
TIMEOUTS = {
    "STORM_API_TIMEOUT": "3",
    "STORM_REFRESH_TIMEOUT": "6",
    "STORM_REDIS_TIMEOUT": "1",
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"endpoint": "authenticate", "delay": 1},
    {"endpoint": "authenticate", "hang": True},
    {"endpoint": "authenticate", "reset": "before"},
    {"endpoint": "authenticate", "reset": "after"},
    {"endpoint": "authenticate", "status": 429, "headers": {"Retry-After": "1"}},
    {"endpoint": "authenticate", "status": 500},
    {"endpoint": "authenticate", "garbage": "html"},
    {"endpoint": "jwks", "status": 503},
)

_GONE = (OSError, EOFError)  # what asking a worker that has ended raises


class Soak:
    """What happens for so many seconds, and what is counted of it."""

    def __init__(self, workos: Emulator, started: list[Worker], redis_url: str) -> None:
        self.workos = workos
        self.workers = started
        self.redis_url = redis_url
        self.random = random.Random()  # noqa: S311  # no secret
        self.until = 0.0
        self.counts: collections.Counter[str] = collections.Counter()
        self._cookies: dict[str, str] = {}

    async def run(self, members: list[Member], seconds: float) -> None:
        await self._go_on(members, seconds, self._spoil(), self._restart())
        # Everybody comes once more when all is well again.
        self.workos.control("DELETE", "faults")
        await asyncio.sleep(2 * TOKEN_SECONDS)
        await self._go_on(members, TOKEN_SECONDS)

    async def _go_on(
        self, members: list[Member], seconds: float, *beside: Coroutine[Any, Any, None]
    ) -> None:
        self.until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for each in (*map(self._browse, members), *beside):
                tasks.create_task(each)

    async def _browse(self, member: Member) -> None:
        """Open one to three pages at once, wait, and so on, as long as the session lasts."""
        cookie = self._cookies.setdefault(member.user_id, member.cookie)
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.choice((0.5, 2, 4, 8)) * self.random.random())
            ask = Ask("/who", cookie, member.user_id)
            pages = self.random.randint(1, 3)
            for answer in await asyncio.gather(*(self._ask(ask) for _ in range(pages))):
                self.counts["requests"] += 1
                self.counts[f"status {answer.status}"] += 1
                is_lost = answer.status == 401 or "" in answer.cookies
                if is_lost or answer.body.get("user", member.user_id) != member.user_id:
                    self.counts["lost sessions"] += 1
                    print(f"{member.user_id}: {answer.status} {answer.body}")
                    return
                cookie = self._cookies[member.user_id] = [cookie, *answer.cookies][-1]

    async def _ask(self, ask: Ask) -> Answer:
        """Ask any worker, and another if it is gone, as a load balancer does."""
        while True:
            worker = self.random.choice(self.workers)
            with contextlib.suppress(*_GONE):
                async with Connection(worker.port) as connection:
                    return await connection.send(ask)
            self.counts["connections lost to restarts"] += 1
            await asyncio.sleep(0.05)

    async def _spoil(self) -> None:
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.uniform(0.2, 2))
            fault = {**self.random.choice(FAULTS), "times": self.random.randint(1, 3)}
            await asyncio.to_thread(self.workos.control, "POST", "faults", **fault)
            self.counts["faults"] += 1

    async def _restart(self) -> None:
        """Restart every worker but the first, whose memory is to be seen growing."""
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.uniform(3, 10))
            worker = self.random.choice(self.workers[1:])
            worker.process.send_signal(self.random.choice((signal.SIGTERM, signal.SIGKILL)))
            await asyncio.to_thread(worker.process.wait)
            worker.process = start_worker(
                self.workos, worker.port, redis_url=self.redis_url, **TIMEOUTS
            )
            await asyncio.to_thread(wait_until_served, worker.port, worker.process)
            self.counts["restarts"] += 1

    @property
    def memory(self) -> str:
        return ", ".join(_resident(worker.process) for worker in self.workers)


def _resident(process: subprocess.Popen[str]) -> str:
    command = ["ps", "-o", "rss=", "-p", str(process.pid)]
    kilobytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"{int(kilobytes) / 1024:.0f} MB"


def main(seconds: float) -> int:
    lifetime, window = str(TOKEN_SECONDS), str(REPLAY_SECONDS)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_url = stack.enter_context(running(folder)).url
        workos = stack.enter_context(
            emulator_process("--token-lifetime", lifetime, "--replay-window", window)
        )
        workos.start_afresh()
        members = workos.members(USERS, lifetime=TOKEN_SECONDS)
        started = stack.enter_context(workers(workos, WORKERS, redis_url=redis_url, **TIMEOUTS))
        soak = Soak(workos, started, redis_url)
        print(f"memory at the start: {soak.memory}")
        asyncio.run(soak.run(members, seconds))
        print(f"memory at the end: {soak.memory} (the first was never restarted)")
        statuses = workos.exchanges()
        soak.counts["lost sessions"] += USERS - workos.sessions(members)
    for name, count in sorted(soak.counts.items()):
        print(f"{name}: {count}")
    print(f"exchanges: {len(statuses)}, {statuses.count(200)} of them granted")
    return 1 if soak.counts["lost sessions"] else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
