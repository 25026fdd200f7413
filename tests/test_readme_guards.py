"""What the README says of guards is true: its examples run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import HTTPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient, WebSocketDenialResponse

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.testing import SignIn, WorkOSEmulator

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```py\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ClientOf = Callable[..., TestClient]
PAGE = {"accept": "text/html"}


@pytest.fixture
def authkit_redirect_uri() -> str:
    return "http://localhost:8000/callback"


@pytest.fixture(autouse=True)
def people(authkit_emulator: WorkOSEmulator) -> None:
    """Ada, an administrator of Acme who may export, and Bob in no organization."""
    permissions = ("data:export", "data:read")
    authkit_emulator.enroll("user_ada", "org_acme", role="admin", permissions=permissions)
    authkit_emulator.add_user(email="bob@example.com", user_id="user_bob")


@pytest.fixture
def client_of(sign_in: SignIn) -> ClientOf:
    """Make a client at an application, of nobody or of a user."""

    def make(app: Any, user: str | None = None) -> TestClient:
        client = TestClient(app, base_url="http://localhost:8000", follow_redirects=False)
        if user is not None:
            sign_in(client, user)
        return client

    return make


def run(*numbers: int, **names: Any) -> Any:
    for number in numbers:
        exec(compile(BLOCKS[number], "README.md", "exec"), names)  # noqa: S102  # ours
    return names["app"]


def test_there_are_as_many_examples_as_are_tested_here():
    assert len(BLOCKS) == 4


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/members"), ("POST", "/export"), ("GET", "/organizations/org_acme")],
)
def test_fastapi_example_asks_for_what_it_says(client_of, method, path):
    app = run(0)
    assert client_of(app).request(method, path).status_code == 401
    assert client_of(app, "user_bob").request(method, path).status_code == 403
    assert client_of(app, "user_ada").request(method, path).status_code == 200
    sent = client_of(app).get("/members", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?return_to=%2Fmembers")
    assert client_of(app, "user_bob").get("/danger").status_code == 200


def test_starlette_example_asks_for_what_it_says(client_of):
    app = run(1)
    for path in ("/export", "/home"):
        assert client_of(app).get(path).status_code == 401
        assert client_of(app, "user_ada").get(path).status_code == 200
    assert client_of(app, "user_bob").get("/export").status_code == 403
    assert client_of(app, "user_bob").get("/home").text == "Hello, bob@example.com"
    origin = {"origin": "http://localhost:8000"}
    with client_of(app, "user_ada").websocket_connect("ws://localhost:8000/live", headers=origin):
        pass
    with pytest.raises(WebSocketDenialResponse) as refused:
        client_of(app).websocket_connect("ws://localhost:8000/live", headers=origin).__enter__()
    assert refused.value.status_code == 401


def test_page_of_ones_own_takes_the_place_of_the_bundled_one(client_of):
    app = run(0, 2)
    answer = client_of(app, "user_bob").get("/members", headers=PAGE)
    assert answer.status_code == 403
    assert answer.text.startswith("<h1>Ask your administrator</h1><p>This needs the roles admin or")
    assert client_of(app).get("/members").json()["code"] == "not_signed_in"


def test_handler_of_fastapis_own_exception_is_not_asked(client_of):
    app = run(0)

    @app.exception_handler(HTTPException)
    async def handler(*_: object) -> None:
        raise AssertionError("it is Starlette's")

    assert client_of(app).get("/members").json()["code"] == "not_signed_in"


def test_protected_example_has_the_public_paths_it_lists(client_of):
    bare = FastAPI()

    @bare.get("/{path:path}")
    async def whatever(path: str) -> str:
        return path

    app = run(3, app=bare, AuthKitMiddleware=AuthKitMiddleware)
    stranger = client_of(app)
    for path in ("/", "/about", "/assets/a.css"):
        assert stranger.get(path).status_code == 200
    for path in ("/assets", "/about/us", "/docs", "/openapi.json", "/join"):
        assert stranger.get(path).status_code == 401
    assert stranger.get("/join", headers=PAGE).headers["location"].startswith("/signup?")
    assert client_of(app, "user_bob").get("/whatever").json() == "whatever"


def test_scopes_of_starlettes_own_are_those_it_names(client_of):
    app = Starlette()
    app.add_middleware(AuthKitMiddleware, starlette_auth=True)
    app.add_route("/", _scopes)
    scopes = client_of(app, "user_ada").get("/").headers["x-scopes"].split()
    assert {"authenticated", "role:admin", "permission:data:export"} <= set(scopes)
    for kind in ("organization", "role", "permission"):
        assert any(scope.startswith(f"{kind}:") for scope in scopes)


def _scopes(request: Request) -> Any:
    return Response(headers={"x-scopes": " ".join(request.auth.scopes)})
