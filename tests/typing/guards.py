"""Guards return who is signed in; `@require` changes no type. Checked by mypy and pyright."""

from collections.abc import Awaitable, Callable
from typing import Annotated, assert_type

from fastapi import Depends, FastAPI, WebSocket
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from authkit_asgi import (
    ForbiddenError,
    Guard,
    RecentSignInRequiredError,
    SignedIn,
    guards,
    require,
    require_entitlement,
    require_feature_flag,
    require_organization,
    require_recent_auth,
    require_role,
)
from authkit_asgi import require_permission as permission_guard
from authkit_asgi.fastapi import require_auth, require_permission
from authkit_asgi.fastapi import require_organization as organization
from authkit_asgi.fastapi import require_recent_auth as recent_auth

Dependency = Callable[..., Awaitable[SignedIn]]
Exporter = Annotated[SignedIn, Depends(require_permission("data:export", any_of=True))]
app = FastAPI()


@app.get("/export", dependencies=[Depends(recent_auth(max_age=60))])
async def export(auth: Exporter) -> str:
    assert_type(auth, SignedIn)
    return auth.user.id


@app.get("/members/{org_id}")
async def members(
    auth: Annotated[SignedIn, Depends(organization(path_param="org_id"))],
) -> str | None:
    return auth.organization_id


def factories_make_dependencies() -> None:
    assert_type(require_permission("a"), Dependency)
    assert_type(organization(), Dependency)
    assert_type(recent_auth(), Dependency)


def guards_take_a_request(request: Request, websocket: WebSocket) -> None:
    assert_type(require_role("admin"), Guard)
    assert_type(require_role("admin", "owner")(request), SignedIn)
    assert_type(permission_guard("a", any_of=True)(websocket), SignedIn)
    assert_type(require_organization("org_a", "org_b")(request), SignedIn)
    assert_type(require_entitlement("a")(request).user.email, str)
    assert_type(require_feature_flag("a")(request), SignedIn)
    assert_type(require_recent_auth(max_age=60)(request), SignedIn)


@require(require_role("admin"))
async def page(request: Request, number: int = 1) -> Response:
    return Response(f"{request.url.path}{number}")


@require()
def plain(request: Request) -> Response:
    return Response(request.url.path)


@require(require_role("admin"))
class Page(HTTPEndpoint):
    @require(guards.require_signed_in)
    async def get(self, request: Request) -> Response:
        return await page(request)


@require()
class Socket(WebSocketEndpoint):
    encoding = "text"


routes = [Route("/", page), Route("/plain", plain), Route("/p", Page), WebSocketRoute("/s", Socket)]


async def decorated_endpoints_keep_their_types(request: Request) -> None:
    assert_type(await page(request, number=2), Response)
    assert_type(plain(request), Response)
    assert_type(Page, type[Page])
    await page("a request")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await page(request, numbr=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def errors_say_what_is_missing(error: ForbiddenError, stale: RecentSignInRequiredError) -> None:
    assert_type(error.missing["roles"], tuple[str, ...])
    assert_type(error.status_code, int)
    assert_type(stale.max_age, int)


def what_cannot_be_a_guard_is_refused() -> None:
    require(require_auth)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require(require_permission("a"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require(require_recent_auth)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require("admin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require_role(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    require_permission(["a"])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    require_organization(None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    require_recent_auth(300)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    recent_auth(max_age="300")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
