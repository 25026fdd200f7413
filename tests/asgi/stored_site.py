"""A site that keeps its sessions on the server, and what its store and its cookies hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from asgi_driver import Answer, drive, http_scope
from asgi_site import SESSION, sealed_session, sign_in, site
from emulated import ORIGIN, OTHER_PASSWORD, PASSWORD, START
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authkit_asgi import InMemorySessionStore, get_session
from authkit_asgi.errors import StoreUnavailableError

ADA = {"user": "user_ada", "organization": "org_acme"}
GLOBEX = {"user": "user_ada", "organization": "org_globex"}
BOB = {"user": "user_bob", "organization": None}
OVER = {"user": None, "reason": "session_expired"}
SIGNED_OUT = {"user": None, "reason": "signed_out"}
UNAVAILABLE = {"user": None, "reason": "temporarily_unavailable"}
INVALID = {"user": None, "reason": "invalid_session_cookie"}

ROTATED = {"cookie_password": [OTHER_PASSWORD, PASSWORD]}


class Store(InMemorySessionStore):
    """A store that can be switched off, and counts how often it is asked."""

    def __init__(self, clock: Any = lambda: START) -> None:
        super().__init__(clock=clock)
        self.is_down = False
        self.is_read_only = False
        self.puts_left: int | None = None
        """After how many it is read-only."""
        self.fails_once = False
        """Whether the next look fails."""
        self.calls: list[str] = []

    async def get(self, key: str) -> str | None:
        fails, self.fails_once = self.is_down or self.fails_once, False
        self._note("get", fails)
        return await super().get(key)

    async def put(self, key: str, value: str, **how: Any) -> bool:
        self._note("put", self.is_down or self.is_read_only or self.puts_left == 0)
        if self.puts_left is not None:
            self.puts_left -= 1
        return await super().put(key, value, **how)

    async def end(self, key: str, *, seconds: int) -> None:
        self._note("end", self.is_down or self.is_read_only)
        await super().end(key, seconds=seconds)

    async def keys(self, owner: str) -> Any:
        self._note("keys", self.is_down)
        return await super().keys(owner)

    def _note(self, call: str, fails: bool) -> None:  # noqa: FBT001  # a fact, not a switch
        self.calls.append(call)
        if fails:
            raise StoreUnavailableError("down", retry_after=1)


async def switch(request: Request) -> Response:
    to = request.query_params.get("to", "org_globex")
    auth = await get_session(request).switch_organization(to)
    return JSONResponse({"user": auth.user.id, "organization": auth.organization_id})


async def refresh(request: Request) -> Response:
    await get_session(request).refresh()
    return Response()


ROUTES = [
    Route("/switch", switch, methods=["POST"]),
    Route("/refresh", refresh, methods=["POST"]),
]


def shop(emulator: Any, store: Any = None, **changes: Any) -> Any:
    return site(emulator, ROUTES, store=store, **changes)


async def signed_in(emulator: Any, store: Any, **changes: Any) -> JarBrowser:
    browser = JarBrowser(shop(emulator, store, **changes))
    await sign_in(browser, emulator)
    return browser


def with_cookie(app: Any, value: str) -> JarBrowser:
    browser = JarBrowser(app)
    browser.jar.set(f"{SESSION}={value}; Path=/; Secure; HttpOnly", ORIGIN)
    return browser


def with_session(app: Any, emulator: Any, user: str = "user_ada", **times: Any) -> JarBrowser:
    """Return a browser whose cookie holds the session itself."""
    return with_cookie(app, sealed_session(emulator.sign_in(user, **times)))


def cookie_of(browser: JarBrowser) -> str:
    (value,) = browser.named(SESSION)
    return value


def holds_id(browser: JarBrowser) -> bool:
    return len(cookie_of(browser)) < 400


async def seen(browser: JarBrowser) -> Any:
    return (await browser.get("/who")).json


async def with_two(app: Any, *values: str) -> Answer:
    """Ask who it is with several session cookies."""
    line = "; ".join(f"{SESSION}={value}" for value in values)
    return await drive(app, http_scope("GET", "/who", [("cookie", line)]))


def writes(store: Store) -> list[str]:
    """Return the calls that have changed a store, or were to."""
    return [call for call in store.calls if call in {"put", "end"}]


async def until_seen(browser: JarBrowser, answer: Any) -> None:
    """Wait until a browser is told so, by a site that is told late itself."""
    await until(lambda: _is_seen(browser, answer))


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(5):
        while not await check():  # noqa: ASYNC110  # a store has no event
            await anyio.sleep(0.01)


async def _is_seen(browser: JarBrowser, answer: Any) -> bool:
    return await seen(browser) == answer
