"""Time requests by where their session is: one cookie, two, memory, Redis; and weigh 10,000."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

from one_request import PASSWORD, application, request, signed_in
from redis_server import RedisServer, temporary_redis
from stores_of_workers import put_session

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    InMemorySessionStore,
    SessionStore,
)
from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.session import Session, seal_session, session_from_answer

ROUNDS = 100
REQUESTS = 30  # of each, in each round
SESSIONS = 10_000
OLD_PASSWORD = "an-older-password-of-32-characters-or-more"
Request = Callable[[], Awaitable[None]]

_NOTES = 3_150  # letters that make a sealed session of 6 KB
_CHUNK = 4_000


def main() -> None:
    """Print what requests take, and what the sessions of a process weigh."""
    logging.getLogger("authkit_asgi").setLevel(logging.ERROR)  # large sessions are on purpose
    with contextlib.ExitStack() as stack:
        config, answer = stack.enter_context(signed_in())
        server = stack.enter_context(temporary_redis())
        times = asyncio.run(time_all(config, answer, server))
        print(f"\n{'middleware, session':40}{'p50':>12}{'p99':>12}")
        for name, seconds in times.items():
            hundredths = statistics.quantiles(seconds, n=100)
            p50, p99 = (f"{hundredths[index] * 1e6:9.1f} µs" for index in (49, 98))
            print(f"{name:40}{p50}{p99}")
        if server is None:
            print("sessions in Redis: no redis-server: left out")
        else:
            calls = asyncio.run(count_calls(config, answer, server))
            print(f"Redis is called {calls} times by {REQUESTS} requests")
    taken, length = asyncio.run(weigh(session_from_answer(answer)))
    print(f"{SESSIONS:,} sessions of {length:,} bytes each in memory: {taken / 2**20:.1f} MiB")


async def time_all(
    config: AuthKitConfig, answer: dict[str, Any], server: RedisServer | None
) -> dict[str, list[float]]:
    """Return the seconds of each request; all take their turns, so that all suffer alike."""
    authkits, requests = await _places(config, answer, server)
    for authkit in authkits:
        await authkit.open()
    times: dict[str, list[float]] = {name: [] for name in requests}
    for number in range(ROUNDS + 1):
        for name, serve in requests.items():
            for _ in range(REQUESTS):
                begin = time.perf_counter()
                await serve()
                if number:  # the first fetches the keys
                    times[name].append(time.perf_counter() - begin)
    for authkit in authkits:
        await authkit.aclose()
    return times


async def _places(
    config: AuthKitConfig, answer: dict[str, Any], server: RedisServer | None
) -> tuple[list[AuthKit], dict[str, Request]]:
    """Return what serves requests, and requests with sessions of two sizes in each place."""
    sessions = {
        "2 KB": session_from_answer(answer),
        "6 KB": session_from_answer(_enlarged(answer)),
    }
    large = sessions["6 KB"]
    plain = AuthKit(config)
    rotating = AuthKit(dataclasses.replace(config, cookie_password=(PASSWORD, OLD_PASSWORD)))
    requests = {
        "2 KB in one cookie, read": _sent(
            plain, _cookies(seal_session(sessions["2 KB"], PASSWORD))
        ),
        "6 KB in two cookies, read": _sent(plain, _cookies(seal_session(large, PASSWORD))),
        "6 KB in two cookies, read and written": _sent(
            rotating, _cookies(seal_session(large, OLD_PASSWORD))
        ),
    }
    stores: dict[str, SessionStore] = {"memory": InMemorySessionStore()}
    if server is not None:
        stores["Redis"] = RedisSessionStore(server.url)
    authkits = [plain, rotating]
    for place, store in stores.items():
        authkits.append(AuthKit(config, store=store))
        for size, session in sessions.items():
            cookie = await _stored(store, session)
            requests[f"{size} in {place}, read"] = _sent(authkits[-1], cookie)
    return authkits, requests


async def _stored(store: SessionStore, session: Session) -> str:
    return f"wos-session={await put_session(store, session, PASSWORD)}"


async def count_calls(config: AuthKitConfig, answer: dict[str, Any], server: RedisServer) -> int:
    """Return how many commands Redis is sent by `REQUESTS` requests."""
    store = RedisSessionStore(server.url)
    authkit = AuthKit(config, store=store)
    serve = _sent(authkit, await _stored(store, session_from_answer(answer)))
    await authkit.open()
    await serve()  # connects
    before = server.admin.info("stats")["total_commands_processed"]
    for _ in range(REQUESTS):
        await serve()
    after = server.admin.info("stats")["total_commands_processed"]
    await authkit.aclose()
    return int(after) - int(before) - 1  # without the one that asked


def _enlarged(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "user": {**answer["user"], "metadata": {"notes": "x" * _NOTES}}}


def _cookies(sealed: str) -> str:
    if len(sealed) <= _CHUNK:
        return f"wos-session={sealed}"
    return f"wos-session.0={sealed[:_CHUNK]}; wos-session.1={sealed[_CHUNK:]}"


def _sent(authkit: AuthKit, cookie: str) -> Request:
    async def checked(scope: Any, receive: Any, send: Any) -> None:
        if scope["state"]["auth"].user is None:
            raise RuntimeError("nobody is signed in, so the times mean nothing")
        await application(scope, receive, send)

    return request(AuthKitMiddleware(checked, authkit=authkit), cookie)


async def weigh(session: Session) -> tuple[int, int]:
    """Return what sessions take that are kept in memory, and the length of one as it is sealed."""
    store = InMemorySessionStore()
    tracemalloc.start()
    for number in range(SESSIONS):
        user = {**session.user_json, "id": f"user_{number}"}
        await put_session(store, dataclasses.replace(session, user_json=user), PASSWORD)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    value, _, _ = next(iter(store._values.values()))
    return taken, len(value)


if __name__ == "__main__":
    main()
