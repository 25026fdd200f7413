"""A site as users build one, signed in to at the emulator over HTTP in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from asgi_driver import Answer, Browser
from emulated import PASSWORD, sealed, service
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from authkit_asgi import AuthKitMiddleware, auth_routes, get_auth
from authkit_asgi.testing import WorkOSEmulator

SESSION = "wos-session"
VERIFIER = "wos-auth-verifier-"


async def who(request: Request) -> Response:
    """Answer with the user's id, or why there is none."""
    auth = get_auth(request)
    if auth.user is None:
        return JSONResponse({"user": None, "reason": auth.reason})
    return JSONResponse({"user": auth.user.id, "organization": auth.organization_id})


def site(
    emulator: WorkOSEmulator,
    routes: Sequence[BaseRoute] = (),
    *,
    auth_options: dict[str, Any] | None = None,
    skip: Sequence[str] = (),
    **changes: Any,
) -> Starlette:
    """A Starlette application with the bundled routes, `/who` and `routes`."""
    return Starlette(
        routes=[Route("/who", who), *auth_routes(**(auth_options or {})), *routes],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator, **changes), skip=skip)],
    )


def sealed_session(answer: dict[str, Any], password: str = PASSWORD, **changes: Any) -> str:
    """Return the cookie value for what the emulator answered, `changes` put over it."""
    return sealed({**answer, **changes}, password)


def signed_in_cookie(
    emulator: WorkOSEmulator, user: str = "user_ada", lifetime: float | None = None
) -> str:
    return sealed_session(emulator.sign_in(user, lifetime=lifetime))


def cookie_header(
    emulator: WorkOSEmulator, user: str = "user_ada", lifetime: float | None = None
) -> tuple[str, str]:
    """Return the Cookie header of somebody who is signed in."""
    return ("cookie", f"{SESSION}={signed_in_cookie(emulator, user, lifetime)}")


async def visit(emulator: WorkOSEmulator, url: str) -> str:
    """Follow a redirect to the emulator and return where it sends the browser."""
    transport = httpx.ASGITransport(emulator.app)
    async with httpx.AsyncClient(transport=transport) as client:
        return (await client.get(url)).headers["location"]


def query_of(url: str) -> dict[str, str]:
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values()), query
    return {name: values[0] for name, values in query.items()}


def target_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def begin(
    browser: Browser, emulator: WorkOSEmulator, target: str = "/login", user: str = "ada"
) -> str:
    """Go to /login and to the emulator; return the path and query of the callback."""
    joint = "&" if "?" in target else "?"
    answer = await browser.get(f"{target}{joint}login_hint={user}@example.com")
    assert answer.status == 303, answer.text
    return target_of(await visit(emulator, answer.location))


async def sign_in(
    browser: Browser, emulator: WorkOSEmulator, target: str = "/login", user: str = "ada"
) -> Answer:
    return await browser.get(await begin(browser, emulator, target, user))
