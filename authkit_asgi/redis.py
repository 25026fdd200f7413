"""Refreshing once for all workers: coordination through Redis (6.2 or newer) or Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import time
import weakref
from collections.abc import Callable, Iterator

import anyio
from redis.asyncio import Redis

from authkit_asgi.auth import Claims
from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import SealError, WorkOSUnavailableError
from authkit_asgi.outcomes import Outcome
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.polling import Polling
from authkit_asgi.redis_connection import CALL_SECONDS, RedisConnection, RedisDownError
from authkit_asgi.redis_listener import RevocationListener
from authkit_asgi.redis_outcomes import SIGNED_OUT, SUPERSEDED, Found, RedisOutcomes
from authkit_asgi.redis_revocations import RevocationFeed
from authkit_asgi.redis_store import RedisSessionStore
from authkit_asgi.refresh import Exchange, InProcessRefreshCoordinator, Landing
from authkit_asgi.revocations import Revocations, UserRevocation
from authkit_asgi.sealed_outcomes import OutcomeSealer
from authkit_asgi.seen_cookies import SeenCookies
from authkit_asgi.shared_ends import SharedEnds
from authkit_asgi.shared_exchange import SharedExchange
from authkit_asgi.waiting import Waiting

_RETRY_SECONDS = (0.05, 1)  # between attempts to publish: at first, later
_LEASE_MARGIN_SECONDS = 2  # by which a lock outlives the deadline of its holder
_MAX_HOPS = 10  # successors of successors followed in one look


__all__ = ["RedisRefreshCoordinator", "RedisSessionStore"]


class RedisRefreshCoordinator:
    """Lets one worker exchange a refresh token for all that share a Redis.

    Within a process one flight asks Redis for all who wait. While Redis is down, hangs or refuses
    writes, each process coordinates itself, with one warning; it comes back by itself, and what
    the others should know is told them then.

    Redis holds no secret in the clear: what is stored is sealed with a password derived from the
    cookie password, under the SHA-256 of the refresh token; every key expires.

    Args:
        redis: Its URL (one client per event loop is made), or a client, which is never closed.
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
        self._redis = RedisConnection(redis, probe=f"{prefix}:probe")
        sealer = OutcomeSealer(cookie_password, clock=clock)
        self._shared = RedisOutcomes(self._redis, sealer, prefix=prefix)
        self._timeout = timeout
        self._clock = clock
        self._unpublished: Waiting[str, str] = Waiting()  # tokens, and who held their locks
        # Of locks, so that one whose taking was not heard of can be taken again.
        self._owners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, str] = (
            weakref.WeakKeyDictionary()
        )
        self._tasks = BackgroundTasks()
        feed = RevocationFeed(self._redis, cookie_password, prefix=prefix, clock=clock)
        self._ends = SharedEnds(
            self._shared, feed, self._local, tell_later=self._tell_later, clock=clock
        )
        self._listener = RevocationListener(self._redis, feed, self._ends)
        self.revocations: Revocations = self._local.revocations
        self._seen_cookies = SeenCookies(self._shared, self._tasks)
        self._polling = Polling()

    async def run(self, key: str, exchange: Exchange) -> Landing:
        """See `RefreshCoordinator.run`."""
        known = next(self._local.recall(key), None)
        if known is not None and known.refusal is not None:
            # Perhaps of a token that was spent already, by a worker that could not say so then.
            with contextlib.suppress(RedisDownError):
                found = await self._shared.look(key, exchange.session_id)
                await self._note(key, found, exchange.session_id)
        ask = functools.partial(self.exchange_for_all, key, exchange)
        return await self._local.run(key, SharedExchange(exchange, ask))

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
        # A response waits for it; a call that hangs is noticed before.
        with contextlib.suppress(RedisDownError), anyio.move_on_after(1.5 * CALL_SECONDS):
            await self._note_seen(key)
            for _ in range(_MAX_HOPS):
                found = await self._shared.look(last, session_id)
                outcome = await self._note(last, found, session_id)
                if outcome is None:
                    break
                last = outcome.successor_key or ""
        return await self._local.newest(key, session_id)

    async def _note_seen(self, key: str) -> None:
        """Note whether another worker has seen a cookie; tell again what Redis has lost of it."""
        before = self._local.predecessor(key)
        if before is None or before in self._unpublished:
            return
        is_seen = await self._shared.is_seen(key)
        if is_seen:
            self._local.see(key)
        elif is_seen is None and (outcome := next(self._local.recall(before), None)):
            self._keep(before, outcome, "")
            self._tell_later()

    def is_awaited(self, key: str) -> bool:
        """See `RefreshCoordinator.is_awaited`."""
        return self._local.is_awaited(key)

    async def forget(self, key: str, outcome: Outcome) -> None:
        """See `RefreshCoordinator.forget`."""
        await self._local.forget(key, outcome)
        self._unpublished.discard(key)
        with contextlib.suppress(RedisDownError):
            await self._shared.forget(key, outcome)

    def see(self, key: str) -> None:
        """See `RefreshCoordinator.see`."""
        self._local.see(key)
        self._seen_cookies.note(key)

    async def end(self, session_id: str | None, *, is_superseded: bool = False) -> bool:
        """See `RefreshCoordinator.end`."""
        await self._local.end(session_id, is_superseded=is_superseded)
        how = SUPERSEDED if is_superseded else SIGNED_OUT
        return session_id is None or await self._ends.tell(session_id, how)

    async def revoke(self, revocation: UserRevocation) -> bool:
        """See `RefreshCoordinator.revoke`."""
        await self._local.revoke(revocation)
        return await self._ends.tell_revocation(revocation)

    async def begin(self, session_id: str | None) -> None:
        """See `RefreshCoordinator.begin`."""
        is_news = self._local.is_ended(session_id)
        await self._local.begin(session_id)
        if session_id is not None:
            await self._ends.tell(session_id, None, is_news=is_news)

    def _tell_later(self) -> None:
        self._tasks.start_once(self._publish_late)

    def is_ended(self, session_id: str | None, *, or_superseded: bool = False) -> bool:
        """See `RefreshCoordinator.is_ended`."""
        return self._local.is_ended(session_id, or_superseded=or_superseded)

    def is_quiet(self, key: str | None, claims: Claims) -> bool:
        """See `RefreshCoordinator.is_quiet`."""
        return key in self._seen_cookies.told and self._local.is_quiet(key, claims)

    async def open(self) -> None:
        """See `RefreshCoordinator.open`."""
        self._redis.keep()
        await self._listener.open()

    async def aclose(self) -> None:
        """See `RefreshCoordinator.aclose`."""
        await self._listener.aclose()
        await self._local.aclose()
        await self._tasks.aclose(CALL_SECONDS)
        await self._redis.release()

    async def exchange_for_all(self, key: str, exchange: Exchange) -> Outcome:
        """Return a token's outcome: another worker's, or of the exchange performed here."""
        deadline = anyio.current_time() + self._timeout
        lease = self._timeout + _LEASE_MARGIN_SECONDS
        owner = self._owners.setdefault(asyncio.get_running_loop(), secrets.token_hex(16))
        is_anothers = False
        while True:
            try:
                found = await self._shared.begin(key, exchange.session_id, owner=owner, lease=lease)
            except RedisDownError:
                if not is_anothers:
                    return await self._perform_alone(key, exchange, owner)
                # Redis may come back without the lock, while the other worker goes on.
                found = await self._shared.wait_for(
                    key, exchange.session_id, deadline=deadline, polling=self._polling
                )
            except SealError:
                # Sending the token again would end the session; others may be able to read it.
                raise WorkOSUnavailableError("Another worker's refresh cannot be read") from None
            if isinstance(found, Found):
                return found.outcome or await self._signed_out(exchange)
            if found:
                return await self._perform(key, exchange, owner)
            is_anothers = True
            if anyio.current_time() >= deadline:
                raise WorkOSUnavailableError("Another worker's refresh did not end in time")
            await self._polling.wait()

    async def _signed_out(self, exchange: Exchange) -> Outcome:
        await self._local.end(exchange.session_id)
        return Outcome(
            organization_id=exchange.organization_id,
            session_id=exchange.session_id,
            at=self._clock(),
            refusal="signed_out",
        )

    async def _perform_alone(self, key: str, exchange: Exchange, owner: str) -> Outcome:
        """Exchange a token while Redis is down, and tell the others when it is back."""
        outcome = await exchange.perform()
        if outcome.successor_key != key:
            self._keep(key, outcome, owner)
            self._tell_later()
        return outcome

    async def _perform(self, key: str, exchange: Exchange, owner: str) -> Outcome:
        """Exchange a token whose lock is held; publishing the outcome releases it."""
        try:
            outcome = await exchange.perform()
        except BaseException:  # an event loop that ends, too: nobody is to wait for the lease
            await self._release(key, owner)
            raise
        if outcome.successor_key == key:
            await self._release(key, owner)
            return outcome
        self._keep(key, outcome, owner)
        try:
            return await self._publish(key, owner) or outcome
        except RedisDownError:
            # The lock stays meanwhile: nobody is to send the spent token.
            self._tell_later()
            return outcome

    async def _release(self, key: str, owner: str) -> None:
        with contextlib.suppress(RedisDownError):  # then the lock ends by itself
            await self._shared.release(key, owner)

    def _keep(self, key: str, outcome: Outcome, owner: str) -> None:
        """Remember an outcome here before it is known elsewhere: the event loop may end."""
        self._local.remember(key, outcome)
        self._unpublished.put(key, owner)

    async def _publish(self, key: str, owner: str) -> Outcome | None:
        """Tell all workers what became of a token; return what they know, which may be better."""
        outcome = next(self._local.recall(key), None)
        if outcome is not None:
            found = await self._shared.publish(key, outcome, owner=owner)
            better = await self._note(key, found, outcome.session_id)
            # A command that is repeated finds what it has stored itself.
            outcome = outcome if better in {None, outcome} else better
        self._unpublished.discard(key)
        return outcome

    async def _publish_late(self) -> None:
        """Tell the other workers what they could not be told, until they have been."""
        seconds, longest = _RETRY_SECONDS
        while True:
            with contextlib.suppress(RedisDownError):
                await self._ends.tell_late()
                while waiting := self._unpublished.first():
                    await self._publish(*waiting)
                return
            await anyio.sleep(seconds)
            seconds = min(2 * seconds, longest)

    async def _note(self, key: str, found: Found, session_id: str | None) -> Outcome | None:
        """Note what the others know; return a successor that they know of."""
        if found.ended is not None:
            await self._local.end(session_id, is_superseded=found.ended == SUPERSEDED)
        if found.outcome is None or found.outcome.successor_key is None:
            return None
        self._local.remember(key, found.outcome)
        return found.outcome
