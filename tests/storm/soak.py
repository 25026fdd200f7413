"""`make soak`: users that come and go while WorkOS fails, and workers and Redis go, at random.

WorkOS is in its strictest mode: who sends a refresh token twice ends the session. So whoever loses
a session has met with one of the losses that are documented, or with a fault of ours; what the
workers have written down tells which. Ends with status 1 if any loss is left unexplained.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from emulated import PASSWORD
from losses import (
    LATE_SECONDS,
    UNEXPLAINED,
    Incidents,
    explain,
    open_exchanges,
    read_records,
    timeline,
)
from redis_server import RedisServer, running
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

from authkit_asgi.outcomes import refresh_key
from authkit_asgi.sealed_outcomes import REFUSED
from authkit_asgi.session import unseal_session

USERS = 200
WORKERS = 3
TOKEN_SECONDS = 5
SITE = "soak_site"
FAULTS: tuple[dict[str, Any], ...] = (
    {"endpoint": "authenticate", "delay": 1},
    {"endpoint": "authenticate", "hang": True},
    {"endpoint": "authenticate", "reset": "before"},
    {"endpoint": "authenticate", "status": 429, "headers": {"Retry-After": "1"}},
    {"endpoint": "authenticate", "status": 500},
    {"endpoint": "authenticate", "garbage": "html"},
    {"endpoint": "jwks", "status": 503},
)

_GONE = (OSError, EOFError)  # what asking a worker that has ended raises
_UNDER_WAY_SECONDS = 3  # in which requests have ended that have gone to any worker
_REMEMBERED_SECONDS = 10  # less than Redis keeps any outcome for


class Soak:
    """What happens for so many seconds, and what is counted of it."""

    def __init__(
        self, workos: Emulator, started: list[Worker], redis: RedisServer, evidence: Path
    ) -> None:
        self.workos = workos
        self.workers = started
        self.redis = redis
        self.evidence = evidence
        self.random = random.Random()  # noqa: S311  # no secret
        self.until = 0.0
        self.counts: collections.Counter[str] = collections.Counter()
        self.incidents = Incidents()
        self.members: dict[str, Member] = {}
        self.lost: list[tuple[Member, str]] = []
        self._cookies: dict[str, str] = {}
        self._redis_is_used = asyncio.Event()
        self._redis_is_used.set()

    async def run(self, members: list[Member], seconds: float) -> None:
        self.members = {member.user_id: member for member in members}
        self._cookies = {member.user_id: member.cookie for member in members}
        await self._go_on(seconds, self._spoil(), self._restart(), self._take_redis_away())
        # Everybody comes once more when all is well again.
        self.workos.control("DELETE", "faults")
        await asyncio.sleep(2 * TOKEN_SECONDS)
        await self._go_on(TOKEN_SECONDS)

    async def _go_on(self, seconds: float, *beside: Coroutine[Any, Any, None]) -> None:
        self.until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for each in (*map(self._browse, self.members), *beside):
                tasks.create_task(each)

    async def _browse(self, user_id: str) -> None:
        """Open one to three pages at once, wait, and so on; who is signed out signs in again."""
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.choice((0.5, 2, 4, 8)) * self.random.random())
            ask = Ask("/who", self._cookies[user_id], user_id)
            pages = self.random.randint(1, 3)
            answers = await asyncio.gather(*(self._ask(ask) for _ in range(pages)))
            for answer in answers:
                self.counts["requests"] += 1
                self.counts[f"status {answer.status}"] += 1
                self.counts["mixed up"] += answer.body.get("user", user_id) != user_id
            lost = [each for each in answers if each.status == 401 or "" in each.cookies]
            if lost:
                self.lost.append((self.members[user_id], f"{lost[0].status} {lost[0].body}"))
                member = await asyncio.to_thread(self.workos.sign_in, user_id, TOKEN_SECONDS)
                self.members[user_id] = member
                self._cookies[user_id] = member.cookie
            elif cookies := [cookie for answer in answers for cookie in answer.cookies]:
                self._cookies[user_id] = cookies[-1]

    async def _ask(self, ask: Ask) -> Answer:
        """Ask any worker, and another if it is gone, as a load balancer does.

        Around an outage of Redis a user's requests go to one worker: without it they share nothing.
        """
        own = self.workers[hash(ask.user_id) % len(self.workers)]
        while True:
            is_any = self._redis_is_used.is_set()
            worker = self.random.choice(self.workers) if is_any else own
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
            how = self.random.choice((signal.SIGTERM, signal.SIGKILL))
            self.incidents.ended.append((time.time(), worker.process.pid, how.name))
            worker.process.send_signal(how)
            await asyncio.to_thread(worker.process.wait)
            self.counts[f"workers ended by {how.name}"] += 1
            if how == signal.SIGKILL:
                await self._note_unpublished(worker.process.pid)
            worker.process = start_worker(
                self.workos, worker.port, redis_url=self.redis.url, site=SITE, **self.variables
            )
            await asyncio.to_thread(wait_until_served, worker.port, worker.process)

    async def _note_unpublished(self, pid: int) -> None:
        """Look which of the tokens that a killed worker has spent the others know nothing of."""
        since = time.time() - _REMEMBERED_SECONDS
        records = await asyncio.to_thread(read_records, self.evidence)
        keys = open_exchanges((each for each in records if each.at > since), pid)
        await self._redis_is_used.wait()
        self.incidents.unpublished[pid] = {key for key in keys if not self._is_published(key)}
        self.counts["tokens that killed workers took along"] += len(self.incidents.unpublished[pid])

    def _is_published(self, key: str) -> bool:
        """Tell whether Redis knows of a token's successor."""
        name = hashlib.sha256(key.encode()).hexdigest()
        value = self.redis.admin.get(f"authkit:outcome:{name}")
        return value is not None and not value.startswith(REFUSED.encode())

    async def _take_redis_away(self) -> None:
        """Stop Redis for a while, or kill it; it loses nothing that it has been told."""
        ways = {"stopped": (self.redis.stop, self.redis.go_on)}
        ways["killed"] = (self.redis.kill, self.redis.start)
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.uniform(10, 25))
            way = self.random.choice(list(ways))
            begin, end = ways[way]
            self._redis_is_used.clear()
            await asyncio.sleep(_UNDER_WAY_SECONDS)
            down = time.time()
            begin()
            await asyncio.sleep(self.random.uniform(0.2, 4))
            await asyncio.to_thread(end)
            self.incidents.outages.append((down, time.time()))
            self.counts[f"Redis {way}"] += 1
            await asyncio.sleep(LATE_SECONDS)
            self._redis_is_used.set()

    @property
    def variables(self) -> dict[str, str]:
        return {"STORM_EVIDENCE": str(self.evidence)}

    def reasons(self) -> collections.Counter[str]:
        """Return why sessions were lost, and print what is left unexplained."""
        records = read_records(self.evidence)
        reasons: collections.Counter[str] = collections.Counter()
        for member, said in self.lost:
            first = refresh_key(unseal_session(member.cookie, PASSWORD).refresh_token)
            reason = explain(first, records, self.incidents)
            reasons[reason] += 1
            if reason == UNEXPLAINED:
                print(f"{member.user_id}: {said}")
                print("\n".join(timeline(first, records, self.incidents)))
        return reasons

    @property
    def memory(self) -> str:
        return ", ".join(resident(worker.process) for worker in self.workers)


