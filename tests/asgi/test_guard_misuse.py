"""Guards that are set up wrong: refused where that is written, and open to nobody."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, sealed_session, signed_in_cookie, site
from emulated import service
from fastapi import Depends, FastAPI
from fastapi.exceptions import FastAPIError
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import AuthKitMiddleware, SignedIn, guards, require, require_role
from authkit_asgi import fastapi as dependencies

pytestmark = pytest.mark.anyio

admin = require_role("admin")


async def page(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


@require(admin)
def plain(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


async def without_connection(answer: str) -> str:
    return answer


class Other:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize("endpoint", [without_connection, Other, Other(), lambda: None])
def test_what_is_no_endpoint_of_starlettes_is_refused(endpoint):
    with pytest.raises(TypeError, match=r"request or websocket|no endpoint"):
        require(admin)(endpoint)


async def test_endpoint_called_without_its_request_is_not_run():
    with pytest.raises(TypeError, match="without a request"):
        await require(admin)(page)("a request")
    with pytest.raises(TypeError, match="without a request"):
        plain(None)


FASTAPI_GUARDS: list[Any] = [
    dependencies.require_auth,
    dependencies.require_role("admin"),
    dependencies.require_recent_auth(),
]


@pytest.mark.parametrize("guard", FASTAPI_GUARDS)
def test_dependency_of_fastapi_is_refused_as_a_guard(guard):
    with pytest.raises(TypeError, match=r"not those of \.fastapi"):
        require(guard)


FACTORIES = [
    "require_role",
    "require_permission",
    "require_entitlement",
    "require_feature_flag",
    "require_organization",
    "require_recent_auth",
]


@pytest.mark.parametrize("name", FACTORIES)
async def test_guard_that_was_forgotten_to_be_called_lets_nobody_in(emulator, name):
    endpoint = require(getattr(guards, name))(page)
    browser = Browser(site(emulator, [Route("/page", endpoint)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    with pytest.raises(TypeError):
        await browser.get("/page", FETCH)


async def test_guard_that_returns_something_else_lets_nobody_in(emulator):
    def forgets(connection: HTTPConnection) -> Any:
        del connection

    browser = Browser(site(emulator, [Route("/page", require(forgets)(page))]))
    with pytest.raises(TypeError, match="returns who is signed in"):
        await browser.get("/page", FETCH)


@pytest.mark.parametrize("module", [guards, dependencies])
@pytest.mark.parametrize("name", FACTORIES)
def test_dependency_that_was_forgotten_to_be_called_is_refused_at_once(module, name):
    app = FastAPI()
    with pytest.raises(FastAPIError, match="CallItFirst"):
        app.add_api_route("/", page, dependencies=[Depends(getattr(module, name))])


@pytest.mark.parametrize("module", [guards, dependencies])
def test_guards_that_ask_for_nothing_are_refused(module):
    for name in FACTORIES[:4]:
        for names in ((), ("",), ("a", ""), (None,), (["a"],)):
            with pytest.raises(TypeError, match=f"^{name} takes names, one at least$"):
                getattr(module, name)(*names)
    for given in (("",), (None,), ("org_a", None)):
        with pytest.raises(TypeError, match=r"^require_organization takes names"):
            module.require_organization(*given)
    with pytest.raises(TypeError, match=r"^require_organization takes names"):
        module.require_organization(path_param="")
    with pytest.raises(TypeError, match=r"^require_organization takes ids or path_param$"):
        module.require_organization("org_a", path_param="org")
    for max_age in (9, 0, -1, True, 10.5, float("nan"), float("inf"), "300", None, 34_560_001):
        with pytest.raises(ValueError, match=r"^max_age has to be 10 to 34560000 whole seconds$"):
            module.require_recent_auth(max_age=max_age)
    for max_age in (10, 34_560_000):
        module.require_recent_auth(max_age=max_age)


async def test_guards_of_starlette_are_dependencies_of_fastapi_too(emulator):
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))
    asks: Any = Annotated[SignedIn, Depends(guards.require_organization("org_acme", "org_b"))]

    async def endpoint(auth: Any) -> str:
        return auth.user.id

    endpoint.__annotations__["auth"] = asks
    app.add_api_route("/", endpoint)
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/", FETCH)).json == "user_ada"
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada", "org_globex"))
    assert (await browser.get("/", FETCH)).status == 403


async def test_route_without_the_parameter_lets_nobody_in(emulator):
    endpoint = require(guards.require_organization(path_param="org"))(page)
    browser = Browser(site(emulator, [Route("/page/{organization}", endpoint)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    with pytest.raises(KeyError, match="path of this route has no parameter 'org'"):
        await browser.get("/page/org_acme", FETCH)
