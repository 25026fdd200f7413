"""Sites that take access tokens, alone or beside the cookie, in every kind of endpoint."""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from emulated import service
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from authkit_asgi import (
    AccessToken,
    AuthKit,
    AuthKitMiddleware,
    Caller,
    auth_routes,
    guards,
    require,
    require_access_token,
    require_caller,
    require_permission,
)
from authkit_asgi import fastapi as dependencies
from authkit_asgi.testing import WorkOSEmulator

Way: TypeAlias = Callable[[AuthKit], ASGIApp]

ISSUERS = ("https://api.workos.com", "https://api.workos.com/user_management/client_emulator")
GUARDS: dict[str, Any] = {
    "/token": require_access_token,
    "/either": require_caller,
    "/permission": require_permission("data:export", bearer=True),
}
DEPENDENCIES: dict[str, Any] = {
    "/token": dependencies.require_access_token,
    "/either": dependencies.require_caller,
    "/permission": dependencies.require_permission("data:export", bearer=True),
}


def bearer_service(emulator: WorkOSEmulator, **settings: Any) -> AuthKit:
    return service(emulator, **{"issuers": ISSUERS, **settings})


def authorization(token: str, scheme: str = "Bearer") -> tuple[str, str]:
    return ("authorization", f"{scheme} {token}")


def state_of(connection: HTTPConnection) -> str:
    """Return what the cookie says, which no token may change; asking so leaves no trace."""
    user = connection.state.auth.user
    return "cookie:" + (user.id if user is not None else "nobody")


def with_dependencies(kit: AuthKit) -> ASGIApp:
    """FastAPI; the endpoint says who its guard has found."""
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=kit)
    for path, dependency in DEPENDENCIES.items():
        _add(app, path, dependency)
    return app


def _add(app: FastAPI, path: str, dependency: Any) -> None:
    async def endpoint(
        request: Request, caller: Annotated[Caller, Depends(dependency)]
    ) -> Response:
        return PlainTextResponse(f"{_name(caller)} {state_of(request)}")

    async def socket(websocket: WebSocket, caller: Annotated[Caller, Depends(dependency)]) -> None:
        await websocket.accept()
        await websocket.send_text(f"{_name(caller)} {state_of(websocket)}")
        await websocket.close()

    app.add_api_route(path, endpoint, methods=["GET", "POST"])
    app.add_api_websocket_route(f"{path}/ws", socket)


def _name(caller: Caller) -> str:
    is_token = isinstance(caller, AccessToken)
    return f"token:{caller.user_id}" if is_token else f"session:{caller.user.id}"


def with_async_functions(kit: AuthKit) -> ASGIApp:
    """Starlette's functions."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(state_of(request))

    return _starlette(kit, lambda guard: (require(guard)(endpoint), require(guard)(_socket)))


def with_plain_functions(kit: AuthKit) -> ASGIApp:
    """Starlette's functions that run in threads."""

    def endpoint(request: Request) -> Response:
        return PlainTextResponse(state_of(request))

    return _starlette(kit, lambda guard: (require(guard)(endpoint), require(guard)(_socket)))


def with_classes(kit: AuthKit) -> ASGIApp:
    """Starlette's class-based endpoints."""

    def classes(guard: Any) -> tuple[Any, Any]:
        class Page(HTTPEndpoint):
            def get(self, request: Request) -> Response:
                return PlainTextResponse(state_of(request))

            async def post(self, request: Request) -> Response:
                return PlainTextResponse(state_of(request))

        class Socket(WebSocketEndpoint):
            async def on_connect(self, websocket: WebSocket) -> None:
                await _socket(websocket)

        return require(guard)(Page), require(guard)(Socket)

    return _starlette(kit, classes)


def with_methods(kit: AuthKit) -> ASGIApp:
    """Starlette's class-based endpoints, whose methods are guarded."""

    def classes(guard: Any) -> tuple[Any, Any]:
        class Page(HTTPEndpoint):
            @require(guard)
            def get(self, request: Request) -> Response:
                return PlainTextResponse(state_of(request))

            @guards.require(guard)
            async def post(self, request: Request) -> Response:
                return PlainTextResponse(state_of(request))

        return Page, require(guard)(_socket)

    return _starlette(kit, classes)


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(state_of(websocket))
    await websocket.close()


def _starlette(kit: AuthKit, endpoints: Callable[[Any], tuple[Any, Any]]) -> Starlette:
    routes: list[BaseRoute] = [*auth_routes()]
    for path, guard in GUARDS.items():
        page, socket = endpoints(guard)
        methods = None if isinstance(page, type) else ["GET", "POST"]
        routes += [Route(path, page, methods=methods), WebSocketRoute(f"{path}/ws", socket)]
    return Starlette(routes=routes, middleware=[Middleware(AuthKitMiddleware, authkit=kit)])


WAYS: tuple[Way, ...] = (
    with_dependencies,
    with_async_functions,
    with_plain_functions,
    with_classes,
    with_methods,
)
