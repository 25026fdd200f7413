"""The pages without a mouse: in which order, and always with a sign of where one is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_steps import expect_user, sign_in
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("long_tokens")

_GLOBEX = "org_01DEMOGLOBEX00000000000000"

# The name that is read out for what has the focus, and whether people see that it has.
_FOCUSED = """(one) => {
  const style = getComputedStyle(one);
  return {
    name: one.getAttribute("aria-label") ?? one.textContent.trim(),
    isOutlined: style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2,
  };
}"""

_UNTIL_SCROLLED = """(one) => new Promise((resolve, reject) => {
  one.addEventListener("scroll", () => resolve(), { once: true });
  if (one.scrollLeft > 0) resolve();
  setTimeout(() => reject(new Error("it does not scroll")), 15_000);
})"""


def _tab(page: Page, *names: str) -> None:
    """Press Tab once for each of `names`, and be shown to be there."""
    focused = page.locator(":focus")
    for name in names:
        page.keyboard.press("Tab")
        assert focused.evaluate(_FOCUSED) == {"name": name, "isOutlined": True}
        expect(focused).to_be_in_viewport(ratio=0.9)


def test_the_keyboard_skips_to_the_content(page: Page) -> None:
    page.goto("/")
    _tab(page, "Skip to the content")
    page.keyboard.press("Enter")
    _tab(page, "Sign in", "Create an account", "A deep link", "The code of the deep link")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_keyboard_switches_the_organization_and_signs_out(
    new_page: Callable[..., Page], width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 844})
    page.goto("/dashboard")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ada Lovelace")).to_be_focused()
    page.keyboard.press("Enter")
    expect_user(page)
    top = ("Skip to the content", "AuthKit example", "Dashboard", "Devices", "Admin", "Sign out")
    switches = ("The code of the guards", "Switch to Globex", "Switch to Vault Bank")
    _tab(page, *top, *switches)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("table")).to_contain_text(_GLOBEX)
    expect(page.get_by_role("button", name="Switch to Acme")).to_be_visible()
    _tab(page, *top)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()


def test_the_keyboard_opens_the_code_and_scrolls_in_it(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    sign_in(page)
    summary = page.get_by_text("The code of the switcher")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    code = page.get_by_role("group", name="example_app/pages.py, lines")
    expect(code.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    code.first.evaluate(_UNTIL_SCROLLED)
    summary.focus()
    page.keyboard.press("Enter")
    expect(code).to_have_count(0)
