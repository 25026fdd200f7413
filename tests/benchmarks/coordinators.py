"""Time what a coordinator costs a request that needs no refresh, beside one that does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

from one_request import SignedInUser, application, check_signed_in, cookie_of, request
from redis_server import RedisServer
from results import Column, Row, Section
from rounds import Effort, async_turn, medians

from authkit_asgi import AuthKit, AuthKitMiddleware
from authkit_asgi.outcomes import Outcome
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.refresh import InProcessRefreshCoordinator, RefreshCoordinator

_NONE = "no coordinator"


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


def time_coordinators(user: SignedInUser, server: RedisServer | None, effort: Effort) -> Section:
    """Return the cost of a hit with each coordinator, and its ratio to that of none."""
    coordinators: dict[str, RefreshCoordinator] = {
        _NONE: NoCoordinator(timeout=10, clock=time.time),
        # What the two differ in is what cannot be measured.
        "no coordinator, once more": NoCoordinator(timeout=10, clock=time.time),
        "in-process coordinator": InProcessRefreshCoordinator(timeout=10, clock=time.time),
    }
    if server is not None:
        coordinators["Redis coordinator"] = RedisRefreshCoordinator(
            server.url, cookie_password=user.config.cookie_password
        )
    services = {name: AuthKit(user.config, coordinator=each) for name, each in coordinators.items()}
    cookie = cookie_of(user.sealed)
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        for authkit in services.values():
            loop.run_until_complete(authkit.open())
            loop.run_until_complete(check_signed_in(authkit, cookie, is_expected=True))
            # One of another session, so that there is something to look through.
            loop.run_until_complete(authkit.coordinator.end("session_of_another"))
        seconds = medians(
            {
                name: async_turn(
                    loop, request(AuthKitMiddleware(application, authkit=authkit), cookie)
                )
                for name, authkit in services.items()
            },
            effort,
        )
        for authkit in services.values():
            loop.run_until_complete(authkit.aclose())
    return Section(
        key="coordinators",
        title="Coordinators, by a hit that needs no refresh",
        columns=[Column("median", "µs"), Column("of none", "x")],
        rows=[Row(name, [taken * 1e6, taken / seconds[_NONE]]) for name, taken in seconds.items()],
        notes=[] if server is not None else ["There is no redis-server: Redis is left out."],
    )
