"""The middleware's options are checked where they are written. Checked by mypy and pyright."""

from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitError,
    AuthKitMiddleware,
    InMemorySessionStore,
    SessionStore,
    SignInResult,
    StoredSession,
    auth_routes,
)
from authkit_asgi.fastapi import auth_router
from authkit_asgi.opentelemetry import OpenTelemetry

config = AuthKitConfig(client_id="client_1", redirect_uri="https://app.example.com/callback")
authkit = AuthKit(config)


def starlette() -> None:
    app = Starlette(
        routes=auth_routes(),
        middleware=[
            Middleware(AuthKitMiddleware),
            Middleware(AuthKitMiddleware, config),
            Middleware(AuthKitMiddleware, skip=("/static",)),
            Middleware(AuthKitMiddleware, authkit=authkit, skip=["/static"]),
            Middleware(AuthKitMiddleware, cookie_password=["new", "old"], issuers=("x",)),
            Middleware(AuthKitMiddleware, cookie_password={"1": "old"}, cookie_same_site="strict"),
        ],
    )
    app.add_middleware(AuthKitMiddleware)
    app.add_middleware(AuthKitMiddleware, config)
    app.add_middleware(AuthKitMiddleware, client_id="client_1", jwt_leeway=1.5)
    app.add_middleware(AuthKitMiddleware, session_user_fields=("id", "external_id"))
    app.add_middleware(AuthKitMiddleware, session_transform=transform)
    app.add_middleware(AuthKitMiddleware, eager_auth=True, inactivity_timeout=1800)
    app.add_middleware(AuthKitMiddleware, inactivity_timeout=None)
    app.add_middleware(AuthKitMiddleware, config, session_transform=transform_later)
    app.add_middleware(AuthKitMiddleware, store=InMemorySessionStore(max_sessions=9))
    app.add_middleware(AuthKitMiddleware, config, previous_store=InMemorySessionStore())
    app.add_middleware(AuthKitMiddleware, protect=True, public=("/", "/assets/*"))
    app.add_middleware(AuthKitMiddleware, protect=True, sign_up_paths=["/join"])
    app.add_middleware(AuthKitMiddleware, starlette_auth=True)
    app.add_middleware(AuthKitMiddleware, config, telemetry=OpenTelemetry())
    AuthKit(config, telemetry=OpenTelemetry())
    AuthKit(config, session_transform=lambda session: {**session, "plan": "a"})


def fastapi() -> None:
    app = FastAPI(middleware=[Middleware(AuthKitMiddleware, login_path="/sign-in")])
    app.add_middleware(AuthKitMiddleware)
    app.add_middleware(AuthKitMiddleware, config, skip=("/static",))
    app.add_middleware(AuthKitMiddleware, cookie_domain=None, cookie_max_age=3600)
    app.include_router(auth_router())
    app.include_router(auth_router(prefix="/auth", on_success=on_success, on_error=on_error))


async def stores(one: SessionStore, other: SessionStore) -> int:
    authkit = AuthKit(config, store=one, previous_store=other)
    listed: list[StoredSession] = await authkit.stored_sessions("user_1")
    return len(listed) + await authkit.revoke_sessions("user_1", session_id="session_1")


def transform(session: dict[str, Any]) -> dict[str, Any]:
    return session


async def transform_later(session: dict[str, Any]) -> dict[str, Any]:
    return session


def forgets_to_return(session: dict[str, Any]) -> None:
    del session["user"]["metadata"]


def refuses_misspelt_and_mistyped_options(app: FastAPI, star: Starlette) -> None:
    app.add_middleware(AuthKitMiddleware, cookie_nam="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    app.add_middleware(AuthKitMiddleware, session_transform=forgets_to_return)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    app.add_middleware(AuthKitMiddleware, cookie_name=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    app.add_middleware(AuthKitMiddleware, cookie_same_site="Loose")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, skp=("/static",))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    star.add_middleware(AuthKitMiddleware, skip=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, protected=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    star.add_middleware(AuthKitMiddleware, protect="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, public=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, sign_up_path=("/join",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, telemetry=OpenTelemetry)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, authkit=config)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    star.add_middleware(AuthKitMiddleware, authkit)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Middleware(AuthKitMiddleware, skip=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Middleware(AuthKitMiddleware, skp=("/static",))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    auth_routes(on_succes=on_success)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    auth_router(on_success=on_error)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def on_success(request: Request, result: SignInResult) -> None:
    del request, result


async def on_error(request: Request, error: AuthKitError) -> Response | None:
    del request, error
    return None


def routes() -> list[BaseRoute]:
    return [*auth_routes(on_success=on_success, on_error=on_error)]
