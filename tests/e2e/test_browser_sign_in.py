from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from processes import Emulator
from screenshots_folder import Screenshot

_DEEP_LINK = "/dashboard?tab=reports&year=2026&q=a%20b"


def _choose(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.get_by_role("button", name=name).click()


def _sign_in(page: Page, name: str = "Ada Lovelace", path: str = "/dashboard") -> None:
    page.goto(path)
    _choose(page, name)
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def _session_cookie(page: Page) -> Any:
    cookies = [one for one in page.context.cookies() if one.get("name") == "wos-session"]
    assert len(cookies) == 1
    return cookies[0]


def _refreshes(emulator: Emulator) -> int:
    return emulator.count(endpoint="authenticate", grant_type="refresh_token")


@pytest.mark.usefixtures("long_tokens")
def test_a_deep_link_is_returned_to_with_its_query(page: Page, app_url: str) -> None:
    _sign_in(page, path=_DEEP_LINK)
    assert page.url == app_url + _DEEP_LINK
    for text in ("ada@example.com", "admin", "data:export", "Password"):
        expect(page.get_by_role("main")).to_contain_text(text)
    page.reload()
    assert page.url == app_url + _DEEP_LINK
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()


def test_a_session_outlives_its_access_token_by_one_exchange(
    page: Page, emulator: Emulator
) -> None:
    _sign_in(page)
    expiry = page.locator("time[data-relative]")
    # The page itself says when the token is over: its WebSocket ends with it.
    expect(page.locator("#greeting")).to_contain_text("Ended", timeout=15_000)
    expires_at = expiry.get_attribute("datetime")
    before = _session_cookie(page)["value"]
    exchanges = _refreshes(emulator)
    emulator.control("POST", "settings", access_token_lifetime=300)
    page.reload()
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    assert expiry.get_attribute("datetime") != expires_at
    assert _refreshes(emulator) == exchanges + 1
    assert _session_cookie(page)["value"] != before


@pytest.mark.usefixtures("long_tokens")
def test_scripts_of_the_page_are_signed_in(page: Page) -> None:
    _sign_in(page)
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator("#answer")).to_contain_text('"email": "ada@example.com"')
    expect(page.locator("time[data-relative]")).to_have_text(re.compile(r"in \d+ minutes"))


@pytest.mark.usefixtures("long_tokens")
def test_signing_out_ends_at_home_and_back_shows_nothing(page: Page, app_url: str) -> None:
    _sign_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    assert page.url == f"{app_url}/"
    assert not [one for one in page.context.cookies() if one.get("name") == "wos-session"]
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert "ada@example.com" not in page.url
    expect(page.get_by_text("data:export")).to_have_count(0)


@pytest.mark.usefixtures("long_tokens")
def test_the_cookie_in_the_browsers_jar(page: Page) -> None:
    _sign_in(page)
    cookie = _session_cookie(page)
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == "localhost"  # host-only: a domain cookie begins with a dot
    assert cookie["secure"] is False  # the application is at http://localhost
    assert cookie["value"].startswith("Fe26.2*")
    assert 399 < (cookie["expires"] - time.time()) / 86_400 <= 400
    assert page.evaluate("document.cookie") == ""
    assert not [one for one in page.context.cookies() if "verifier" in str(one.get("name"))]


@pytest.mark.usefixtures("long_tokens")
def test_two_tabs_that_begin_to_sign_in_both_finish(page: Page, app_url: str) -> None:
    other = page.context.new_page()
    page.goto("/dashboard?tab=first")
    other.goto("/dashboard?tab=second")
    _choose(page, "Ada Lovelace")
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()
    _choose(other, "Ada Lovelace")
    expect(other.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()
    assert (page.url, other.url) == (
        f"{app_url}/dashboard?tab=first",
        f"{app_url}/dashboard?tab=second",
    )


@pytest.mark.usefixtures("long_tokens")
def test_everything_works_without_javascript(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    _choose(page, "Søren Ångström-Müller")
    assert page.url == f"{app_url}/dashboard"
    expect(page.get_by_role("heading", level=1)).to_have_text("Søren Ångström-Müller")
    expect(page.get_by_text("Needs JavaScript")).to_be_visible()
    expect(page.locator("time")).to_have_text(re.compile(r"at \d\d:\d\d:\d\d UTC"))
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    assert page.url == f"{app_url}/"


@pytest.mark.usefixtures("long_tokens")
def test_an_impersonator_is_named_and_can_stop(page: Page, screenshot: Screenshot) -> None:
    page.goto("/dashboard")
    page.get_by_text("Impersonate somebody").click()
    page.get_by_label("User").select_option(label="Ada Lovelace")
    page.get_by_label("Reason").fill("Ticket 7")
    page.get_by_role("button", name="Impersonate").click()
    banner = page.get_by_role("region", name="Impersonation")
    expect(banner).to_contain_text("support@example.com is acting as Ada Lovelace")
    expect(banner).to_contain_text("Ticket 7")
    screenshot(page, "impersonation")
    banner.get_by_role("button", name="Stop impersonating").click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    expect(banner).to_have_count(0)
