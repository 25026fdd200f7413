"""The guides to pages, permissions and organizations are true: their examples run."""

from __future__ import annotations

import os

import pytest
from doc_pages import Page
from fastapi import FastAPI
from fastapi.exceptions import HTTPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import WebSocketDenialResponse

from authkit_asgi import AuthKitMiddleware
from authkit_asgi.testing import WorkOSEmulator

PAGES = Page("guides/pages-and-apis.md")
PERMISSIONS = Page("guides/permissions.md")
ORGANIZATIONS = Page("guides/organizations.md")
ACCEPT_PAGE = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def people(authkit_emulator: WorkOSEmulator) -> None:
    """Ada, an administrator of Acme who may export, and Bob in no organization."""
    permissions = ("data:export", "data:read")
    authkit_emulator.enroll("user_ada", "org_acme", role="admin", permissions=permissions)
    authkit_emulator.update_user("user_ada", email="ada@example.com", first_name="Ada")
    authkit_emulator.add_user(email="bob@example.com", user_id="user_bob")


def test_dependencies_give_what_the_table_says(client_of) -> None:
    app = PAGES.run().app
    stranger, ada = client_of(app), client_of(app, "user_ada")
    assert stranger.get("/").json() == {"hello": "stranger"}
    assert ada.get("/").json() == {"hello": "ada@example.com"}
    assert ada.get("/me").json() == {"hello": "Ada"}
    assert ada.get("/session-says").json() == {
        "organization": "org_acme",
        "permissions": ["data:export", "data:read"],
    }
    for path in ("/me", "/session-says"):
        assert stranger.get(path).status_code == 401
        assert {"401", "403", "503"} <= app.openapi()["paths"][path]["get"]["responses"].keys()


def test_starlette_example_signs_in(client_of, walk_through) -> None:
    client = client_of(PAGES.run("starlette_main.py").app)
    stranger = {"hello": "stranger", "because": "no_session_cookie_provided"}
    assert client.get("/").json() == stranger
    assert walk_through(client, "/").json() == {"hello": "ada@example.com"}


def test_page_of_ones_own_takes_the_place_of_the_bundled_one(client_of) -> None:
    app = PAGES.run("own_pages.py").app
    answer = client_of(app, "user_bob").get("/members", headers=ACCEPT_PAGE)
    assert answer.status_code == 403
    assert answer.text.startswith("<h1>Ask your administrator</h1><p>This needs the role admin")
    assert client_of(app).get("/members").json()["code"] == "not_signed_in"


def test_handler_of_fastapis_own_exception_is_not_asked(client_of) -> None:
    app = PERMISSIONS.run().app

    @app.exception_handler(HTTPException)
    async def handler(*_: object) -> None:
        raise AssertionError("it is Starlette's")

    assert client_of(app).get("/members").json()["code"] == "not_signed_in"


def test_protected_example_has_the_public_paths_it_lists(client_of) -> None:
    app: FastAPI = PAGES.run("protected.py").app

    @app.get("/{path:path}")
    async def whatever(path: str) -> str:
        return path

    stranger = client_of(app)
    for path in ("/", "/about", "/assets/a.css"):
        assert stranger.get(path).status_code == 200
    for path in ("/assets", "/about/us", "/docs", "/openapi.json", "/join"):
        assert stranger.get(path).status_code == 401
    assert stranger.get("/join", headers=ACCEPT_PAGE).headers["location"].startswith("/signup?")
    assert client_of(app, "user_bob").get("/whatever").json() == "whatever"


def test_scopes_of_starlettes_own_are_those_it_names(client_of) -> None:
    app = Starlette()
    app.add_middleware(AuthKitMiddleware, starlette_auth=True)
    app.add_route("/", _scopes)
    scopes = client_of(app, "user_ada").get("/").headers["x-scopes"].split()
    assert {"authenticated", "role:admin", "permission:data:export"} <= set(scopes)
    for kind in ("organization", "role", "permission"):
        assert any(scope.startswith(f"{kind}:") for scope in scopes)
        assert f"{kind}:" in PAGES.text


def _scopes(request: Request) -> Response:
    return Response(headers={"x-scopes": " ".join(request.auth.scopes)})


def test_prefix_example_signs_in(client_of, walk_through, monkeypatch) -> None:
    monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/auth/callback")
    client = client_of(PAGES.run("prefixed.py").app)
    assert walk_through(client, "/docs", "/auth/login").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/members"), ("POST", "/export"), ("GET", "/organizations/org_acme")],
)
def test_guards_ask_for_what_they_say(client_of, method, path) -> None:
    app = PERMISSIONS.run().app
    assert client_of(app).request(method, path).status_code == 401
    assert client_of(app, "user_bob").request(method, path).status_code == 403
    assert client_of(app, "user_ada").request(method, path).status_code == 200
    sent = client_of(app).get("/members", headers=ACCEPT_PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?return_to=%2Fmembers")
    assert client_of(app, "user_bob").get("/danger").status_code == 200


def test_starlettes_guards_ask_for_what_they_say(client_of) -> None:
    app = PERMISSIONS.run("starlette_main.py").app
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


def test_switch_answers_what_workos_says(client_of, authkit_emulator: WorkOSEmulator) -> None:
    workos = authkit_emulator
    vault = workos.add_organization("Vault", organization_id="org_vault", sso_required=True)
    workos.add_membership("user_ada", vault, role="member")
    workos.add_organization("Globex", organization_id="org_globex")
    client = client_of(ORGANIZATIONS.run().app, "user_ada")
    assert client.post("/organizations/org_acme").json() == {"organization": "org_acme"}
    assert client.get("/organization").json() == {"organization": "org_acme", "role": "admin"}
    sent = client.post("/organizations/org_vault")
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(os.environ["WORKOS_BASE_URL"])
    refused = client.post("/organizations/org_globex")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("ada@example.com cannot go there: ")
    workos.fail("authenticate", status=503, headers={"Retry-After": "7"})
    unavailable = client.post("/organizations/org_acme")
    assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "7")
    assert client.get("/organization").json()["organization"] == "org_acme"
