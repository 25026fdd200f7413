"""Floods of requests that all differ: what is remembered of them has an end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from asgi_driver import NAVIGATION, drive, http_scope
from asgi_site import cookie_header, who
from emulated import PASSWORD, http_clients, settings
from hostile_requests import KINDS, entries, status_of
from redis_server import free_port
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitMiddleware,
    auth_routes,
    latest_ends,
    outcomes,
    seen_cookies,
    waiting,
)
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.refresh import InProcessRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

BOUND = 20
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=["in-process", "Redis that is down"])
async def authkit(
    request: pytest.FixtureRequest, emulator: WorkOSEmulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AuthKit]:
    """A service that remembers little; without a Redis it keeps what it should have told it."""
    monkeypatch.setattr(outcomes, "_MAX_ENTRIES", BOUND)
    monkeypatch.setattr(latest_ends, "_MAX_ENTRIES", BOUND)
    monkeypatch.setattr(waiting, "_MAX_WAITING", BOUND)
    for name in ("_MAX_TOLD", "_MAX_WAITING"):
        monkeypatch.setattr(seen_cookies, name, BOUND)
    coordinator = None
    if request.param != "in-process":
        url = f"redis://127.0.0.1:{free_port()}/0"
        coordinator = RedisRefreshCoordinator(
            url, cookie_password=PASSWORD, clock=emulator._state.clock
        )
    service = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        coordinator=coordinator,
        clock=emulator._state.clock,
    )
    await service.open()
    yield service
    await service.aclose()


def local(authkit: AuthKit) -> InProcessRefreshCoordinator:
    coordinator = authkit.coordinator
    return coordinator._local if isinstance(coordinator, RedisRefreshCoordinator) else coordinator


async def flood(authkit: AuthKit, kind: str, numbers: range) -> None:
    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    app = Starlette(routes=[Route("/who", who), *auth_routes()], middleware=middleware)
    for number in numbers:
        method, target, headers = KINDS[kind](number)
        answer = await drive(app, http_scope(method, target, [*NAVIGATION, *headers]))
        assert answer.status == status_of(kind), answer.text


@every_kind
async def test_flood_of_any_kind_is_not_remembered_beyond_the_bounds(authkit, kind):
    await flood(authkit, kind, range(3 * BOUND))
    before = entries(authkit)
    await flood(authkit, kind, range(3 * BOUND, 6 * BOUND))
    assert entries(authkit) == before
    remembered = local(authkit)
    assert len(remembered._memory) == (BOUND if kind == "revoked refresh tokens" else 0)
    assert len(remembered._signed_out.noted) == (BOUND if kind == "sign-outs" else 0)
    assert [flights for flights in remembered._flights.values() if flights] == []


async def test_flood_leaves_room_for_who_is_signed_in(authkit, emulator):
    for kind in KINDS:
        await flood(authkit, kind, range(2 * BOUND))
    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    app = Starlette(routes=[Route("/who", who)], middleware=middleware)
    for lifetime in (300, -100):
        cookie = cookie_header(emulator, lifetime=lifetime)
        answer = await drive(app, http_scope("GET", "/who", [cookie]))
        assert answer.json["user"] == "user_ada"


@pytest.mark.parametrize("authkit", ["Redis that is down"], indirect=True)
async def test_what_redis_could_not_be_told_is_kept_within_the_bounds(authkit):
    coordinator = authkit.coordinator
    for kind in ("revoked refresh tokens", "sign-outs"):
        await flood(authkit, kind, range(3 * BOUND))
    for number in range(3 * BOUND):
        coordinator.see(outcomes.refresh_key(f"s{number}"))
    seen = coordinator._seen_cookies
    ends = coordinator._ends
    kept = (coordinator._unpublished, ends, ends._latest, seen.told, seen._waiting)
    assert [len(each) for each in kept] == [BOUND] * 5
