"""Event loops that end with their request: what a renewal that goes on would lose with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from emulated import START, sealed, settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, get_auth
from authkit_asgi.testing import WorkOSEmulator


class SlowAnswers(httpx.AsyncBaseTransport):
    """WorkOS exchanges the token at once, and its answer never comes; until it is mended."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self._inner = httpx.ASGITransport(emulator.app)
        self.tokens: list[str] = []
        self.is_mended = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if request.method == "POST":
            self.tokens.append(json.loads(request.content)["refresh_token"])
            if not self.is_mended:
                await asyncio.Event().wait()
        return answer


@pytest.fixture
def line(emulator: WorkOSEmulator) -> SlowAnswers:
    emulator.configure(reuse_revokes_session=True)
    return SlowAnswers(emulator)


@pytest.fixture
def authkit(line: SlowAnswers, clock: Any) -> AuthKit:
    return AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=line),
        clock=clock,
    )


@pytest.fixture
def cookie(emulator: WorkOSEmulator, clock: Any) -> str:
    """That of a session whose token lives for 10 s more."""
    cookie = sealed(emulator.sign_in("user_ada", lifetime=300))
    clock.now += 290
    return cookie


@pytest.fixture
def loads(authkit: AuthKit, cookie: str) -> Callable[[], Any]:
    """Load the session in an event loop of its own."""
    return lambda: asyncio.run(authkit.load([cookie]))


def test_token_is_not_renewed_early_in_a_loop_that_ends(line, clock, loads):
    for _ in range(3):
        assert loads().auth.expires_at == START + 300
    assert line.tokens == []
    line.is_mended = True
    clock.now += 20
    loaded = loads()  # now there is no other way, and the request waits for it
    assert loaded.auth.user.id == "user_ada"
    assert loaded.sealed is not None
    assert len(line.tokens) == 1


def test_test_client_loses_no_session(authkit, line, clock, cookie):
    async def who(request: Request) -> Response:
        auth = get_auth(request)
        return PlainTextResponse(auth.user.id if auth.user else auth.reason)

    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    app = Starlette(routes=[Route("/", who)], middleware=middleware)
    headers = {"cookie": f"wos-session={cookie}"}
    client = TestClient(app, base_url="https://app.example.com")
    assert client.get("/", headers=headers).text == "user_ada"
    clock.now += 20
    line.is_mended = True
    assert client.get("/", headers=headers).text == "user_ada"
    assert len(line.tokens) == 1


def test_successor_that_is_at_hand_is_handed_out_in_any_loop(authkit, line, clock, cookie, loads):
    line.is_mended = True

    async def renew() -> Any:
        await authkit.open()
        loaded = await authkit.load([cookie])
        await authkit.aclose()
        return loaded

    renewed = asyncio.run(renew())
    assert renewed.sealed is not None
    assert loads().sealed == renewed.sealed
    assert len(line.tokens) == 1


def test_loop_that_goes_on_without_a_lifespan_renews_early_when_it_is_as_old_as_a_refresh_may_be(
    authkit, line, cookie
):
    """As below a mount, whose application hears of no lifespan."""
    line.is_mended = True
    object.__setattr__(authkit.config, "refresh_timeout", 600)

    async def main() -> None:
        assert (await authkit.load([cookie])).sealed is None
        place = authkit.http_clients._place()
        place.since -= 500
        assert (await authkit.load([cookie])).sealed is None
        place.since -= 100
        assert (await authkit.load([cookie])).sealed is not None
        await authkit.aclose()

    asyncio.run(main())
    assert len(line.tokens) == 1


def test_loop_whose_lifespan_has_ended_is_like_any_other(authkit, line, cookie):
    async def main() -> None:
        await authkit.open()
        await authkit.aclose()
        assert (await authkit.load([cookie])).sealed is None

    asyncio.run(main())
    assert line.tokens == []
