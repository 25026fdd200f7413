from __future__ import annotations

import pytest
from browser_steps import expect_user, session_cookie, sign_in
from playwright.sync_api import Page, expect
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")

_GLOBEX = "org_01DEMOGLOBEX00000000000000"
_VAULT = "org_01DEMOVAULT000000000000000"


def _switch(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Switch to {name}").click()


def test_a_switch_changes_what_the_session_may_do(page: Page) -> None:
    sign_in(page)
    claims = page.locator("table")
    expect(claims).to_contain_text("members:manage")
    _switch(page, "Globex")
    expect(claims).to_contain_text(_GLOBEX)
    expect(claims).not_to_contain_text("members:manage")
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")


def test_a_switch_in_one_tab_holds_for_the_next_request_of_another(page: Page) -> None:
    sign_in(page)
    other = page.context.new_page()
    other.goto("/dashboard")
    expect_user(other)
    before = session_cookie(page)["value"]
    _switch(page, "Globex")
    expect(page.locator("table")).to_contain_text(_GLOBEX)
    assert session_cookie(page)["value"] != before
    # This page still shows the old organization; what it asks for next is of the new one.
    other.get_by_role("link", name="Admin").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("This is not for you")
    other.go_back()
    expect(other.locator("table")).to_contain_text(_GLOBEX)
    _switch(other, "Acme")
    expect(other.locator("table")).to_contain_text("members:manage")
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For administrators")


def test_a_switch_that_needs_single_sign_on_says_so(
    page: Page, app_url: str, screenshot: Screenshot
) -> None:
    sign_in(page)
    _switch(page, "Vault Bank")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("through its own identity provider")
    screenshot(page, "switch-refused")
    alert.get_by_role("link", name="Sign in to that organization").click()
    expect(page.locator("table")).to_contain_text(_VAULT)
    assert page.url == f"{app_url}/dashboard"
