"""The routes for front ends in FastAPI: where the router puts them, and what OpenAPI tells."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import ORIGIN, service
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from authkit_asgi import AuthKitMiddleware, auth_routes
from authkit_asgi.fastapi import auth_router
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

PATHS = {"session": "/session", "token": "/token"}


def application(emulator: WorkOSEmulator, prefix: str = "", **options: Any) -> FastAPI:
    app = FastAPI()
    changes = {"login_path": f"{prefix}/login", "redirect_uri": f"{ORIGIN}{prefix}/callback"}
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator, **changes), **options)
    app.include_router(auth_router(**PATHS), prefix=prefix)

    @app.get("/secret")
    async def secret() -> str:
        return "for members only"

    return app


def signed_in(app: Any, emulator: WorkOSEmulator, lifetime: float | None = None) -> Browser:
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=lifetime)
    return browser


@pytest.mark.parametrize("prefix", ["", "/auth"])
async def test_router_answers_as_the_routes_do(emulator, prefix):
    app = application(emulator, prefix)
    plain = Starlette(routes=auth_routes(prefix=prefix, **PATHS), middleware=app.user_middleware)
    for path in PATHS.values():
        for method in ("GET", "HEAD", "POST"):
            answers = [
                await signed_in(one, emulator).request(method, prefix + path, FETCH)
                for one in (app, plain)
            ]
            assert answers[0].status == answers[1].status == (405 if method == "POST" else 200)
            if method == "GET":
                assert answers[0].headers.keys() == answers[1].headers.keys()
                assert answers[0].json.keys() == answers[1].json.keys()


@pytest.mark.parametrize("prefix", ["", "/auth"])
@pytest.mark.parametrize("path", PATHS.values())
async def test_expired_session_is_renewed_below_a_mount(emulator, prefix, path):
    app = Starlette(routes=[Mount("/app", application(emulator, prefix))])
    answer = await signed_in(app, emulator, -100).get(f"/app{prefix}{path}", FETCH)
    assert (answer.status, answer.set_cookies.keys()) == (200, {SESSION})


@pytest.mark.parametrize("prefix", ["", "/auth"])
async def test_protected_application_answers_strangers_there_alone(emulator, prefix):
    browser = Browser(application(emulator, prefix, protect=True))
    assert (await browser.get(f"{prefix}/session", FETCH)).json["user"] is None
    assert (await browser.get(f"{prefix}/token", ())).status == 403
    for path in ("/secret", "/openapi.json", f"{prefix}/session/"):
        assert (await browser.get(path, FETCH)).status == 401


async def test_openapi_has_what_front_ends_get(emulator):
    schema = (await Browser(application(emulator)).get("/openapi.json")).json
    session, token = (schema["paths"][path]["get"] for path in PATHS.values())
    assert session["responses"].keys() == {"200", "503"}
    assert token["responses"].keys() == {"200", "401", "403", "503"}
    assert "security" not in session
    assert token["security"] == [{"AuthKitSession": []}]
    said = session["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [one["$ref"].rpartition("/")[2] for one in said] == ["UserInfo", "NoUserInfo"]
    schemas = schema["components"]["schemas"]
    for name in ("UserInfo", "NoUserInfo", "TokenInfo"):
        assert schemas[name]["required"] == list(schemas[name]["properties"])
    assert schemas["NoUserInfo"]["properties"]["user"]["type"] == "null"
    assert not {"/login", "/signup", "/callback", "/logout"} & schema["paths"].keys()


async def test_openapi_has_nothing_of_routes_that_are_off(emulator):
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))
    app.include_router(auth_router())
    assert app.openapi()["paths"] == {}
    assert (await signed_in(app, emulator).get("/session", FETCH)).status == 404
    assert (await signed_in(app, emulator).get("/token", FETCH)).status == 404
