"""Sessions kept in Redis (6.2 or newer) or Valkey, for all workers that share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.redis_connection import ForeignTypeError, RedisConnection, RedisDownError
from authkit_asgi.stores import ENDED

_FOREIGN = "?"  # what nobody can unseal
_PER_LOOK = 100  # values looked at in one call
_WHILE_DOWN = "nobody's session can be read or written"

# KEYS: session, its owner's (a sorted set by the end of their lives), if it has an owner. ARGV:
# value, seconds, key, end of its life, now; and what is expected, if anything.
_PUT = """
if redis.call('GET', KEYS[1]) ~= (ARGV[6] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if KEYS[2] then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
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
        # Apart, as one that takes no writes may still be read.
        self._reads = RedisConnection(redis, probe=probe, is_read=True, while_down=_WHILE_DOWN)
        self._writes = RedisConnection(redis, probe=probe, while_down=_WHILE_DOWN)
        self._prefix = prefix
        self._clock = clock

    async def get(self, key: str) -> str | None:
        """See `SessionStore.get`."""
        try:
            value = await self._reads.call("GET", self._session(key))
        except ForeignTypeError:
            return _FOREIGN
        except RedisDownError:
            raise _unavailable() from None
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
            return bool(await self._writes.call("EVAL", _PUT, len(names), *names, *arguments))
        except ForeignTypeError:
            return False
        except RedisDownError:
            raise _unavailable() from None

    async def end(self, key: str, *, seconds: int) -> None:
        """See `SessionStore.end`."""
        try:
            await self._writes.call("SET", self._session(key), ENDED, "EX", seconds)
        except RedisDownError:
            raise _unavailable() from None

    async def keys(self, owner: str) -> Sequence[str]:
        """See `SessionStore.keys`."""
        try:
            found = await self._reads.call("ZRANGE", self._owned(owner), 0, -1)
            listed = [key.decode("latin-1") for key in found]
            there: list[str] = []
            for start in range(0, len(listed), _PER_LOOK):
                some = listed[start : start + _PER_LOOK]
                values = await self._reads.call("MGET", *map(self._session, some))
                there += [key for key, value in zip(some, values, strict=True) if value]
        except ForeignTypeError:
            return []
        except RedisDownError:
            raise _unavailable() from None
        return there

    async def open(self) -> None:
        """See `SessionStore.open`."""
        self._reads.keep()
        self._writes.keep()

    async def aclose(self) -> None:
        """See `SessionStore.aclose`."""
        await self._reads.release()
        await self._writes.release()

    def _session(self, key: str) -> str:
        return f"{self._prefix}:session:{key}"

    def _owned(self, owner: str) -> str:
        return f"{self._prefix}:sessions-of:{owner}"


def _unavailable() -> StoreUnavailableError:
    return StoreUnavailableError("Redis cannot be used", retry_after=1)
