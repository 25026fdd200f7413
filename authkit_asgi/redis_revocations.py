"""Sessions that are over, as workers tell each other through Redis: at once, and again later."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import SealError
from authkit_asgi.latest_ends import SessionEnd
from authkit_asgi.outcomes import LIFETIME
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.redis_connection import RedisConnection, Subscription
from authkit_asgi.redis_outcomes import ended_name
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.seal import is_seal, seal, unseal
from authkit_asgi.session import MAX_KEPT_LENGTH

_PURPOSE = "authkit_asgi revocation, version 1"
_NAMING = "authkit_asgi revocation's name, version 1"
_MAX_RECORDS = 10_000  # of sessions, and as many of users
_PAGE = 50  # records read at once; opening them holds the event loop for some milliseconds
_REPEAT_SECONDS = 60  # within which an end that is told again is news to nobody

# One record of each subject: `at`, `mark` and what is sealed, of which the newest stands. Storing
# and publishing are one step, so that whoever subscribes first and reads then misses nothing. The
# names are sorted by the end of the records' lives, by Redis's own clock. What a stale record would
# say of the end that is asked for before a refresh is left unsaid, too. KEYS: names, records, the
# session's end. ARGV: name, at, mark, sealed, lifetime, how many are kept, channel, seconds within
# which the same mark is no news, whether it is to be known where nothing is. Returns the
# newer record that contradicts it.
_PUBLISH = """
local names, records, name, at, mark = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000  -- of two in one second the first goes first
for _, old in ipairs(redis.call('ZRANGEBYSCORE', names, '-inf', now)) do
  redis.call('HDEL', records, old)
  redis.call('ZREM', names, old)
end
if redis.call('EXISTS', names) == 0 then redis.call('DEL', records) end
local known = redis.call('HGET', records, name) or ''
local known_at, known_mark = string.match(known, '^(%S+) (%S+) ')
local stood = tonumber(known_at)
if stood and not (at > stood or (at == stood and mark == 'over' and known_mark ~= mark)) then
  return known_mark ~= mark and known
end
if KEYS[3] and mark == 'over' then
  redis.call('SET', KEYS[3], 'signed out', 'EX', ARGV[5])
elseif KEYS[3] then
  redis.call('DEL', KEYS[3])
end
if not stood and ARGV[9] == '0' then return false end
redis.call('HSET', records, name, ARGV[2] .. ' ' .. mark .. ' ' .. ARGV[4])
if stood and known_mark == mark and at - stood < tonumber(ARGV[8]) then return false end
redis.call('ZADD', names, now + tonumber(ARGV[5]), name)
local kept = tonumber(ARGV[6])
for _, old in ipairs(redis.call('ZREVRANGE', names, kept, -1)) do
  redis.call('HDEL', records, old)
  redis.call('ZREM', names, old)
end
redis.call('EXPIRE', names, ARGV[5])
redis.call('EXPIRE', records, ARGV[5])
redis.call('PUBLISH', ARGV[7], ARGV[4])
return false
"""


Notice = SessionEnd | UserRevocation


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Where records of one kind are; no other kind's can push them out."""

    names: str
    records: str


