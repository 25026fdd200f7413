"""Every guard on a route of its own: in FastAPI as dependencies, in Starlette as decorators."""

from collections.abc import Callable
from typing import Annotated, Any

from emulated import service
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, SignedIn, auth_routes, get_auth, guards
from authkit_asgi import fastapi as dependencies
from authkit_asgi.testing import WorkOSEmulator

# Each is made of the functions in `guards`, or of those of the same names in `dependencies`.
GUARDS: dict[str, Callable[[Any], Any]] = {
    "/signed-in": lambda of: guards.require_signed_in if of is guards else of.require_auth,
    "/role": lambda of: of.require_role("owner", "admin"),
    "/permissions": lambda of: of.require_permission("data:export", "data:import"),
    "/any-permission": lambda of: of.require_permission("data:burn", "data:import", any_of=True),
    "/entitlement": lambda of: of.require_entitlement("audit-log"),
    "/feature-flag": lambda of: of.require_feature_flag("new-ui"),
    "/organization": lambda of: of.require_organization("org_acme"),
    "/organizations/{org_id}": lambda of: of.require_organization(path_param="org_id"),
    "/any-organization": lambda of: of.require_organization(),
    "/recent": lambda of: of.require_recent_auth(),
}


def with_dependencies(emulator: WorkOSEmulator, **settings: Any) -> ASGIApp:
    """FastAPI, each guard as a dependency whose result the endpoint uses."""
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator, **settings))
    app.include_router(dependencies.auth_router())
    for path, guard in GUARDS.items():
        _add(app, path, guard(dependencies))
    return app


def _add(app: FastAPI, path: str, dependency: Any) -> None:
    async def endpoint(auth: Annotated[SignedIn, Depends(dependency)]) -> Response:
        return PlainTextResponse(auth.user.id)

    async def socket(websocket: WebSocket, auth: Annotated[SignedIn, Depends(dependency)]) -> None:
        await websocket.accept()
        await websocket.send_text(auth.user.id)
        await websocket.close()

    app.add_api_route(path, endpoint, methods=["GET", "POST"])
    app.add_api_websocket_route(f"{path}/ws", socket)


def with_router_dependencies(emulator: WorkOSEmulator, **settings: Any) -> ASGIApp:
    """FastAPI, each guard among the dependencies of a router, below another guard."""
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator, **settings))
    for path, guard in GUARDS.items():
        inner = FastAPI(openapi_url=None).router  # an APIRouter
        inner.add_api_route(path, _whoever, methods=["GET", "POST"])
        inner.add_api_websocket_route(f"{path}/ws", _whoever_there)
        both = [Depends(dependencies.require_user), Depends(guard(dependencies))]
        app.include_router(inner, dependencies=both)
    return app


def with_decorators(emulator: WorkOSEmulator, **settings: Any) -> ASGIApp:
    """Starlette, each guard on functions."""
    routes: list[BaseRoute] = []
    for path, guard in GUARDS.items():
        guarded = guards.require(guard(guards))
        page, socket = guarded(_whoever), guarded(_whoever_there)
        routes += [Route(path, page, methods=["GET", "POST"]), WebSocketRoute(f"{path}/ws", socket)]
    return _starlette(emulator, routes, **settings)


def with_decorated_classes(emulator: WorkOSEmulator, **settings: Any) -> ASGIApp:
    """Starlette, each guard on class-based endpoints."""
    routes: list[BaseRoute] = []
    for path, guard in GUARDS.items():
        guarded = guards.require(guard(guards))
        page, socket = _classes()
        routes += [Route(path, guarded(page)), WebSocketRoute(f"{path}/ws", guarded(socket))]
    return _starlette(emulator, routes, **settings)


def _starlette(emulator: WorkOSEmulator, routes: list[BaseRoute], **settings: Any) -> Starlette:
    return Starlette(
        routes=[*auth_routes(), *routes],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator, **settings))],
    )


async def _whoever(request: Request) -> Response:
    user = get_auth(request).user
    assert user is not None
    return PlainTextResponse(user.id)


async def _whoever_there(websocket: WebSocket) -> None:
    user = get_auth(websocket).user
    assert user is not None
    await websocket.accept()
    await websocket.send_text(user.id)
    await websocket.close()


def _classes() -> tuple[type[HTTPEndpoint], type[WebSocketEndpoint]]:
    class Page(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return await _whoever(request)

        def post(self, request: Request) -> Response:
            return PlainTextResponse(get_auth(request).user.id)

    class Socket(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await _whoever_there(websocket)

    return Page, Socket
