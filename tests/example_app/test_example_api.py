from __future__ import annotations

import pytest
from example_browser import Browser
from starlette.testclient import WebSocketDenialResponse

from authkit_asgi.testing import SignIn

_ORIGIN = {"Origin": "http://localhost:8000"}


def test_me_is_the_user_as_json(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    response = browser.client.get("/api/me")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-store"
    user = response.json()
    assert user["email"] == "ada@example.com"
    assert user["first_name"] == "Ada"
    assert user["metadata"] == {"team": "engines"}


def test_me_in_openapi_names_its_refusals(browser: Browser) -> None:
    operation = browser.client.get("/openapi.json").json()["paths"]["/api/me"]["get"]
    assert {"200", "401", "503"} <= operation["responses"].keys()
    assert operation["security"] == [{"AuthKitSession": []}]


def test_export_names_the_permission_it_takes(browser: Browser) -> None:
    browser.sign_in("soren@example.com")
    response = browser.client.get("/api/export")
    assert (response.status_code, response.json()["detail"]) == (
        403,
        "This needs the permission data:export",
    )
    assert response.json()["missing"] == {"permissions": ["data:export"]}
    assert response.json()["code"] == "forbidden"


def test_export_is_for_those_who_have_the_permission(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    assert browser.client.get("/api/export").json() == {"data": "for ada@example.com only"}


def test_websocket_greets(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    with browser.client.websocket_connect("ws://localhost:8000/ws", headers=_ORIGIN) as socket:
        assert socket.receive_json() == {"greeting": "Hello, Ada Lovelace!"}


def test_websocket_ends_with_the_access_token(browser: Browser, sign_in: SignIn) -> None:
    sign_in(browser.client, expires_in=2)
    with browser.client.websocket_connect("ws://localhost:8000/ws", headers=_ORIGIN) as socket:
        assert socket.receive_json() == {"greeting": "Hello, Ada Lovelace!"}
        assert socket.receive_json() == {"expired": True}
        assert socket.receive()["type"] == "websocket.close"


def test_websocket_signed_out_is_refused(browser: Browser) -> None:
    with pytest.raises(WebSocketDenialResponse) as caught:
        browser.client.websocket_connect("ws://localhost:8000/ws", headers=_ORIGIN).__enter__()
    assert caught.value.status_code == 401


def test_websocket_from_another_site_is_refused(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    headers = {"Origin": "http://evil.example"}
    with pytest.raises(WebSocketDenialResponse) as caught:
        browser.client.websocket_connect("ws://localhost:8000/ws", headers=headers).__enter__()
    assert caught.value.status_code == 401
