"""Calls of Redis: bounded in time, and given up for a while when one has failed."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError

from authkit_asgi.errors import ConfigurationError
from authkit_asgi.log_events import named_logger
from authkit_asgi.per_loop import PerLoop
from authkit_asgi.running_time import fail_after_running

logger: logging.Logger = named_logger(__name__)

CALL_SECONDS = 1
"""What one call may take."""

_WHILE_DOWN = "each process refreshes for itself"
_DOWN_SECONDS = 1
_MAX_CALLS = 20  # at once; the second of those who wait for their turn has not begun
_MAX_URGENT_CALLS = 4  # beside these

# Whether it obeys again: one that is read-only or full may still read, and one that lacks replicas
# run scripts. KEYS: any.
_PROBE = "return redis.call('SET', KEYS[1], '', 'EX', 1)"


# A client of the application's that belongs to another event loop raises RuntimeError; an answer
# that is not Redis's, ValueError.
_FAILURES = (RedisError, OSError, TimeoutError, RuntimeError, ValueError)


class RedisDownError(Exception):
    """Redis cannot be used at the moment."""


class ForeignTypeError(RedisDownError):
    """Somebody else has put something of another type under one of our keys."""


class RedisConnection:
    """Calls Redis; after a call that failed, one a second tries whether it is back.

    Args:
        redis: Its URL, for one client per event loop, or a client, which is never closed.
        probe: A key of ours to try it with.
        while_down: What the warning says of the time in which it cannot be used.

    Raises:
        ConfigurationError: It is neither.
    """

    def __init__(self, redis: Redis | str, *, probe: str, while_down: str = _WHILE_DOWN) -> None:
        make: Callable[[], Redis]
        if isinstance(redis, str):
            url = _checked(redis)
            make, is_ours = lambda: _make_client(url), True
        elif isinstance(redis, Redis):
            make, is_ours = lambda: redis, False
        else:
            raise ConfigurationError(["redis is neither a URL nor a client of redis.asyncio"])
        self._clients = PerLoop(lambda: _Client(make(), is_ours=is_ours), _Client.aclose)
        self._probe = probe
        self._while_down = while_down
        self._is_read_only = False
        self._is_down = False
        self._next_try = 0.0

    def reader(self, *, while_down: str) -> RedisConnection:
        """Return one over the same connections for reads alone, which may work when writes do not.

        Keeping and releasing the connections stays with this one.
        """
        reader = copy.copy(self)
        reader._while_down = while_down  # noqa: SLF001  # of its own class
        reader._is_read_only = True  # noqa: SLF001
        return reader

    async def call(self, *command: str | bytes | int) -> Any:
        """Return what a command answers: text as bytes, whatever the client decodes.

        Raises:
            RedisDownError: It failed, or took more than a second, or one has failed just now.
        """
        if self._is_down:
            await self._try_again()
        async with self._clients.lend() as client, client.turn:
            if self._is_down:  # by now
                raise RedisDownError
            return await self._call(client, *command)

    async def call_at_once(self, *command: str | bytes | int) -> Any:
        """As `call`, ahead of all that wait for their turn, and though a call has failed just now.

        For what others wait for, or what would be lost.
        """
        async with self._clients.lend() as client, client.urgent_turn:
            return await self._call(client, *command)

    async def _try_again(self) -> None:
        now = time.monotonic()
        if now < self._next_try:
            raise RedisDownError
        # Nobody else waits for it meanwhile.
        self._next_try = now + 2 * CALL_SECONDS + _DOWN_SECONDS
        async with self._clients.lend() as client:
            with suppress(ForeignTypeError):  # that is an answer, too
                await self._call(client, "GET", self._probe)
            if not self._is_read_only:
                await self._call(client, "SET", self._probe, "", "EX", 1)
                await self._call(client, "EVAL", _PROBE, 1, self._probe)
        self._is_down = False
        logger.warning("Restored: Redis can be used again")

    async def _call(self, client: _Client, *command: str | bytes | int) -> Any:
        try:
            with fail_after_running(CALL_SECONDS):
                return await client.execute(*command, **{NEVER_DECODE: True})
        except _FAILURES as error:
            if "WRONGTYPE" in str(error):
                raise ForeignTypeError from None
            self._degrade(error)
            raise RedisDownError from None

    @asynccontextmanager
    async def subscription(self, channel: str) -> AsyncIterator[Subscription]:
        """Subscribe to a channel, over a connection of its own, until it fails.

        Raises:
            RedisDownError: It has failed. That says nothing of other calls.
        """
        async with self._clients.lend() as client:
            subscription = Subscription(client, channel)
            try:
                await subscription.begin()
                yield subscription
            finally:
                await subscription.aclose()

    def keep(self) -> None:
        """Keep the running event loop's connections until `release`."""
        self._clients.keep()

    async def release(self) -> None:
        """Close the running event loop's connections."""
        await self._clients.release()

    def _degrade(self, error: Exception) -> None:
        if not self._is_down:
            logger.warning(
                "Degraded: Redis cannot be used (%s), so %s",
                type(error).__name__,
                self._while_down,
            )
        # The next caller tries at once whether that was all; then one a second.
        self._next_try = time.monotonic() + (_DOWN_SECONDS if self._is_down else 0)
        self._is_down = True


