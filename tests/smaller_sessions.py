"""What the tests of smaller sessions share: an AuthKit with a transform, and what cookies hold."""

from __future__ import annotations

from typing import Any

from emulated import PASSWORD, http_clients, settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, auth_routes, get_session
from authkit_asgi.seal import unseal
from authkit_asgi.session_contents import SessionTransform
from authkit_asgi.testing import WorkOSEmulator

ALL = frozenset(
    {
        "email_verified", "name", "first_name", "last_name", "profile_picture_url",
        "last_sign_in_at", "locale", "created_at", "updated_at", "external_id", "metadata",
    }
)  # fmt: skip
"""The fields that a session may lack."""


def smaller(
    emulator: WorkOSEmulator,
    transform: SessionTransform | None = None,
    *,
    on_success: Any = None,
    **changes: Any,
) -> AuthKit:
    return AuthKit(
        AuthKitConfig(**settings(**changes)),
        http_client_factory=http_clients(emulator),
        clock=emulator._state.clock,
        session_transform=transform,
        on_session_refresh_success=on_success,
    )


def sealed_user(sealed: str) -> dict[str, Any]:
    """Return the user as a cookie holds it."""
    return unseal(sealed, PASSWORD)["user"]


async def me(request: Request) -> Response:
    user = get_session(request).auth.user
    assert user is not None
    return JSONResponse({"first_name": user.first_name, "not_loaded": sorted(user.not_loaded)})


async def refresh(request: Request) -> Response:
    auth = await get_session(request).refresh()
    assert get_session(request).auth is auth
    return await me(request)


async def switch(request: Request) -> Response:
    await get_session(request).switch_organization("org_globex")
    return await me(request)


def smaller_site(
    authkit: AuthKit, *routes: BaseRoute, auth_options: dict[str, Any] | None = None
) -> Starlette:
    """A site that says which fields of its user a request finds."""
    own = [Route("/me", me), Route("/refresh", refresh), Route("/switch", switch)]
    return Starlette(
        routes=[*own, *auth_routes(**(auth_options or {})), *routes],
        middleware=[Middleware(AuthKitMiddleware, authkit=authkit)],
    )
