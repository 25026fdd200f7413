"""How much memory hostile requests take, each of which differs from all before: `make memory`.

WorkOS is a stand-in of this process that keeps nothing: it knows no refresh token and no code.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable

import httpx
from asgi_driver import NAVIGATION, drive, http_scope
from asgi_site import who
from emulated import PASSWORD, settings
from hostile_requests import KINDS, entries, status_of
from redis_server import temporary_redis
from resident import resident
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, auth_routes
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator

FIRST = 10_000  # requests, after which memory is to grow no more


def main(number: int) -> None:
    """Print a line for each kind of request and each coordinator."""
    logging.disable()
    print(f"{number} requests of each kind, memory in MB")
    print(f"{'':26}{'before':>8}{f'after {FIRST}':>14}{'at the end':>12}{'entries':>9}{'1/s':>7}")
    jwks = WorkOSEmulator().jwks
    with temporary_redis() as redis:
        print("in-process")
        asyncio.run(measure(number, jwks, None))
        print("Redis" if redis else "no redis-server: left out")
        if redis is not None:
            asyncio.run(measure(number, jwks, redis.url))


async def measure(number: int, jwks: dict[str, object], redis_url: str | None) -> None:
    """Print a line for each kind of request."""

    def workos(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=jwks)
        return httpx.Response(400, json={"error": "invalid_grant"})

    coordinator = redis_url and RedisRefreshCoordinator(redis_url, cookie_password=PASSWORD)
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=httpx.MockTransport(workos)),
        coordinator=coordinator or None,
    )
    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    app = Starlette(routes=[Route("/who", who), *auth_routes()], middleware=middleware)
    await authkit.open()
    for kind in KINDS:
        before, begin = resident(), time.perf_counter()
        await flood(app, kind, range(FIRST))
        first = resident()
        await flood(app, kind, range(FIRST, number))
        rate = number / (time.perf_counter() - begin)
        print(
            f"  {kind:24}{before:8.1f}{first:14.1f}{resident():12.1f}"
            f"{entries(authkit):9}{rate:7.0f}",
            flush=True,
        )
    await authkit.aclose()


async def flood(app: Starlette, kind: str, numbers: Iterable[int]) -> None:
    """Send the requests, one after the other."""
    for number in numbers:
        method, target, headers = KINDS[kind](number)
        answer = await drive(app, http_scope(method, target, [*NAVIGATION, *headers]))
        if answer.status != status_of(kind):
            raise RuntimeError(f"{kind}: status {answer.status}, so the figures mean nothing")
        await asyncio.sleep(0)  # as a server does between requests: the loop drops cancelled timers


if __name__ == "__main__":
    main(int(sys.argv[1]))
