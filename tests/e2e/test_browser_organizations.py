from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")

_GLOBEX = "org_01DEMOGLOBEX00000000000000"
_VAULT = "org_01DEMOVAULT000000000000000"


def _sign_in(page: Page) -> None:
    page.goto("/dashboard")
    page.get_by_role("button", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()


def _switch(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Switch to {name}").click()


def test_a_switch_changes_what_the_session_may_do(page: Page) -> None:
    _sign_in(page)
    claims = page.locator("table")
    expect(claims).to_contain_text("members:manage")
    _switch(page, "Globex")
    expect(claims).to_contain_text(_GLOBEX)
    expect(claims).not_to_contain_text("members:manage")
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")


def test_a_switch_that_needs_single_sign_on_says_so(
    page: Page, app_url: str, screenshot: Screenshot
) -> None:
    _sign_in(page)
    _switch(page, "Vault Bank")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("through its own identity provider")
    screenshot(page, "switch-refused")
    alert.get_by_role("link", name="Sign in to that organization").click()
    expect(page.locator("table")).to_contain_text(_VAULT)
    assert page.url == f"{app_url}/dashboard"
