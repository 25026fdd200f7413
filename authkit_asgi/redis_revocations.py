"""Sessions that are over, as workers tell each other through Redis: at once, and again later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import SealError
from authkit_asgi.outcomes import LIFETIME
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.redis_connection import RedisConnection, Subscription
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.seal import is_seal, seal, unseal
from authkit_asgi.session import MAX_KEPT_LENGTH

_PURPOSE = "authkit_asgi revocation, version 1"
_MAX_RECORDS = 10_000
_PAGE = 200  # records read at once; opening them holds the event loop for some milliseconds

# Both in one step, so that whoever subscribes first and reads then misses nothing. The set is
# sorted by the end of the records' lives, by Redis's own clock. KEYS: records. ARGV: record,
# lifetime, how many are kept, channel.
_PUBLISH = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000  -- of two in one second the first goes first
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[3]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('PUBLISH', ARGV[4], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A session that is over, or that has begun anew although it was."""

    session_id: str
    is_over: bool = True


Notice = SessionEnd | UserRevocation


class RevocationFeed:
    """Tells all workers, and has told them for an hour; raises `RedisDownError` where Redis fails.

    Redis sees neither whose sessions these are nor which, and cannot make up any: a record is
    sealed with a password derived from the cookie password.
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
        self._records = f"{prefix}:revocations"
        self._clock = clock
        self.channel = f"{prefix}:revoked"
        """Where records are published."""

    async def publish(self, notice: Notice) -> None:
        """Tell the workers that listen, and those that will."""
        await self._redis.call(
            *("EVAL", _PUBLISH, 1, self._records),
            *(self._seal(notice), LIFETIME, _MAX_RECORDS, self.channel),
        )

    async def published(self, subscription: Subscription) -> list[Notice]:
        """Return what has been told within the hour, the oldest first."""
        found: dict[bytes, tuple[float, Notice]] = {}
        # From the newest on: what expires meanwhile is at the other end, and moves nothing.
        for start in range(0, _MAX_RECORDS, _PAGE):
            end = start + _PAGE - 1
            texts = await subscription.call("ZREVRANGE", self._records, start, end)
            for text in texts:
                opened = self._open(text)
                if opened is not None:
                    found[text] = opened
            if len(texts) < _PAGE:
                break
            await asyncio.sleep(0)
        return [notice for _, notice in sorted(found.values(), key=lambda each: each[0])]

    def read(self, text: Any) -> Notice | None:
        """Return what a worker has published; `None` for what nobody of us has."""
        opened = self._open(text)
        return None if opened is None else opened[1]

    def _seal(self, notice: Notice) -> str:
        content: dict[str, Any] = {"at": self._clock()}
        if isinstance(notice, SessionEnd):
            content |= {"sid": notice.session_id, "over": notice.is_over}
        else:
            content |= {"sub": notice.user_id, "before": notice.before}
            content["org"] = notice.organization_id
        return seal(
            content, self._passwords, ttl=LIFETIME, max_length=MAX_KEPT_LENGTH, clock=self._clock
        )

    def _open(self, text: Any) -> tuple[float, Notice] | None:
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


def _opened(content: Any) -> tuple[float, Notice] | None:
    # Written by us, as the seal's password shows; but perhaps by another version of us.
    match content:
        case {"at": int() | float() as at, "sid": str() as session_id, "over": bool() as is_over}:
            return at, SessionEnd(session_id, is_over)
        case {
            "at": int() | float() as at,
            "sub": str() as user_id,
            "org": str() | None as organization_id,
            "before": int() | float() as before,
        }:
            return at, UserRevocation(
                user_id=user_id, organization_id=organization_id, before=before
            )
    return None
