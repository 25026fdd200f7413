"""What `AUTH_RESPONSES` documents is what the problem documents of guards hold."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import service
from fastapi import Depends, FastAPI

from authkit_asgi import AuthKitMiddleware
from authkit_asgi import fastapi as dependencies
from authkit_asgi.fastapi import AUTH_RESPONSES, auth_router
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

TYPES = {"string": str, "integer": int, "object": dict}
USUAL = {"type", "title", "status", "detail", "code"}
GUARDS: dict[str, Any] = {
    "/user": dependencies.require_user,
    "/role": dependencies.require_role("emperor"),
    "/permission": dependencies.require_permission("data:burn"),
    "/organization": dependencies.require_organization("org_other"),
    "/recent": dependencies.require_recent_auth(max_age=300),
}


def application(emulator: WorkOSEmulator) -> FastAPI:
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))
    app.include_router(auth_router(token="/token"))
    for path, guard in GUARDS.items():

        @app.get(path, dependencies=[Depends(guard)], responses=AUTH_RESPONSES)
        async def nothing() -> None: ...

    return app


def documented(app: FastAPI, path: str, status: int) -> dict[str, str]:
    """Return the types of the members, by name."""
    response = app.openapi()["paths"][path]["get"]["responses"][str(status)]
    members = response["content"]["application/problem+json"]["schema"]["properties"]
    return {name: member["type"] for name, member in members.items()}


@pytest.mark.parametrize(
    ("path", "is_signed_in", "expected"),
    [
        ("/user", False, (401, {"reason"})),
        ("/role", True, (403, {"missing"})),
        ("/permission", True, (403, {"missing"})),
        ("/organization", True, (403, {"missing"})),
        ("/recent", True, (401, {"max_age"})),
    ],
)
async def test_members_are_documented_with_their_types(
    emulator, clock, path, is_signed_in, expected
):
    status, more = expected
    app = application(emulator)
    browser = Browser(app)
    if is_signed_in:
        browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=3600)
        clock.now += 400
    answer = await browser.get(path, FETCH)
    assert (answer.status, answer.json.keys()) == (status, USUAL | more)
    types = documented(app, path, status)
    for name, value in answer.json.items():
        assert type(value) is TYPES[types[name]]


def test_members_that_an_answer_never_has_are_not_documented(emulator):
    app = application(emulator)
    assert documented(app, "/user", 503).keys() == USUAL
    assert documented(app, "/token", 403).keys() == USUAL
    assert documented(app, "/user", 403).keys() == USUAL | {"missing"}
    assert documented(app, "/user", 401).keys() == USUAL | {"reason", "max_age"}
