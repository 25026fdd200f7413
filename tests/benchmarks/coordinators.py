"""Time what a coordinator costs a request that needs no refresh, beside one that does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator
from typing import Any

from one_request import PASSWORD, application, request, signed_in
from redis_server import temporary_redis

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware
from authkit_asgi.outcomes import Outcome
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.refresh import InProcessRefreshCoordinator, RefreshCoordinator
from authkit_asgi.session import seal_session, session_from_answer

ROUNDS = 400
REQUESTS = 50  # of each, in each round


class NoCoordinator(InProcessRefreshCoordinator):
    """Does nothing of what a request that needs no refresh asks for."""

    def see(self, key: str) -> None:
        """Take no note."""

    def recall(self, key: str) -> Iterator[Outcome]:  # noqa: ARG002
        """Remember nothing."""
        return iter(())

    def is_ended(self, session_id: str | None, *, or_superseded: bool = False) -> bool:  # noqa: ARG002
        """Know of no end."""
        return False


def main() -> None:
    """Print the median of each coordinator, and its ratio to that of none."""
    with contextlib.ExitStack() as stack:
        config, answer = stack.enter_context(signed_in())
        redis = stack.enter_context(temporary_redis())
        coordinators: dict[str, RefreshCoordinator] = {
            "no coordinator": NoCoordinator(timeout=10, clock=time.time),
            # What the two differ in is what cannot be measured.
            "no coordinator, once more": NoCoordinator(timeout=10, clock=time.time),
            "in-process coordinator": InProcessRefreshCoordinator(timeout=10, clock=time.time),
        }
        if redis is not None:
            coordinators["Redis coordinator"] = RedisRefreshCoordinator(
                redis.url, cookie_password=config.cookie_password
            )
        medians = asyncio.run(time_all(config, answer, coordinators))
    print(f"\n{'middleware, valid cookie, with':32}{'median':>10}{'of none':>12}")
    for name, median in medians.items():
        ratio = median / medians["no coordinator"]
        print(f"{name:32}{median * 1e6:7.1f} µs{ratio:>12.1%}")
    if redis is None:
        print("Redis coordinator: no redis-server: left out")


async def time_all(
    config: AuthKitConfig, answer: dict[str, Any], coordinators: dict[str, RefreshCoordinator]
) -> dict[str, float]:
    """Return the median seconds of a request; all take their turns, so that all suffer alike."""
    cookie = f"wos-session={seal_session(session_from_answer(answer), PASSWORD)}"
    services = {
        name: AuthKit(config, coordinator=coordinator) for name, coordinator in coordinators.items()
    }
    requests = {
        name: request(AuthKitMiddleware(application, authkit=authkit), cookie)
        for name, authkit in services.items()
    }
    times: dict[str, list[float]] = {name: [] for name in coordinators}
    for authkit in services.values():
        await authkit.open()
        # One of another session, so that there is something to look through.
        await authkit.coordinator.end("session_of_another")
    for number in range(ROUNDS + 1):
        for name, serve in requests.items():
            begin = time.perf_counter()
            for _ in range(REQUESTS):
                await serve()
            if number:  # the first fetches the keys, and tells Redis that the cookie was seen
                times[name].append((time.perf_counter() - begin) / REQUESTS)
    for authkit in services.values():
        await authkit.aclose()
    return {name: statistics.median(taken) for name, taken in times.items()}


if __name__ == "__main__":
    main()
