"""Sessions kept in Redis (6.2 or newer) or Valkey, for all workers that share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.redis_connection import ForeignTypeError, RedisConnection, RedisDownError
from authkit_asgi.stores import ENDED

_FOREIGN = "?"  # what nobody can unseal
_WHILE_UNREAD = "nobody's session can be read"
_WHILE_UNWRITTEN = "sessions can be neither stored nor ended"

# KEYS: session, its owner's (a sorted set by the end of their lives), if it has an owner. ARGV:
# value, seconds, key, end of its life, now; and what is expected, if anything. Of the owner's some
# that are gone or ended are struck off each time, so that the living are the most of them.
_PUT = """
if redis.call('GET', KEYS[1]) ~= (ARGV[6] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if KEYS[2] then
  if redis.call('TYPE', KEYS[2]).ok ~= 'zset' then redis.call('DEL', KEYS[2]) end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
  local start = string.sub(KEYS[1], 1, -#ARGV[3] - 1)
  for _, key in ipairs(redis.call('ZRANDMEMBER', KEYS[2], 10)) do
    if redis.pcall('STRLEN', start .. key) == 0 then redis.call('ZREM', KEYS[2], key) end
  end
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
  if redis.call('TTL', KEYS[2]) < tonumber(ARGV[2]) then
    redis.call('EXPIRE', KEYS[2], ARGV[2])
  end
end
return 1
"""


class RedisSessionStore:
    """A `SessionStore` for all workers that share a Redis.

    Redis holds no secret in the clear: keys are hashes, values are sealed with a password derived
    from the cookie password, and every key expires. It should keep its data over a restart
    (append-only file) and evict nothing (``maxmemory-policy noeviction``): what is gone signs
    people out. Redis Cluster is not supported.

    Args:
        redis: Its URL (clients are made for each event loop), or a client, used as it is and never
            closed.
        prefix: What all keys begin with; applications that share a Redis need one each.
        clock: Seconds since the epoch.

    Raises:
        ConfigurationError: `redis` is neither.
    """

    def __init__(
        self,
        redis: Redis | str,
        *,
        prefix: str = "authkit",
        clock: Callable[[], float] = time.time,
    ) -> None:
        probe = f"{prefix}:probe"
        self._writes = RedisConnection(redis, probe=probe, while_down=_WHILE_UNWRITTEN)
        self._reads = self._writes.reader(while_down=_WHILE_UNREAD)
        self._prefix = prefix
        self._clock = clock

    async def get(self, key: str) -> str | None:
        """See `SessionStore.get`."""
        try:
            value = await _call(self._reads, "GET", self._session(key))
        except ForeignTypeError:
            return _FOREIGN
        return None if value is None else value.decode("latin-1")

    async def put(
        self, key: str, value: str, *, expected: str | None, owner: str, seconds: int
    ) -> bool:
        """See `SessionStore.put`."""
        names = [self._session(key), *([self._owned(owner)] if owner else ())]
        now = int(self._clock())
        arguments: list[str | int] = [value, seconds, key, now + seconds, now]
        if expected is not None:
            arguments.append(expected)
        try:
            return bool(await _call(self._writes, "EVAL", _PUT, len(names), *names, *arguments))
        except ForeignTypeError:
            return False

    async def end(self, key: str, *, seconds: int) -> None:
        """See `SessionStore.end`."""
        await _call(self._writes, "SET", self._session(key), ENDED, "EX", seconds)

    async def keys(self, owner: str) -> Sequence[str]:
        """See `SessionStore.keys`."""
        try:
            found = await _call(
                self._reads, "ZRANGE", self._owned(owner), f"({self._clock()}", "+inf", "BYSCORE"
            )
        except ForeignTypeError:
            return []
        return [key.decode("latin-1") for key in found]

    async def open(self) -> None:
        """See `SessionStore.open`."""
        self._writes.keep()

    async def aclose(self) -> None:
        """See `SessionStore.aclose`."""
        await self._writes.release()

    def _session(self, key: str) -> str:
        return f"{self._prefix}:session:{key}"

    def _owned(self, owner: str) -> str:
        return f"{self._prefix}:sessions-of:{owner}"


async def _call(connection: RedisConnection, *command: str | int) -> Any:
    try:
        return await connection.call(*command)
    except ForeignTypeError:
        raise
    except RedisDownError:
        pass
    # Outside of the handler: what the library says in its words holds the address.
    raise StoreUnavailableError("Redis cannot be used", retry_after=1)
