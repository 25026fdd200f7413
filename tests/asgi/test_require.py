"""`@require` on endpoints of Starlette's, and what it refuses to decorate."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie, site
from emulated import service
from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from authkit_asgi import AuthKitMiddleware, guards, require, require_role

pytestmark = pytest.mark.anyio

admin = require_role("admin")
export = guards.require_permission("data:export")
burn = guards.require_permission("data:burn")


async def page(request: Request, text: str = "ok") -> Response:
    del request
    return PlainTextResponse(text)


@require()
async def anybody_signed_in(request: Request) -> Response:
    return await page(request)


@require(admin)
def plain(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


@require(admin, export)
async def two_guards(request: Request) -> Response:
    return await page(request)


@require(admin)
@require(export)
async def two_decorators(*, request: Request) -> Response:
    return await page(request)


def loud(function: Any) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        answer = await function(*args, **kwargs)
        answer.headers["x-loud"] = "1"
        return answer

    return wrapper


@loud
@require(admin)
async def below_another(request: Request) -> Response:
    return await page(request)


@require(admin)
@loud
async def above_another(request: Request) -> Response:
    return await page(request)


class Base(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return await page(request)


class Guarded(Base):
    @require(admin)
    async def get(self, request: Request) -> Response:
        return await super().get(request)

    def post(self, request: Request) -> Response:
        del request
        return PlainTextResponse("open")


@require(admin)
class GuardedBase(Base):
    pass


class Inherits(GuardedBase):
    async def get(self, request: Request) -> Response:
        return await page(request)


class Dispatches(GuardedBase):
    async def dispatch(self) -> None:
        await PlainTextResponse("ok")(self.scope, self.receive, self.send)


@require(burn)
class AsksForMore(GuardedBase):
    pass


ALLOWED: dict[str, Any] = {
    "no guard named": anybody_signed_in,
    "plain function": plain,
    "two guards": two_guards,
    "below another decorator": below_another,
    "above another decorator": above_another,
    "partial": require(admin)(functools.partial(page, text="ok")),
    "method": Guarded,
    "class": GuardedBase,
    "class that inherits": Inherits,
    "class with a dispatch of its own": Dispatches,
}


@pytest.mark.parametrize("endpoint", ALLOWED.values(), ids=ALLOWED)
async def test_endpoint_is_reached_by_those_who_may_alone(emulator, endpoint):
    browser = Browser(site(emulator, [Route("/page", endpoint)]))
    assert (await browser.get("/page", FETCH)).json["code"] == "not_signed_in"
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/page", FETCH)).text == "ok"
    if endpoint is not anybody_signed_in:
        browser.cookies[SESSION] = signed_in_cookie(emulator, "user_bob")
        assert (await browser.get("/page", FETCH)).json["missing"] == {"roles": ["admin"]}


async def test_decorators_add_up(emulator):
    async def endpoint(request: Request) -> Response:
        return await two_decorators(request=request)

    browser = Browser(site(emulator, [Route("/", endpoint), Route("/more", AsksForMore)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/", FETCH)).text == "ok"
    assert (await browser.get("/more", FETCH)).json["missing"] == {"permissions": ["data:burn"]}
    browser.cookies[SESSION] = signed_in_cookie(emulator, "user_bob")
    assert (await browser.get("/", FETCH)).json["missing"] == {"roles": ["admin"]}


async def test_one_permission_of_two_is_not_both(emulator):
    both = require(guards.require_permission("data:burn", "data:export"))(page)
    one = require(guards.require_permission("data:burn", "data:export", any_of=True))(page)
    browser = Browser(site(emulator, [Route("/both", both), Route("/one", one)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    denied = await browser.get("/both", FETCH)
    assert (denied.status, denied.json["missing"]) == (403, {"permissions": ["data:burn"]})
    assert denied.json["detail"] == "This needs the permission data:burn."
    assert (await browser.get("/one", FETCH)).text == "ok"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("require_entitlement", "entitlements", "entitlement"),
        ("require_feature_flag", "feature_flags", "feature flag"),
    ],
)
async def test_one_of_two_is_not_both(emulator, name, kind, words):
    emulator.add_membership("user_ada", "org_acme", role="admin", **{kind: ("a",)})
    both = require(getattr(guards, name)("a", "b"))(page)
    browser = Browser(site(emulator, [Route("/both", both)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    denied = await browser.get("/both", FETCH)
    assert (denied.status, denied.json["missing"]) == (403, {kind: ["b"]})
    assert denied.json["detail"] == f"This needs the {words} b."


async def test_guarding_a_subclass_leaves_its_base_alone(emulator):
    assert GuardedBase.__await__ is not AsksForMore.__await__
    assert Base.__await__ is HTTPEndpoint.__await__
    browser = Browser(site(emulator, [Route("/page", Base), Route("/other", Guarded)]))
    assert (await browser.get("/page", FETCH)).text == "ok"
    assert (await browser.post("/other", FETCH)).text == "open"


async def test_background_tasks_of_an_endpoint_run(emulator):
    done: list[str] = []

    @require(admin)
    async def endpoint(request: Request) -> Response:
        del request
        return PlainTextResponse("ok", background=BackgroundTask(done.append, "done"))

    browser = Browser(site(emulator, [Route("/page", endpoint)]))
    await browser.get("/page", FETCH)
    assert done == []
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    await browser.get("/page", FETCH)
    assert done == ["done"]


async def test_websocket_class_is_denied_before_it_is_accepted(emulator):
    @require(admin)
    class Socket(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()

    browser = Browser(site(emulator, [WebSocketRoute("/ws", Socket)]))
    assert (await browser.websocket("/ws")).status == 401
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.websocket("/ws")).messages[0]["type"] == "websocket.accept"


@pytest.mark.parametrize("denial", [True, False])
async def test_guard_closes_a_websocket_that_has_been_accepted(emulator, denial):
    names = tuple(f"permission:{'é' * 20}:{number}" for number in range(9))
    guard = guards.require_permission(*names)

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        guard(websocket)

    browser = Browser(site(emulator, [WebSocketRoute("/ws", endpoint)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    accept, close = (await browser.websocket("/ws", denial=denial)).messages
    assert (accept["type"], close["type"]) == ("websocket.accept", "websocket.close")
    assert close["code"] == 1008
    assert close["reason"].startswith("This needs the permissions permission:é")
    assert len(close["reason"].encode()) <= 123  # or the close frame is a protocol error


def test_decorated_function_keeps_its_signature():
    assert list(inspect.signature(two_guards).parameters) == ["request"]
    assert (two_guards.__name__, two_guards.__module__) == ("two_guards", __name__)
    assert inspect.iscoroutinefunction(two_guards)
    assert not inspect.iscoroutinefunction(plain)


async def test_decorated_function_is_an_endpoint_of_fastapi_too(emulator):
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))

    @app.get("/items/{number}")
    @require(admin)
    async def item(request: Request, number: int) -> int:
        del request
        return number + 1

    browser = Browser(app)
    assert (await browser.get("/items/1", FETCH)).json["code"] == "not_signed_in"
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/items/1", FETCH)).json == 2
