"""The example application's page of one's devices, and its webhook route."""

from __future__ import annotations

import pytest
from example_browser import Browser, text_of
from starlette.testclient import TestClient

from authkit_asgi.testing import sign_webhook
from example_app.main import create_app
from example_app.words import device

_ADA = "ada@example.com"
_ADAS_ID = "user_01DEMOADA00000000000000000"


def test_page_lists_the_devices_and_marks_this_one(browser: Browser):
    browser.emulator.sign_in(_ADAS_ID, impersonator={"email": "support@workos.com"})
    browser.sign_in(_ADA)
    page = browser.visit("/devices")
    assert page.status_code == 200
    text = text_of(page)
    assert text.count("This device") == 1
    assert "Unknown device support@workos.com, acting as you · Unknown address" in text
    assert "Sign out all other devices" in text


@pytest.mark.parametrize("which", ["one", "all"])
def test_device_that_is_signed_out_leaves_the_list(browser: Browser, which: str):
    browser.emulator.sign_in(_ADAS_ID)
    (other,) = browser.emulator._state.sessions.active_of(_ADAS_ID)
    browser.sign_in(_ADA)
    query = f"?session_id={other.id}" if which == "one" else ""
    answer = browser.submit(f"/devices{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/devices")
    (left,) = browser.emulator._state.sessions.active_of(_ADAS_ID)
    assert left.id != other.id
    assert "Sign out all other devices" not in text_of(browser.visit("/devices"))


def test_this_device_signs_itself_out(browser: Browser):
    browser.sign_in(_ADA)
    (own,) = browser.emulator._state.sessions.active_of(_ADAS_ID)
    assert browser.submit(f"/devices?session_id={own.id}").status_code == 303
    assert browser.visit("/devices").headers["location"].startswith("/login?")


def test_somebody_elses_device_is_not_found_and_an_outage_says_so(browser: Browser):
    browser.sign_in(_ADA)
    answer = browser.submit("/devices?session_id=session_of_somebody_else")
    assert answer.status_code == 404
    browser.emulator.fail("sessions", status=503)
    answer = browser.visit("/devices")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_another_site_signs_nobody_out(browser: Browser):
    browser.emulator.sign_in(_ADAS_ID)
    browser.sign_in(_ADA)
    answer = browser.submit("/devices", **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert len(browser.emulator._state.sessions.active_of(_ADAS_ID)) == 2


def test_webhook_route_is_there_if_the_environment_has_its_secret(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
):
    webhook = sign_webhook("user.deleted", {"id": _ADAS_ID}, secret="whsec_x")
    content = {"content": webhook.body, "headers": webhook.headers}
    assert browser.client.post("/webhooks/workos", **content).status_code == 404
    monkeypatch.setenv("WORKOS_WEBHOOK_SECRET", "whsec_x")
    with TestClient(create_app()) as client:
        assert client.post("/webhooks/workos", **content).status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (None, "Unknown device"),
        ("curl/8", "Unknown device"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X)", "iPad"),
        ("Firefox/1", "Firefox"),
    ],
)
def test_user_agents_are_put_into_words(user_agent: str | None, words: str):
    assert device(user_agent) == words
