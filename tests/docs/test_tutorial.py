"""The tutorial is true: what it says people see is what they see."""

from __future__ import annotations

import json

import httpx
import pytest
from doc_pages import Page
from starlette.testclient import TestClient

from authkit_asgi.testing import WorkOSEmulator

TUTORIAL = Page("tutorial.md")
PAGE = {"accept": "text/html"}
OWN_FORM = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="session")
def authkit_make_emulator():
    """The one of the command line, with its people."""
    return WorkOSEmulator.demo


def sign_in(client: TestClient, name: str) -> str:
    """Sign in through the emulator, and return the page where that ends."""
    begun = client.get("/login", params={"login_hint": f"{name}@example.com"})
    granted = httpx.get(begun.headers["location"])
    return client.get(granted.headers["location"], follow_redirects=True).text


def sign_out(client: TestClient) -> str:
    """Send the form of the page, and return where it leads from WorkOS."""
    sent = client.post("/logout?return_to=/", headers=OWN_FORM)
    assert 'method="post" action="/logout?return_to=/"' in TUTORIAL.file("main.py")
    return httpx.get(sent.headers["location"]).headers["location"]


@pytest.mark.usefixtures("authkit_env")
def test_steps_lead_where_they_say(client_of) -> None:
    client = client_of(TUTORIAL.run().app)
    assert "Hello, stranger." in client.get("/").text
    assert "Hello, ada@example.com." in sign_in(client, "ada")
    assert client.get("/me").json() == {"hello": "Ada"}
    assert client.get("/export").json() == {"data": "…"}
    assert sign_out(client) == "http://localhost:8000/"
    assert "Hello, stranger." in client.get("/").text
    sent = client.get("/me", headers=PAGE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?return_to=%2Fme")
    sign_in(client, "maria")
    refused = client.get("/export", headers=PAGE)
    assert refused.status_code == 403
    assert "data:export" in refused.text


@pytest.mark.usefixtures("authkit_env")
def test_program_gets_the_json_that_is_shown(client_of) -> None:
    (shown,) = TUTORIAL.blocks("json")
    assert client_of(TUTORIAL.run().app).get("/me").json() == json.loads(shown)


def test_emulator_is_known_by_what_is_exported(authkit_emulator: WorkOSEmulator) -> None:
    (said,) = TUTORIAL.blocks("text")
    exports = [block for block in TUTORIAL.blocks("sh") if "WORKOS_BASE_URL=" in block]
    for pair in (
        f"WORKOS_CLIENT_ID={authkit_emulator.client_id}",
        f"WORKOS_API_KEY={authkit_emulator.api_key}",
        "WORKOS_BASE_URL=http://127.0.0.1:8010",
    ):
        assert pair in said
        assert f"export {pair}\n" in exports[0]
