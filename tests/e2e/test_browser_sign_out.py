"""Signing out: what is left in the browser, and who else can cause it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from browser_steps import (
    expect_user,
    greeting_over_websocket,
    session_cookie,
    session_cookies,
    sign_in,
    sign_out,
)
from playwright.sync_api import Page, expect
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")


def _expect_still_signed_in(page: Page, cookie: str) -> None:
    assert session_cookie(page)["value"] == cookie
    page.goto("/dashboard")
    expect_user(page)


def test_signing_out_ends_at_home_and_back_shows_nothing(page: Page, app_url: str) -> None:
    sign_in(page)
    sign_out(page)
    assert page.url == f"{app_url}/"
    assert session_cookies(page) == []
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert "ada@example.com" not in page.url
    expect(page.get_by_text("data:export")).to_have_count(0)


def test_the_page_of_a_refusal_lets_somebody_else_sign_in(
    page: Page, screenshot: Screenshot
) -> None:
    sign_in(page)
    page.goto("/bundled/export")
    screenshot(page, "forbidden")
    page.get_by_role("link", name="Sign out").click()
    page.wait_for_url("**/user_management/sessions/logout?**")
    assert session_cookies(page) == []
    page.goto("/bundled/export")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_a_websocket_greets_the_user_and_after_the_sign_out_nobody(
    page: Page, app_url: str
) -> None:
    sign_in(page)
    assert greeting_over_websocket(page, f"{app_url}/ws") == "Hello, Ada Lovelace!"
    sign_out(page)
    assert greeting_over_websocket(page, f"{app_url}/ws") is None


def test_a_websocket_from_another_origin_greets_nobody(
    page: Page, app_url: str, other_origin: str
) -> None:
    sign_in(page)
    page.goto(f"{other_origin}/empty")
    assert greeting_over_websocket(page, f"{app_url}/ws") is None
    page.goto("/")
    assert greeting_over_websocket(page, f"{app_url}/ws") == "Hello, Ada Lovelace!"


def test_another_origins_form_signs_nobody_out(
    page: Page, app_url: str, other_origin: str, screenshot: Screenshot
) -> None:
    sign_in(page)
    cookie = session_cookie(page)["value"]
    page.goto(f"{other_origin}/post-form?{urlencode({'to': f'{app_url}/logout'})}")
    with page.expect_response(f"{app_url}/logout") as answer:
        page.get_by_role("button", name="Go on").click()
    assert answer.value.status == 403
    expect(page.get_by_text("Sign out from a page of this site.")).to_be_visible()
    screenshot(page, "sign-out-refused")
    _expect_still_signed_in(page, cookie)


def test_another_origins_picture_signs_nobody_out(
    page: Page, app_url: str, other_origin: str
) -> None:
    sign_in(page)
    cookie = session_cookie(page)["value"]
    with page.expect_request(f"{app_url}/logout"):
        # `load` waits for pictures, broken ones too.
        page.goto(f"{other_origin}/picture?{urlencode({'to': f'{app_url}/logout'})}")
    _expect_still_signed_in(page, cookie)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origins_script_signs_nobody_out(
    page: Page, app_url: str, other_origin: str, method: str
) -> None:
    sign_in(page)
    cookie = session_cookie(page)["value"]
    page.goto(f"{other_origin}/empty")
    page.evaluate(
        "([url, method]) => fetch(url, {method, mode: 'no-cors', credentials: 'include'})",
        [f"{app_url}/logout", method],
    )
    _expect_still_signed_in(page, cookie)


def test_another_origins_link_is_asked_about_and_the_button_signs_out(
    page: Page, app_url: str, other_origin: str, screenshot: Screenshot
) -> None:
    sign_in(page)
    cookie = session_cookie(page)["value"]
    page.goto(f"{other_origin}/link?{urlencode({'to': f'{app_url}/logout?return_to=/'})}")
    page.get_by_role("link", name="Go on").click()
    button = page.get_by_role("button", name="Sign out")
    expect(button).to_be_visible()
    assert session_cookie(page)["value"] == cookie
    screenshot(page, "sign-out-asks")
    button.click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    assert session_cookies(page) == []
