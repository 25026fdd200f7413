"""Guards say what they return when bearer tokens count. Checked by mypy and pyright."""

from collections.abc import Awaitable, Callable
from typing import Annotated, assert_type

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from authkit_asgi import (
    AccessToken,
    APIKey,
    AsyncGuard,
    Caller,
    CallerGuard,
    Guard,
    SignedIn,
    get_access_token,
    get_api_key,
    require,
    require_access_token,
    require_api_key,
    require_caller,
    require_entitlement,
    require_feature_flag,
    require_organization,
    require_permission,
    require_recent_auth,
    require_role,
)
from authkit_asgi import fastapi as dependencies
from authkit_asgi.fastapi import CurrentAccessToken, CurrentAPIKey, CurrentCaller

Dependency = Callable[..., Awaitable[SignedIn]]
CallerDependency = Callable[..., Awaitable[SignedIn | AccessToken]]
app = FastAPI()


@app.get("/token")
async def token_of(token: CurrentAccessToken) -> str:
    assert_type(token, AccessToken)
    return token.user_id


@app.get("/either")
async def either(caller: CurrentCaller) -> str:
    assert_type(caller, SignedIn | AccessToken)
    if isinstance(caller, AccessToken):
        assert_type(caller.client_id, str | None)
    else:
        assert_type(caller.user.email, str)
    assert_type(caller.has_permission("a"), bool)
    assert_type(caller.permissions, tuple[str, ...])
    assert_type(caller.organization_id, str | None)
    return caller.user_id


@app.get("/key")
async def key_of(
    key: CurrentAPIKey, same: Annotated[APIKey, Depends(dependencies.require_api_key("a"))]
) -> str:
    assert_type(key, APIKey)
    return same.id


def guards_without_it_return_who_is_signed_in() -> None:
    assert_type(require_permission("a"), Guard)
    assert_type(require_permission("a", bearer=False), Guard)
    assert_type(dependencies.require_permission("a", any_of=True), Dependency)


async def guards_with_it_return_either(request: Request, *, told: bool) -> None:
    assert_type(require_permission("a", any_of=True, bearer=True), CallerGuard)
    assert_type(require_role("a", bearer=True), CallerGuard)
    assert_type(require_entitlement("a", bearer=True), CallerGuard)
    assert_type(require_feature_flag("a", bearer=True), CallerGuard)
    assert_type(require_organization(path_param="a", bearer=True), CallerGuard)
    assert_type(require_recent_auth(bearer=True), CallerGuard)
    assert_type(await require_role("a", bearer=True)(request), SignedIn | AccessToken)
    assert_type(require_role("a", bearer=told), Guard | CallerGuard)
    assert_type(dependencies.require_role("a", bearer=True), CallerDependency)
    assert_type(dependencies.require_recent_auth(bearer=True), CallerDependency)
    assert_type(dependencies.require_role("a", bearer=told), Dependency | CallerDependency)


async def what_a_request_carries_may_be_nothing(request: Request) -> None:
    assert_type(await get_access_token(request), AccessToken | None)
    assert_type(await get_api_key(request), APIKey | None)
    assert_type(await require_access_token(request), AccessToken)
    assert_type(await require_caller(request), SignedIn | AccessToken)
    assert_type(await require_api_key("a")(request), APIKey)


@AsyncGuard
async def own(connection: HTTPConnection) -> Caller:
    return await require_caller(connection)


@require(require_role("a"), require_access_token, require_api_key(), own)
async def page(request: Request, number: int = 1) -> Response:
    return Response(f"{request.url.path}{number}")


async def decorated_endpoints_keep_their_types(request: Request) -> None:
    assert_type(await page(request, number=2), Response)


def nothing_of_a_token_can_be_changed(token: AccessToken) -> None:
    token.token = "a"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    token.user_id = "a"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    token.user  # type: ignore[attr-defined]  # pyright: ignore  # noqa: B018, PGH003


def what_cannot_be_a_guard_is_refused() -> None:
    require(get_access_token)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require(require_api_key)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    require_api_key(["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
