"""What pages of other origins try besides signing people out."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from browser_steps import (
    choose,
    session_cookie,
    session_cookies,
    sign_in,
    verifier_cookies,
)
from playwright.sync_api import Page, expect
from processes import Emulator
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")


@pytest.fixture
def attackers_callback(app_url: str, emulator: Emulator) -> str:
    """The callback address of a sign-in that the attacker has begun and kept for others."""
    del emulator  # is reset before
    with httpx.Client(timeout=60) as attacker:
        begun = attacker.get(f"{app_url}/login")
        done = attacker.get(f"{begun.headers['location']}&login_hint=soren@example.com")
    address = done.headers["location"]
    assert address.startswith(f"{app_url}/callback?code=")
    return str(address)


def _follow_link(page: Page, origin: str, address: str) -> None:
    page.goto(f"{origin}/link?{urlencode({'to': address})}")
    page.get_by_role("link", name="Go on").click()


def test_an_attackers_callback_signs_nobody_in(
    page: Page, other_origin: str, attackers_callback: str, screenshot: Screenshot
) -> None:
    _follow_link(page, other_origin, attackers_callback)
    expect(page.get_by_role("heading", level=1)).to_have_text("The sign-in was not completed")
    screenshot(page, "callback-refused")
    assert session_cookies(page) == []
    page.get_by_role("link", name="Sign in").click()
    choose(page, "Ada Lovelace")
    expect(page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()


def test_an_attackers_callback_leaves_the_user_signed_in(
    page: Page, app_url: str, other_origin: str, attackers_callback: str
) -> None:
    sign_in(page)
    cookie = session_cookie(page)["value"]
    _follow_link(page, other_origin, attackers_callback)
    expect(page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()
    assert page.url == f"{app_url}/"
    assert session_cookie(page)["value"] == cookie


def test_an_attackers_code_without_state_leaves_the_user_who_it_was(
    page: Page, app_url: str, emulator: Emulator, other_origin: str, attackers_callback: str
) -> None:
    sign_in(page)
    exchanges = emulator.count(endpoint="authenticate")
    code = urlsplit(attackers_callback).query.partition("&")[0]
    _follow_link(page, other_origin, f"{app_url}/callback?{code}")
    # The sign-in starts anew, and WorkOS knows who has this browser.
    expect(page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()
    assert emulator.count(endpoint="authenticate") == exchanges + 1


@pytest.mark.parametrize("path", ["/login", "/signup", "/callback?code=1", "/dashboard"])
def test_what_another_origin_embeds_or_fetches_begins_no_sign_in(
    page: Page, app_url: str, neighbour: str, path: str
) -> None:
    to = app_url + path
    with page.expect_request(to):
        # `load` waits for pictures, broken ones too.
        page.goto(f"{neighbour}/picture?{urlencode({'to': to})}")
    fetch = "(url) => fetch(url, {mode: 'no-cors', credentials: 'include'})"
    page.evaluate(fetch, to)
    assert verifier_cookies(page) == []


def test_a_page_that_is_prefetched_begins_no_sign_in(page: Page, app_url: str) -> None:
    page.goto("/")
    with page.expect_response(f"{app_url}/login") as answer:
        page.evaluate(
            """() => {
              const link = document.createElement("link");
              Object.assign(link, {rel: "prefetch", href: "/login"});
              document.head.append(link);
            }"""
        )
    assert answer.value.status == 204
    assert verifier_cookies(page) == []


def test_another_name_of_the_server_signs_nobody_in(
    new_page: Callable[..., Page], app_url: str
) -> None:
    another_name = f"http://rebound.example:{urlsplit(app_url).port}"
    page = new_page()
    sign_in(page)
    page.goto(another_name)
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    # WorkOS is told the configured address, and there is no verifier cookie there: the callback
    # finds the session that this site has had all along.
    expect(page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()
    assert page.url == f"{app_url}/"
    stranger = new_page(base_url=another_name)
    stranger.goto("/dashboard")
    choose(stranger, "Ada Lovelace")
    heading = stranger.get_by_role("heading", level=1)
    expect(heading).to_have_text("The sign-in was not completed")
    assert stranger.url.startswith(f"{app_url}/callback?")
    assert session_cookies(stranger) == []
    stranger.get_by_role("link", name="Sign in").click()
    expect(stranger.get_by_text("You are signed in as ada@example.com.")).to_be_visible()
