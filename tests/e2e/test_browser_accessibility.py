"""Nothing for axe-core to find: on any page, of the example, the emulator and the package."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from accessibility import expect_accessible
from browser_steps import choose, expect_user, sign_in
from playwright.sync_api import Page, Route, expect
from processes import Emulator

pytestmark = pytest.mark.usefixtures("long_tokens")


def _visit(page: Page, address: str, heading: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect_accessible(page)


def test_pages_for_everybody(page: Page) -> None:
    _visit(page, "/", "Sign-in for FastAPI, in one middleware")
    _visit(page, "/nowhere", "There is nothing here")
    page.goto("/front-end")
    expect(page.locator("#who")).to_have_text("Nobody")
    expect_accessible(page)


def test_pages_of_somebody_signed_in(page: Page) -> None:
    sign_in(page)
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator("#answer")).to_contain_text("ada@example.com")
    expect_accessible(page)
    _visit(page, "/", "Welcome, Ada")
    _visit(page, "/devices", "Your devices")
    _visit(page, "/admin", "For administrators")
    _visit(page, "/guarded/recent", "You have what it takes")
    _visit(page, "/guarded/feature-flag", "This is not for you")
    page.goto("/front-end")
    page.get_by_role("button", name="Call the API").click()
    expect(page.locator("#answer")).to_contain_text("ada@example.com")
    expect_accessible(page)


def test_pages_of_somebody_without_organization(page: Page) -> None:
    sign_in(page, "María")
    expect_accessible(page)
    _visit(page, "/admin", "This is not for you")


def test_devices_that_can_be_signed_out(new_page: Callable[..., Page]) -> None:
    sign_in(new_page())
    page = new_page()
    sign_in(page)
    page.goto("/devices")
    expect(page.get_by_role("button", name="Sign out all other devices")).to_be_visible()
    expect_accessible(page)


def test_a_switch_that_was_refused(page: Page) -> None:
    sign_in(page)
    page.get_by_role("button", name="Switch to Vault Bank").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect_accessible(page)


def test_pages_under_an_impersonator(page: Page) -> None:
    page.goto("/dashboard")
    page.get_by_text("Impersonate somebody").click()
    page.get_by_label("Reason").fill("Ticket 7")
    page.get_by_role("button", name="Impersonate").click()
    expect(page.get_by_role("region", name="Impersonation")).to_be_visible()
    expect_accessible(page)
    _visit(page, "/devices", "Your devices")


def test_a_page_that_asks_to_sign_in_first(page: Page) -> None:
    def send_without_metadata(route: Route) -> None:
        """Ask as browsers do that know no fetch metadata: for a page, by a POST."""
        asked = route.fetch(method="POST", headers={"Accept": "text/html"})
        route.fulfill(response=asked)

    page.route("**/dashboard", send_without_metadata)
    _visit(page, "/dashboard", "Sign in to go on")


def test_an_outage_on_pages_of_both(page: Page, emulator: Emulator) -> None:
    emulator.control("POST", "settings", access_token_lifetime=1)
    page.goto("/dashboard")
    choose(page, "Ada Lovelace")
    expect(page.locator("#greeting")).to_have_text(re.compile("Hello|Ended"))
    emulator.control("POST", "faults", endpoint="authenticate", status=503, times=None)
    expect(page.locator("#greeting")).to_contain_text("Ended")
    _visit(page, "/dashboard", "Signing in is taking a break")
    _visit(page, "/bundled/member", "Signing in is not possible at the moment")


def test_pages_of_the_package(page: Page) -> None:
    _visit(page, "/callback?error=access_denied", "The sign-in was not completed")
    sign_in(page)
    _visit(page, "/logout", "Sign out?")
    _visit(page, "/bundled/export", "You may not do this")


def test_the_page_that_goes_on_after_a_sign_in(
    new_page: Callable[..., Page], application: Callable[..., str]
) -> None:
    page = new_page(base_url=application("strict"))
    page.goto("/login?return_to=/dashboard")
    # An answer without content leaves the browser where it is.
    page.route("**/dashboard", lambda route: route.fulfill(status=204))
    choose(page, "Ada Lovelace")
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed in")
    expect_accessible(page)
    page.unroute_all()
    page.get_by_role("link", name="Continue").click()
    expect_user(page)


def test_pages_of_the_emulator(page: Page, app_url: str, emulator: Emulator) -> None:
    _visit(page, "/login", "Sign in")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Create your account")
    expect_accessible(page)
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect_accessible(page)
    _visit(page, emulator.base_url, "WorkOS emulator")
    wrong = urlencode({"client_id": "unknown", "redirect_uri": f"{app_url}/callback"})
    address = f"{emulator.base_url}/user_management/authorize?{wrong}"
    _visit(page, address, "This sign-in cannot start")
