"""`make soak`: users that come and go behind a cache while WorkOS fails, and workers and Redis go.

WorkOS is in its strictest mode: who sends a refresh token twice ends the session. So whoever loses
a session has met with one of the losses that are documented, or with a fault of ours; what the
workers have written down tells which. nginx stands in front and caches what it may; each browser
looks whether a page or a cookie that comes is somebody else's. Ends with status 1 if one is, if a
loss is left unexplained, or if the cache has served nothing, since that would prove nothing.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from caching_front import Front, caching_front, front_ports
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
from soak_browser import Browser, Surroundings
from storm_processes import (
    Emulator,
    Worker,
    emulator_process,
    site_variables,
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
)

_LEEWAY_SECONDS = 11  # in which a token still counts (`jwt_leeway`)
_UNDER_WAY_SECONDS = 11  # in which refreshes have ended that were begun before (`refresh_timeout`)
_KEYLESS = 0.3  # of the starts of a worker, at which no signing keys can be fetched at first
_REMEMBERED_SECONDS = 10  # less than Redis keeps any outcome for


class Soak:
    """What happens for so many seconds, and what is counted of it."""

    def __init__(
        self,
        workos: Emulator,
        started: list[Worker],
        redis: RedisServer,
        around: Surroundings,
        variables: dict[str, str],
    ) -> None:
        self.workos = workos
        self.workers = started
        self.redis = redis
        self.around = around
        self.counts = around.counts
        self.random = around.random
        self.until = 0.0
        self.incidents = Incidents()
        self.browsers = [Browser(f"browser {user_id}", around) for user_id in around.user_ids]
        self._variables = variables
        self._evidence = Path(variables["STORM_EVIDENCE"])

    async def run(self, cookies: Sequence[str], seconds: float) -> None:
        for browser, cookie in zip(self.browsers, cookies, strict=True):
            browser.take(cookie)
        self.around.any_worker.set()
        await self._go_on(seconds, self._spoil(), self._restart(), self._take_redis_away())
        # Everybody comes once more when all is well again.
        self.workos.control("DELETE", "faults")
        await asyncio.sleep(2 * TOKEN_SECONDS)
        await self._go_on(TOKEN_SECONDS)
        # And again when no token is good any more, whose session may have ended unnoticed.
        await asyncio.sleep(TOKEN_SECONDS + _LEEWAY_SECONDS)
        for browser in self.browsers:
            await browser.come_once_more()

    async def _go_on(self, seconds: float, *beside: Coroutine[Any, Any, None]) -> None:
        self.until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for each in (*(browser.browse(self.until) for browser in self.browsers), *beside):
                tasks.create_task(each)

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
            if self.random.random() < _KEYLESS:
                fault = {"endpoint": "jwks", "status": 503, "times": self.random.randint(1, 3)}
                await asyncio.to_thread(self.workos.control, "POST", "faults", **fault)
                self.counts["starts without keys"] += 1
            worker.process = start_worker(
                self.workos, worker.port, redis_url=self.redis.url, site=SITE, **self._variables
            )
            await asyncio.to_thread(wait_until_served, worker.port, worker.process)

    async def _note_unpublished(self, pid: int) -> None:
        """Look which of the tokens that a killed worker has spent the others know nothing of."""
        since = time.time() - _REMEMBERED_SECONDS
        records = await asyncio.to_thread(read_records, self._evidence)
        keys = open_exchanges((each for each in records if each.at > since), pid)
        await self.around.any_worker.wait()
        self.incidents.unpublished[pid] = {key for key in keys if not self._is_published(key)}
        self.counts["tokens that killed workers took along"] += len(self.incidents.unpublished[pid])

    def _is_published(self, key: str) -> bool:
        """Tell whether Redis knows of a token's successor."""
        name = hashlib.sha256(key.encode()).hexdigest()
        value = self.redis.admin.get(f"authkit:outcome:{name}")
        return value is not None and not value.startswith(REFUSED.encode())

    async def _take_redis_away(self) -> None:
        """Stop Redis for a while, or kill it; at times it comes back without its data."""
        ways = {
            "stopped": (self.redis.stop, self.redis.go_on),
            "killed": (self.redis.kill, self.redis.start),
            "killed and emptied": (self.redis.kill, self._start_redis_empty),
        }
        while time.monotonic() < self.until:
            await asyncio.sleep(self.random.uniform(5, 15))
            way = self.random.choice(list(ways))
            begin, end = ways[way]
            await self._keep_to_own_workers()
            down = time.time()
            begin()
            await asyncio.sleep(self.random.uniform(0.2, 4))
            await asyncio.to_thread(end)
            self.incidents.outages.append((down, time.time()))
            self.counts[f"Redis {way}"] += 1
            await asyncio.sleep(max(LATE_SECONDS, _UNDER_WAY_SECONDS))
            self.around.any_worker.set()

    async def _keep_to_own_workers(self) -> None:
        """Let each browser keep to a worker, and wait until what others are at has ended."""
        self.around.any_worker.clear()
        while self.around.at_any_worker:  # noqa: ASYNC110  # browsers count, and wait for nobody
            await asyncio.sleep(0.1)
        await asyncio.sleep(_UNDER_WAY_SECONDS)

    def _start_redis_empty(self) -> None:
        shutil.rmtree(self.redis.folder / "appendonlydir")
        self.redis.start()
        self.incidents.emptied.append(time.time())

    def reasons(self) -> collections.Counter[str]:
        """Return why sessions were lost, and print each, with its story if there is no reason."""
        records = read_records(self._evidence)
        reasons: collections.Counter[str] = collections.Counter()
        for loss in (loss for browser in self.browsers for loss in browser.losses):
            session = unseal_session(loss.first_cookie, PASSWORD)
            first = refresh_key(session.refresh_token)
            reason = explain(first, records, self.incidents)
            reasons[reason] += 1
            print(f"lost: {loss}: {reason}")
            if reason == UNEXPLAINED:
                print("\n".join([*timeline(first, records, self.incidents), *loss.history]))
        return reasons

    def ended(self) -> int:
        """Return how many browsers have a session that WorkOS has ended."""
        alive = {user_id: self.workos.session_ids(user_id) for user_id in set(self.around.user_ids)}
        signed_in = [browser.who for browser in self.browsers if browser.who is not None]
        self.counts["browsers signed in at the end"] = len(signed_in)
        return sum(who.session_id not in alive[who.user_id] for who in signed_in)

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
        ports = front_ports()
        origin = f"http://localhost:{ports[0]}"
        evidence = folder / "evidence"
        evidence.touch()
        variables = site_variables(evidence, origin)
        started = stack.enter_context(
            workers(workos, WORKERS, redis_url=redis.url, site=SITE, is_patient=False, **variables)
        )
        worker_ports = [worker.port for worker in started]
        around = Surroundings(
            fronts=stack.enter_context(caching_front(folder, worker_ports, ports)),
            origin=origin,
            workos_port=workos.port,
            user_ids=[member.user_id for member in members],
            random=random.Random(),  # noqa: S311  # no secret
        )
        soak = Soak(workos, started, redis, around, variables)
        print(f"memory at the start: {soak.memory}", flush=True)
        asyncio.run(soak.run([member.cookie for member in members], seconds))
        print(f"memory at the end: {soak.memory} (the first was never restarted)")
        statuses = workos.exchanges()
        ended = soak.ended()
        reasons = soak.reasons()
    print("\n".join(around.violations))
    for name, count in sorted(soak.counts.items()):
        print(f"{name}: {count}")
    print(f"exchanges: {len(statuses)}, {statuses.count(200)} of them granted")
    print(f"sessions that have ended although their browsers have them: {ended}")
    print(f"sessions lost: {reasons.total()}")
    for reason, count in sorted(reasons.items()):
        print(f"  {reason}: {count}")
    print(f"what is another's: {len(around.violations)}")
    idle = idle_caches(around.fronts, soak.counts)
    print("\n".join(f"nothing came out of the cache {name}" for name in idle))
    return 1 if reasons[UNEXPLAINED] or around.violations or ended or idle else 0


def idle_caches(fronts: Sequence[Front], counts: collections.Counter[str]) -> list[str]:
    """Return the names of the caches that have served nothing, and so have proven nothing."""
    return [front.name for front in fronts if not counts[f"cache {front.name}: HIT"]]


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
