"""The Redis that workers share: whether it is there and lets the package do what it does."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as SlowError

from authkit_asgi.doctor.findings import Finding
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.redis_connection import RedisConnection

_T = TypeVar("_T")

_SECONDS = 2  # for each step; a call of the package's may take one, and connecting two
_OLDEST = (6, 2)
_LIFETIME = 10  # seconds, of the probe
_WRITE = "return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])"
_RIGHTS = "Let its user do what the package does: keys and channels authkit:*, and scripts (EVAL)"


class _StepError(Exception):
    """A step has failed; the text says how, in words of ours."""


async def check_redis(url: str) -> AsyncIterator[Finding]:
    """Yield what a Redis is like; it is left as it was found, but for a probe of 10 s.

    Args:
        url: Its address, perhaps with a password, which no finding shows.
    """
    try:
        RedisConnection(url, probe="")
    except ConfigurationError as error:
        for problem in error.problems:
            yield Finding(check="redis.reached", status="fault", message=problem)
        return
    parts = urlsplit(url)
    name = f"Redis at {parts.hostname}:{parts.port or 6379}" if parts.hostname else "Redis"
    client = Redis.from_url(
        url,
        socket_connect_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    try:
        reached = await _reached(client, name)
        yield reached
        if reached.status == "ok":
            for finding in await _described(client):
                yield finding
            yield await _commanded(client)
            yield await _published(client)
    finally:
        with suppress(RedisError, OSError):
            await client.aclose()


async def _reached(client: Any, name: str) -> Finding:
    start = time.monotonic()
    try:
        await _step(client.ping())
        start = time.monotonic()  # without the time that it took to connect
        await _step(client.ping())
    except _StepError as reason:
        return Finding(
            check="redis.reached",
            status="fault",
            message=f"{name} {reason}",
            advice="Until it can be used each worker refreshes for itself, and stored sessions are "
            "unavailable",
        )
    seconds = time.monotonic() - start
    message = f"{name} answers a ping in {1000 * seconds:.1f} ms"
    return Finding(check="redis.reached", status="ok", message=message, seconds=seconds)


async def _described(client: Any) -> list[Finding]:
    """Say what Redis says of itself: its version, and what it drops when full or restarted."""
    try:
        info: Mapping[str, Any] = await _step(client.info())
    except _StepError as reason:
        message = f"Version, eviction policy and persistence are not told: INFO {reason}"
        return [Finding(check="redis.version", status="skipped", message=message)]
    return [_version(info), _eviction(info), _persistence(info)]


def _version(info: Mapping[str, Any]) -> Finding:
    text = str(info.get("redis_version", ""))
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    valkey = info.get("valkey_version")
    message = f"Valkey {valkey}" if valkey else f"Redis {text}"
    if numbers >= _OLDEST:
        return Finding(check="redis.version", status="ok", message=message)
    return Finding(
        check="redis.version",
        status="fault",
        message=f"{message} is too old",
        advice="Use Redis 6.2 or newer, or Valkey",
    )


def _eviction(info: Mapping[str, Any]) -> Finding:
    policy, limit = info.get("maxmemory_policy"), info.get("maxmemory")
    if policy is None:
        message = "Redis does not tell its maxmemory-policy, which should be noeviction"
        return Finding(check="redis.eviction", status="skipped", message=message)
    if policy == "noeviction":
        message = f"maxmemory-policy is {policy}: nothing is dropped before its time"
        return Finding(check="redis.eviction", status="ok", message=message)
    if limit == 0:
        message = f"maxmemory-policy is {policy}, and no limit is set that it would apply to"
        return Finding(check="redis.eviction", status="ok", message=message)
    return Finding(
        check="redis.eviction",
        status="warning",
        message=f"maxmemory-policy is {policy}: a full Redis drops sessions and sign-outs",
        advice="Set noeviction: a Redis that refuses writes is noticed, and signs nobody out",
    )


def _persistence(info: Mapping[str, Any]) -> Finding:
    enabled = info.get("aof_enabled")
    if enabled is None:
        message = "Redis does not tell whether appendonly is on, as it should be"
        return Finding(check="redis.persistence", status="skipped", message=message)
    if enabled:
        message = "appendonly is on: a restart loses nothing, or a second"
        return Finding(check="redis.persistence", status="ok", message=message)
    return Finding(
        check="redis.persistence",
        status="warning",
        message="appendonly is off: a restart loses sessions and sign-outs",
        advice="Set appendonly yes, unless your provider keeps them in another way",
    )


async def _commanded(client: Any) -> Finding:
    key, value = f"authkit:doctor:{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        await _step(client.eval(_WRITE, 1, key, value, _LIFETIME))
        read = await _step(client.get(key))
        left = await _step(client.ttl(key))
        await _step(client.delete(key))
    except _StepError as reason:
        return Finding(
            check="redis.commands",
            status="fault",
            message=f"A key cannot be written, read and deleted: Redis {reason}",
            advice=_RIGHTS,
        )
    if read != value or not 0 < left <= _LIFETIME:
        return Finding(
            check="redis.commands",
            status="fault",
            message="A key that was written is not there, or does not expire",
            advice="Use the address of the primary, not of a replica or a proxy that caches",
        )
    message = "A key can be written, read and deleted, and expires"
    return Finding(check="redis.commands", status="ok", message=message)


async def _published(client: Any) -> Finding:
    channel, text = f"authkit:doctor:{secrets.token_hex(8)}", secrets.token_hex(8)
    subscriber = client.pubsub(ignore_subscribe_messages=True)
    try:
        await _step(subscriber.subscribe(channel))
        await _step(client.publish(channel, text))
        await _step(_hear(subscriber, text))
    except _StepError as reason:
        return Finding(
            check="redis.pubsub",
            status="warning",
            message=f"What is published is not heard: Redis {reason}",
            advice="Without it workers hear of each other's sign-outs only with the next refresh. "
            + _RIGHTS,
        )
    finally:
        with suppress(RedisError, OSError):
            await subscriber.aclose()
    message = "What is published is heard"
    return Finding(check="redis.pubsub", status="ok", message=message)


async def _hear(subscriber: Any, text: str) -> None:
    while (await subscriber.get_message(timeout=_SECONDS) or {}).get("data") != text:
        pass


async def _step(work: Awaitable[_T]) -> _T:
    try:
        with anyio.fail_after(_SECONDS):
            return await work
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        reason = _reason(error)
    raise _StepError(reason)  # outside of the handler: the library's words may hold the address


def _reason(error: Exception) -> str:
    if isinstance(error, AuthenticationError):
        return "refuses the user name or the password"
    if isinstance(error, SlowError | TimeoutError):
        return f"does not answer within {_SECONDS} s"
    if isinstance(error, LostError | OSError):
        number = getattr(error if isinstance(error, OSError) else error.__context__, "errno", None)
        return f"cannot be reached ({os.strerror(number) if number else type(error).__name__})"
    word = str(error).partition(" ")[0] if type(error) is ResponseError else type(error).__name__
    return f"refuses ({word if word.isalpha() else type(error).__name__})"
