"""Outcomes, locks and notes of ended sessions, as all workers find them in Redis."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass

import anyio

from authkit_asgi.errors import SealError
from authkit_asgi.outcomes import LATE_SECONDS, LIFETIME, Outcome
from authkit_asgi.polling import Polling
from authkit_asgi.redis_connection import RedisConnection, RedisDownError
from authkit_asgi.sealed_outcomes import REFUSED, OutcomeSealer

SIGNED_OUT, SUPERSEDED = "signed out", "superseded"
"""How a session ends."""

_MAX_HOPS = 10  # predecessors of predecessors followed in one go

_ENDED = -1
_SEEN = b""
"""What stands in the place of a predecessor when its successor's cookie has been seen."""

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
# Who has lost the lock overwrites no successor, and nobody one with a refusal: that was earned with
# the spent token. KEYS: outcome, lock, ended, predecessor of the successor, which a refusal has
# not. ARGV: owner, value, lifetime, key, the mark of refusals.
_PUBLISH = """
local known = redis.call('GET', KEYS[1])
local is_owner = redis.call('GET', KEYS[2]) == ARGV[1]
if known and string.sub(known, 1, #ARGV[5]) ~= ARGV[5] and not (is_owner and KEYS[4]) then
  -- It stands.
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  if KEYS[4] then redis.call('SET', KEYS[4], ARGV[4], 'EX', ARGV[3]) end
  known = false
end
if is_owner then redis.call('DEL', KEYS[2]) end
return {known, redis.call('GET', KEYS[3])}
"""
# Not deleted: where nothing is, Redis may have been emptied. KEYS: predecessor.
_SEE = """
local before = redis.call('GET', KEYS[1])
if before and before ~= '' then redis.call('SET', KEYS[1], '', 'KEEPTTL') end
return before
"""
# KEYS: any. ARGV: its value.
_COMPARE_AND_DELETE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What Redis knows of a token and its session."""

    outcome: Outcome | None
    ended: str | None
    """How the session came to its end."""


class RedisOutcomes:
    """What the workers share; where Redis fails, all but `wait_for` raise `RedisDownError`."""

    def __init__(self, redis: RedisConnection, sealer: OutcomeSealer, *, prefix: str) -> None:
        self._redis = redis
        self._sealer = sealer
        self._prefix = prefix

    async def begin(
        self, key: str, session_id: str | None, *, owner: str, lease: float
    ) -> Found | bool:
        """Return what is known of a token; else whether it is now `owner`'s for `lease` seconds.

        Raises:
            SealError: Something is known that cannot be read here.
        """
        name = self._name("outcome", key)
        names = (name, self._name("lock", key), self._name("ended", session_id or ""))
        found = await self._redis.call("EVAL", _BEGIN, 3, *names, owner, int(lease * 1000))
        if found == _ENDED:
            return Found(None, SIGNED_OUT)
        if isinstance(found, int):
            return bool(found)
        outcome = self._sealer.open(key, found)
        if outcome is not None:
            return Found(outcome, None)
        await self._delete_if(name, found)  # not ours at all
        return False

    async def publish(self, key: str, outcome: Outcome, *, owner: str) -> Found:
        """Store what became of a token and release its lock; return what is known beside that.

        The outcome found is the one that stands in its place.
        """
        names = [
            self._name("outcome", key),
            self._name("lock", key),
            self._name("ended", outcome.session_id or ""),
        ]
        if outcome.successor_key is not None:
            names.append(self._name("before", outcome.successor_key))
        value = self._sealer.seal(key, outcome)
        stored, ended = await self._redis.call_at_once(
            "EVAL", _PUBLISH, len(names), *names, owner, value, LIFETIME, key, REFUSED
        )
        return Found(self._readable(key, stored), _text(ended))

    async def look(self, key: str, session_id: str | None) -> Found:
        """Return what is known, as far as it can be read here."""
        names = (self._name("outcome", key), self._name("ended", session_id or ""))
        stored, ended = await self._redis.call("MGET", *names)
        return Found(self._readable(key, stored), _text(ended))

    async def forget(self, key: str, outcome: Outcome) -> None:
        """Drop an outcome, unless another has taken its place."""
        name = self._name("outcome", key)
        stored = await self._redis.call("GET", name)
        if self._readable(key, stored) == outcome:
            await self._delete_if(name, stored)

    async def release(self, key: str, owner: str) -> None:
        """Let others exchange the token."""
        await self._redis.call_at_once(
            "EVAL", _COMPARE_AND_DELETE, 1, self._name("lock", key), owner
        )

    async def is_seen(self, key: str) -> bool | None:
        """Tell whether a worker has seen a successor's cookie; `None` if nothing is known of it."""
        found = await self._redis.call("GET", self._name("before", key))
        return None if found is None else found == _SEEN

    async def see(self, key: str) -> None:
        """Let what is kept for requests without this token's cookie expire soon."""
        for _ in range(_MAX_HOPS):
            found = await self._redis.call("EVAL", _SEE, 1, self._name("before", key))
            if found is None or found == _SEEN:
                return
            key = found.decode("latin-1")
            await self._redis.call("EXPIRE", self._name("outcome", key), LATE_SECONDS)

    async def wait_for(
        self, key: str, session_id: str | None, *, deadline: float, polling: Polling
    ) -> Found | bool:
        """Return what another worker makes known of a token, although Redis fails meanwhile.

        False when the deadline, in the event loop's time, has come.
        """
        while anyio.current_time() < deadline:
            with contextlib.suppress(RedisDownError):
                found = await self.look(key, session_id)
                if found.ended == SIGNED_OUT:
                    return Found(None, SIGNED_OUT)
                if found.outcome is not None:
                    return found
            await polling.wait()
        return False

    async def supersede(self, session_id: str) -> None:
        """Note that another session has taken the place of this one."""
        # Who has signed out stays so.
        name = ended_name(self._prefix, session_id)
        await self._redis.call("SET", name, SUPERSEDED, "NX", "EX", LIFETIME)

    async def _delete_if(self, name: str, value: bytes | str) -> None:
        await self._redis.call("EVAL", _COMPARE_AND_DELETE, 1, name, value)

    def _readable(self, key: str, stored: bytes | None) -> Outcome | None:
        try:
            return self._sealer.open(key, stored)
        except SealError:
            return None

    def _name(self, kind: str, subject: str) -> str:
        return _name(self._prefix, kind, subject)


def ended_name(prefix: str, session_id: str) -> str:
    """Return the key under which is noted how a session has come to its end."""
    return _name(prefix, "ended", session_id)


def _name(prefix: str, kind: str, subject: str) -> str:
    digest = hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()
    return f"{prefix}:{kind}:{digest}"


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
