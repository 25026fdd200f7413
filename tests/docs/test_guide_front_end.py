"""The guide to single-page applications is true: its examples run, its script is the example's."""

from __future__ import annotations

import json

import pytest
from doc_pages import ROOT, Page

from authkit_asgi.testing import WorkOSEmulator

PAGE = Page("guides/single-page-application.md")
SCRIPT = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


@pytest.fixture
def app(authkit_env: dict[str, str], authkit_emulator: WorkOSEmulator):
    """The page's application, with the token route that it goes on to."""
    authkit_emulator.add_user(email="ada@example.com", first_name="Ada", user_id="user_ada")
    return PAGE.run().app


def test_example_answers_strangers_as_it_says(client_of, app) -> None:
    answer = client_of(app).get("/session")
    assert answer.json() == {"user": None, "reason": "no_session_cookie_provided"}
    assert '`{"user": null, "reason": "no_session_cookie_provided"}`' in PAGE.text


def test_first_example_has_no_token_route(client_of, authkit_env) -> None:
    client = client_of(PAGE.run(first=1).app)
    assert client.get("/session", headers=SCRIPT).status_code == 200
    assert client.get("/token", headers=SCRIPT).status_code == 404


def test_json_has_the_keys_that_are_shown(client_of, app) -> None:
    client = client_of(app, "user_ada")
    session, token = (json.loads(block) for block in PAGE.blocks("json"))
    said = client.get("/session", headers=SCRIPT).json()
    assert said.keys() == session.keys()
    assert session["user"].keys() - {"…"} <= said["user"].keys()
    assert client.get("/token", headers=SCRIPT).json().keys() == token.keys()
    assert client.get("/token").status_code == 403


def test_script_is_the_example_applications() -> None:
    assert PAGE.blocks("javascript") == [(ROOT / "example_app/static/front-end.js").read_text()]
    assert len(PAGE.blocks("javascript")[0].splitlines()) <= 30


def test_pages_bring_the_access_token_where_that_is_switched_on(client_of, authkit_env) -> None:
    client = client_of(PAGE.run("eager.py").app, "user_ada")
    client.get("/openapi.json", headers={"accept": "text/html"})
    assert client.cookies["workos-access-token"].startswith("eyJ")