def resident(process: subprocess.Popen[str]) -> str:
    command = ["ps", "-o", "rss=", "-p", str(process.pid)]
    kilobytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"{int(kilobytes) / 1024:.0f} MB"


def main(seconds: float) -> int:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(running(folder, is_lasting=True))
        workos = stack.enter_context(emulator_process("--token-lifetime", str(TOKEN_SECONDS)))
        workos.start_afresh()
        members = workos.members(USERS, lifetime=TOKEN_SECONDS)
        evidence = folder / "evidence"
        evidence.touch()
        soak = Soak(workos, [], redis, evidence)
        soak.workers = stack.enter_context(
            workers(
                workos,
                WORKERS,
                redis_url=redis.url,
                site=SITE,
                is_patient=False,
                **soak.variables,
            )
        )
        print(f"memory at the start: {soak.memory}", flush=True)
        asyncio.run(soak.run(members, seconds))
        print(f"memory at the end: {soak.memory} (the first was never restarted)")
        statuses = workos.exchanges()
        alive = workos.sessions(list(soak.members.values()))
        reasons = soak.reasons()
    for name, count in sorted(soak.counts.items()):
        print(f"{name}: {count}")
    print(f"exchanges: {len(statuses)}, {statuses.count(200)} of them granted")
    print(f"sessions at the end: {alive} of {USERS}")
    print(f"sessions lost: {len(soak.lost)}")
    for reason, count in sorted(reasons.items()):
        print(f"  {reason}: {count}")
    return 1 if reasons[UNEXPLAINED] or soak.counts["mixed up"] or alive < USERS else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
