"""Refreshing once for all workers: coordination through Redis (6.2 or newer) or Valkey."""

from __future__ import annotations

import contextlib
import hashlib
import random
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import anyio
from redis.asyncio import Redis

from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.outcomes import LATE_SECONDS, LIFETIME, Outcome
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.redis_connection import CALL_SECONDS, RedisConnection, RedisDownError
from authkit_asgi.refresh import Exchange, InProcessRefreshCoordinator, Landing, Successor
from authkit_asgi.sealed_outcomes import OutcomeSealer

_POLL_SECONDS = (0.02, 0.06)
_POLLERS = 40  # tokens waited for at once; beyond, each is looked for less often
_LEASE_MARGIN_SECONDS = 2  # by which a lock outlives the deadline of its holder
_MAX_HOPS = 10  # successors of successors followed in one look
_MAX_TOLD = 10_000

_ENDED = -1

# What has become of a token; else the lock on it. KEYS: outcome, lock, ended. ARGV: owner, lease.
_BEGIN = """
if redis.call('GET', KEYS[3]) == 'signed out' then return -1 end
local known = redis.call('GET', KEYS[1])
if known then return known end
local is_free = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
-- A command whose answer was lost is repeated.
if is_free or redis.call('GET', KEYS[2]) == ARGV[1] then return 1 end
return 0
"""
# Who has lost the lock overwrites nothing. KEYS: outcome, lock, ended, predecessor of the
# successor, which a refusal has not. ARGV: owner, value, lifetime, key.
_PUBLISH = """
if redis.call('GET', KEYS[2]) == ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  if KEYS[4] then redis.call('SET', KEYS[4], ARGV[4], 'EX', ARGV[3]) end
end
return redis.call('GET', KEYS[3])
"""
# KEYS: any. ARGV: its value.
_COMPARE_AND_DELETE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisRefreshCoordinator:
    """Lets one worker exchange a refresh token for all that share a Redis.

    Within a process one flight asks Redis for all who wait. While Redis is down, hangs or refuses
    writes, each process coordinates itself, with one warning; it comes back by itself.

    Redis holds no secret in the clear: what is stored is sealed with a password derived from the
    cookie password, under the SHA-256 of the refresh token; every key expires.

    Args:
        redis: Its URL (one client per event loop is made), or a client, used as it is and never
            closed.
        cookie_password: The setting of that name.
        timeout: Seconds a refresh may take in all; `AuthKitConfig.refresh_timeout`.
        prefix: What all keys begin with; applications that share a Redis need one each.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        redis: Redis | str,
        *,
        cookie_password: CookiePassword,
        timeout: float = 10,
        prefix: str = "authkit",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._local = InProcessRefreshCoordinator(timeout=timeout, clock=clock)
        self._sealer = OutcomeSealer(cookie_password, clock=clock)
        self._redis = RedisConnection(redis, probe=f"{prefix}:probe")
        self._timeout = timeout
        self._clock = clock
        self._prefix = prefix
        self._told: OrderedDict[str, None] = OrderedDict()
        self._tasks = BackgroundTasks()
        self._waiting = 0

    async def run(self, key: str, exchange: Exchange) -> Landing:
        """See `RefreshCoordinator.run`."""
        return await self._local.run(key, _SharedExchange(self, key, exchange))

    def is_under_way(self, key: str) -> bool:
        """See `RefreshCoordinator.is_under_way`."""
        return self._local.is_under_way(key)

    def recall(self, key: str) -> Iterator[Outcome]:
        """See `RefreshCoordinator.recall`."""
        return self._local.recall(key)

    async def newest(self, key: str, session_id: str | None) -> str | None:
        """See `RefreshCoordinator.newest`."""
        last = key
        for known in self._local.recall(key):
            last = known.successor_key or last
        try:
            for _ in range(_MAX_HOPS):
                value, ended = await self._redis.call(
                    "MGET", self._name("outcome", last), self._name("ended", session_id or "")
                )
                await self._note_end(session_id, ended)
                outcome = self._sealer.open(last, value)
                if outcome is None or outcome.successor_key is None:
                    break
                self._local.remember(last, outcome)
                last = outcome.successor_key
        except RedisDownError:
            pass
        return await self._local.newest(key, session_id)

    async def forget(self, key: str, outcome: Outcome) -> None:
        """See `RefreshCoordinator.forget`."""
        await self._local.forget(key, outcome)
        name = self._name("outcome", key)
        try:
            value = await self._redis.call("GET", name)
            if self._sealer.open(key, value) == outcome:
                await self._delete_if(name, value)
        except RedisDownError:
            pass

    def see(self, key: str) -> None:
        """See `RefreshCoordinator.see`."""
        self._local.see(key)
        if key in self._told:
            return
        self._told[key] = None
        if len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        self._tasks.start(self._tell_seen(key))

    async def end(self, session_id: str | None, *, is_superseded: bool = False) -> None:
        """See `RefreshCoordinator.end`."""
        await self._local.end(session_id, is_superseded=is_superseded)
        if session_id is not None:
            how = ("superseded", "NX") if is_superseded else ("signed out",)
            await self._try("SET", self._name("ended", session_id), *how, "EX", LIFETIME)

    async def begin(self, session_id: str | None) -> None:
        """See `RefreshCoordinator.begin`."""
        await self._local.begin(session_id)
        await self._try("DEL", self._name("ended", session_id or ""))

    def is_ended(self, session_id: str | None, *, or_superseded: bool = False) -> bool:
        """See `RefreshCoordinator.is_ended`."""
        return self._local.is_ended(session_id, or_superseded=or_superseded)

    async def open(self) -> None:
        """See `RefreshCoordinator.open`."""
        self._redis.keep()

    async def aclose(self) -> None:
        """See `RefreshCoordinator.aclose`."""
        await self._local.aclose()
        await self._tasks.aclose(CALL_SECONDS)
        await self._redis.release()

    async def exchange_for_all(self, key: str, exchange: Exchange) -> Outcome:
        """Return a token's outcome: another worker's, or of the exchange performed here."""
        deadline = anyio.current_time() + self._timeout
        owner = secrets.token_hex(16)
        while True:
            try:
                found = await self._begin(key, exchange, owner)
            except RedisDownError:
                return await self._perform(key, exchange, owner)
            if isinstance(found, Outcome):
                return found
            if found:
                try:
                    return await self._perform(key, exchange, owner)
                finally:
                    await self._release(key, owner)
            if anyio.current_time() >= deadline:
                raise WorkOSUnavailableError("Another worker's refresh did not end in time")
            await self._wait_a_little()

    async def _wait_a_little(self) -> None:
        seconds = random.uniform(*_POLL_SECONDS)  # noqa: S311  # no secret
        self._waiting += 1
        try:
            await anyio.sleep(seconds * max(1, self._waiting / _POLLERS))
        finally:
            self._waiting -= 1

    async def _begin(self, key: str, exchange: Exchange, owner: str) -> Outcome | bool:
        """Return what has become of a token; else whether it is now `owner`'s to exchange."""
        name = self._name("outcome", key)
        lease = int((self._timeout + _LEASE_MARGIN_SECONDS) * 1000)
        names = (name, self._name("lock", key), self._name("ended", exchange.session_id or ""))
        found = await self._redis.call("EVAL", _BEGIN, 3, *names, owner, lease)
        if found == _ENDED:
            await self._local.end(exchange.session_id)
            return Outcome(
                organization_id=exchange.organization_id,
                session_id=exchange.session_id,
                at=self._clock(),
                refusal="signed_out",
            )
        if isinstance(found, int):
            return bool(found)
        outcome = self._sealer.open(key, found)
        if outcome is not None:
            return outcome
        await self._delete_if(name, found)  # of another password, or not ours at all
        return await self._begin(key, exchange, owner)

    async def _perform(self, key: str, exchange: Exchange, owner: str) -> Outcome:
        outcome = await exchange.perform()
        if outcome.successor_key == key:
            return outcome
        names = [
            self._name("outcome", key),
            self._name("lock", key),
            self._name("ended", exchange.session_id or ""),
        ]
        if outcome.successor_key is not None:
            names.append(self._name("before", outcome.successor_key))
        value = self._sealer.seal(key, outcome)
        ended = await self._try("EVAL", _PUBLISH, len(names), *names, owner, value, LIFETIME, key)
        await self._note_end(exchange.session_id, ended)
        return outcome

    async def _note_end(self, session_id: str | None, ended: bytes | None) -> None:
        if ended is not None:
            await self._local.end(session_id, is_superseded=ended == b"superseded")

    async def _tell_seen(self, key: str) -> None:
        """Let what was remembered for requests without the new cookie expire soon."""
        with contextlib.suppress(RedisDownError):
            for _ in range(_MAX_HOPS):
                found = await self._redis.call("GETDEL", self._name("before", key))
                if found is None:
                    return
                key = found.decode("latin-1")
                await self._redis.call("EXPIRE", self._name("outcome", key), LATE_SECONDS)

    async def _release(self, key: str, owner: str) -> None:
        with contextlib.suppress(RedisDownError):  # then the lock ends by itself
            await self._delete_if(self._name("lock", key), owner)

    async def _delete_if(self, name: str, value: bytes | str) -> None:
        await self._redis.call("EVAL", _COMPARE_AND_DELETE, 1, name, value)

    async def _try(self, *command: str | bytes | int) -> Any:
        try:
            return await self._redis.call(*command)
        except RedisDownError:
            return None

    def _name(self, kind: str, subject: str) -> str:
        return f"{self._prefix}:{kind}:{hashlib.sha256(subject.encode()).hexdigest()}"


class _SharedExchange:
    """An exchange that asks the other workers first."""

    def __init__(self, coordinator: RedisRefreshCoordinator, key: str, exchange: Exchange) -> None:
        self._coordinator = coordinator
        self._key = key
        self._exchange = exchange
        self.organization_id = exchange.organization_id
        self.session_id = exchange.session_id

    async def perform(self) -> Outcome:
        return await self._coordinator.exchange_for_all(self._key, self._exchange)

    async def accept(self, outcome: Outcome) -> Successor:
        return await self._exchange.accept(outcome)