class RevocationFeed:
    """Tells all workers, and has told them for an hour; raises `RedisDownError` where Redis fails.

    Redis sees neither whose sessions these are nor which, and cannot make up any: a record is
    sealed with a password derived from the cookie password, and named by an HMAC with another.
    """

    def __init__(
        self,
        redis: RedisConnection,
        cookie_password: CookiePassword,
        *,
        prefix: str,
        clock: Callable[[], float],
    ) -> None:
        self._redis = redis
        self._passwords = derived_passwords(cookie_password, _PURPOSE)
        self._naming = derived_passwords(cookie_password, _NAMING)[0].encode()
        self._prefix = prefix
        self._users, self._sessions = (
            _Shelf(f"{prefix}:revoked:{kind}", f"{prefix}:revoked:{kind}:records")
            for kind in ("users", "sessions")
        )
        self._clock = clock
        self.channel: str = f"{prefix}:revoked"
        """Where records are published."""

    async def publish(self, notice: Notice, *, is_news: bool = True) -> Notice | None:
        """Tell the workers that listen, and those that will, unless something newer was told.

        A session's note for those that ask before they refresh is written, or deleted, too. Of one
        that has begun nobody else is told without `is_news`, unless its end was told.

        Returns what contradicts it, and happened since.
        """
        subject: list[str | None]
        if isinstance(notice, UserRevocation):
            repeat, at, mark = 0, notice.before, "over"
            keys = [self._users.names, self._users.records]
            subject = [notice.user_id, notice.organization_id]
        else:
            repeat, at, mark = _REPEAT_SECONDS, notice.at, "over" if notice.is_over else "begun"
            keys = [self._sessions.names, self._sessions.records]
            keys.append(ended_name(self._prefix, notice.session_id))
            subject = [notice.session_id]
        name = hmac.digest(self._naming, json.dumps(subject).encode(), "sha256").hex()
        newer = await self._redis.call(
            *("EVAL", _PUBLISH, len(keys)),
            *keys,
            *(name, repr(float(at)), mark, self._seal(notice), LIFETIME, _MAX_RECORDS),
            *(self.channel, repeat, int(is_news or mark == "over")),
        )
        return self._read_record(newer)

    async def published(self, subscription: Subscription) -> AsyncIterator[Notice]:
        """Yield what has been told within the hour, users first, and the newest first."""
        for shelf in (self._users, self._sessions):
            # From the newest on: what expires meanwhile is at the other end, and moves nothing.
            for start in range(0, _MAX_RECORDS, _PAGE):
                names = await subscription.call("ZREVRANGE", shelf.names, start, start + _PAGE - 1)
                records = await subscription.call("HMGET", shelf.records, *names) if names else []
                for record in records:
                    notice = self._read_record(record)
                    if notice is not None:
                        yield notice
                if len(names) < _PAGE:
                    break
                await asyncio.sleep(0)

    def lost(self, told: set[Notice], known: Iterable[Notice]) -> list[Notice]:
        """Return what is known here and was not among what is `published`, although it has room."""
        kinds = Counter(map(type, told))
        return [
            notice for notice in known if notice not in told and kinds[type(notice)] < _MAX_RECORDS
        ]

    def read(self, text: Any) -> Notice | None:
        """Return what a worker has published; `None` for what nobody of us has."""
        text = text.decode("latin-1") if isinstance(text, bytes) else text
        if not isinstance(text, str) or not is_seal(text, max_length=MAX_KEPT_LENGTH):
            return None
        try:
            content = unseal(
                text,
                self._passwords,
                ttl=LIFETIME,
                max_length=MAX_KEPT_LENGTH,
                clock=self._clock,
            )
        except SealError:
            return None
        return _opened(content)

    def _read_record(self, record: bytes | None) -> Notice | None:
        # What precedes the seal is for scripts: it is believed by nobody else.
        return self.read((record or b"").rpartition(b" ")[2])

    def _seal(self, notice: Notice) -> str:
        content: dict[str, Any]
        if isinstance(notice, SessionEnd):
            content = {"at": notice.at, "sid": notice.session_id, "over": notice.is_over}
        else:
            content = {"sub": notice.user_id, "before": notice.before}
            content["org"] = notice.organization_id
        return seal(
            content, self._passwords, ttl=LIFETIME, max_length=MAX_KEPT_LENGTH, clock=self._clock
        )


def _opened(content: Any) -> Notice | None:
    # Written by us, as the seal's password shows; but perhaps by another version of us.
    match content:
        case {"at": int() | float() as at, "sid": str() as session_id, "over": bool() as is_over}:
            return SessionEnd(session_id, at, is_over)
        case {
            "sub": str() as user_id,
            "org": str() | None as organization_id,
            "before": int() | float() as before,
        }:
            with contextlib.suppress(ValueError):
                return UserRevocation(
                    user_id=user_id, organization_id=organization_id, before=before
                )
    return None
