from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from processes import Emulator
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")


def _impersonate(page: Page) -> None:
    page.get_by_text("Impersonate somebody").click()
    page.get_by_label("User").select_option(label="Ada Lovelace")
    page.get_by_label("Reason").fill("Ticket 7")
    page.get_by_role("button", name="Impersonate").click()


def _stop(page: Page) -> None:
    banner = page.get_by_role("region", name="Impersonation")
    expect(banner).to_contain_text("support@example.com is acting as Ada Lovelace")
    expect(banner).to_contain_text("Ticket 7")
    banner.get_by_role("button", name="Stop impersonating").click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    expect(banner).to_have_count(0)


def test_an_impersonator_is_named_and_can_stop(page: Page, screenshot: Screenshot) -> None:
    page.goto("/dashboard")
    _impersonate(page)
    expect(page.get_by_role("region", name="Impersonation")).to_be_visible()
    screenshot(page, "impersonation")
    _stop(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_an_impersonation_begun_at_workos_arrives_signed_in(
    *, new_page: Callable[..., Page], app_url: str, emulator: Emulator, javascript: bool
) -> None:
    page = new_page(java_script_enabled=javascript)
    query = {
        "client_id": emulator.variables["WORKOS_CLIENT_ID"],
        "redirect_uri": f"{app_url}/callback",
        "response_type": "code",
    }
    page.goto(f"{emulator.base_url}/user_management/authorize?{urlencode(query)}")
    with page.expect_request(f"{app_url}/callback?*") as arrival:
        _impersonate(page)
    assert "state=" not in arrival.value.url
    expect(page.get_by_role("region", name="Impersonation")).to_be_visible()
    assert page.url == f"{app_url}/"
    # The code that came without state has not been used.
    codes = emulator.count(endpoint="authenticate", grant_type="authorization_code")
    assert codes == 1
    page.get_by_role("link", name="Open the dashboard").click()
    session = page.get_by_role("region", name="Session")
    expect(session).to_contain_text("Impersonation")
    expect(page.get_by_role("row", name="act")).to_contain_text("support@example.com")
    _stop(page)