class Subscription:
    """What is published on a channel, as it comes; see `RedisConnection.subscription`."""

    BEGUN = object()
    """Stands before what is published from then on: at first, and whenever the library has
    connected anew; what was published in between is lost."""

    def __init__(self, client: _Client, channel: str) -> None:
        # Beside those of the pool, which calls may need all of.
        like = client.pool
        self._pool: ConnectionPool = ConnectionPool(
            connection_class=like.connection_class, max_connections=2, **like.connection_kwargs
        )
        self._redis: Any = Redis(connection_pool=self._pool)
        self._pubsub: Any = self._redis.pubsub()
        self._channel = channel
        self._is_silent = False
        self._reading: asyncio.Task[Any] | None = None

    async def begin(self) -> None:
        """Subscribe.

        Raises:
            RedisDownError: It cannot be done.
        """
        await _bounded(self._pubsub.subscribe(self._channel), 2 * CALL_SECONDS)
        self._is_silent = True  # until it is confirmed

    async def receive(self) -> object:
        """Return the next, however long that takes.

        Raises:
            RedisDownError: Redis gives no sign of life.
        """
        while True:
            # A task of its own, as what is given up in the middle would close the connection.
            reading = self._reading or asyncio.create_task(self._pubsub.get_message(timeout=None))
            self._reading = reading
            if not (await asyncio.wait({reading}, timeout=CALL_SECONDS))[0]:
                if self._is_silent:
                    raise RedisDownError("silence")
                self._is_silent = True
                await _bounded(self._pubsub.ping(), CALL_SECONDS)
                continue
            self._reading, self._is_silent = None, False
            message = await _bounded(reading, CALL_SECONDS)
            kind = message and message["type"]
            if kind == "subscribe":
                return self.BEGUN
            if kind == "message":
                return message["data"]

    async def call(self, *command: str | int) -> Any:
        """Return what a command answers; raises as `receive` does."""
        options = {NEVER_DECODE: True}
        return await _bounded(self._redis.execute_command(*command, **options), CALL_SECONDS)

    async def aclose(self) -> None:
        """Close its connections."""
        if self._reading is not None:
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._reading.cancel()
        with suppress(*_FAILURES):
            await self._pubsub.aclose()
            await self._pool.disconnect()


async def _bounded(work: Awaitable[Any], seconds: float) -> Any:
    try:
        with fail_after_running(seconds):
            return await work
    except _FAILURES as error:
        name = type(error).__name__
    raise RedisDownError(name)  # outside of the handler: the library's words hold the address


class _Client:
    """A client in one event loop, and whose turn it is there."""

    def __init__(self, redis: Redis, *, is_ours: bool) -> None:
        self._redis = redis
        self.pool: ConnectionPool = redis.connection_pool
        self._is_ours = is_ours
        self.execute: Callable[..., Any] = redis.execute_command
        # A pool refuses what goes beyond its connections.
        connections = redis.connection_pool.max_connections
        calls = min(_MAX_CALLS, max(1, connections - _MAX_URGENT_CALLS))
        urgent_calls = min(_MAX_URGENT_CALLS, connections - calls)
        self.turn: asyncio.Semaphore = asyncio.Semaphore(calls)
        self.urgent_turn: asyncio.Semaphore = (
            asyncio.Semaphore(urgent_calls) if urgent_calls else self.turn
        )

    async def aclose(self) -> None:
        if self._is_ours:
            try:
                await self._disconnect()
            except asyncio.CancelledError:
                await self._disconnect()  # a loop that ends cancels what it finds, but only once
                raise

    async def _disconnect(self) -> None:
        with suppress(RedisError, OSError):  # a connection that does not close in time
            await self._redis.aclose()


def _checked(url: str) -> str:
    # Raised outside of the handler: the library's words hold the address, perhaps a password.
    with suppress(ValueError, TypeError, RedisError):
        pool = _make_client(url).connection_pool
        pool.connection_class(**pool.connection_kwargs)  # only this finds out unknown options
        return url
    problem = "redis_url is not an address such as redis://localhost:6379/0"
    raise ConfigurationError([problem])


def _make_client(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=None,  # what a call may take is seen to here
        socket_connect_timeout=2 * CALL_SECONDS,
        # Servers close what is idle for long; the library finds that out by a command that fails.
        retry=Retry(NoBackoff(), 1, supported_errors=(LostError,)),
    )
