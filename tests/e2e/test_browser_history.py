"""Back and Forward after a sign-out, with and without pages that the browser keeps whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_steps import sign_in, sign_out
from playwright.sync_api import Browser, Page, Playwright, expect

pytestmark = pytest.mark.usefixtures("long_tokens")


@pytest.fixture(scope="module")
def keeping_chromium(playwright: Playwright, chromium_options: dict[str, Any]) -> Iterator[Browser]:
    """A Chromium with its back/forward cache, which Playwright switches off."""
    default = ["--disable-back-forward-cache"]
    browser = playwright.chromium.launch(ignore_default_args=default, **chromium_options)
    yield browser
    browser.close()


@pytest.fixture(params=["chromium", "keeping_chromium"])
def either_page(request: pytest.FixtureRequest, new_page: Callable[..., Page]) -> Page:
    return new_page(request.getfixturevalue(request.param))


def _go(page: Page, where: str) -> None:
    # A page that the browser has kept is not loaded, so there is no `load` to wait for.
    getattr(page, where)(wait_until="commit")


def _expect_home_of_nobody(page: Page) -> None:
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()
    expect(page.get_by_text("ada@example.com")).to_have_count(0)


def _expect_sign_in_page(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_text("data:export")).to_have_count(0)


def test_back_and_forward_after_the_sign_out_show_nothing_of_the_user(either_page: Page) -> None:
    page = either_page
    sign_in(page)
    page.goto("/")
    expect(page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()
    sign_out(page)
    _go(page, "go_back")
    _expect_home_of_nobody(page)
    _go(page, "go_back")
    _expect_sign_in_page(page)
    _go(page, "go_forward")
    _expect_home_of_nobody(page)


def test_a_kept_page_is_not_shown_after_a_sign_out_in_another_tab(
    new_page: Callable[..., Page], keeping_chromium: Browser, stranger: str
) -> None:
    page = new_page(keeping_chromium)
    sign_in(page)
    page.goto("/")
    page.evaluate("window.isKept = true")
    page.goto(f"{stranger}/empty")
    _go(page, "go_back")
    assert page.evaluate("window.isKept") is True  # the browser does keep pages
    _go(page, "go_forward")
    other = page.context.new_page()
    other.goto("/dashboard")
    sign_out(other)
    _go(page, "go_back")
    _expect_home_of_nobody(page)
    assert page.evaluate("window.isKept") is None
