from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from processes import Emulator
from screenshots_folder import Screenshot

Scheme = Literal["light", "dark"]

_VIEWPORTS: dict[int, ViewportSize] = {
    320: {"width": 320, "height": 568},  # the narrowest to fit without scrolling (WCAG 2.2, 1.4.10)
    390: {"width": 390, "height": 844},
    1280: {"width": 1280, "height": 800},
}

# `wait_for_function` would not wait: the promise of an answer is as true as an answer.
_UNTIL_SERVED = """async () => {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch("/api/me")).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the application does not recover");
}"""


def _choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def _show_code(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.click()


def _check(page: Page) -> None:
    """No page scrolls sideways, and each has one heading and the landmarks."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)


@pytest.mark.usefixtures("long_tokens")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_and_are_photographed(
    new_page: Callable[..., Page], screenshot: Screenshot, width: int, scheme: Scheme
) -> None:
    page = new_page(viewport=_VIEWPORTS[width], color_scheme=scheme)

    def take(name: str) -> None:
        _check(page)
        if width != 320:
            screenshot(page, f"{name}-{width}-{scheme}")

    page.goto("/")
    take("home")
    page.goto("/dashboard")
    take("login")
    _choose(page, "Ada Lovelace")
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    take("dashboard")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator("#answer")).to_contain_text("ada@example.com")
    take("dashboard-fetched")
    _show_code(page)
    take("dashboard-code")
    page.goto("/")
    take("home-signed-in")
    _show_code(page)
    take("home-code")
    page.goto("/devices")
    take("devices")
    page.goto("/admin")
    take("admin")
    page.goto("/front-end")
    page.get_by_role("button", name="Call the API").click()
    expect(page.locator("#answer")).to_contain_text("ada@example.com")
    take("front-end")
    page.goto("/logout")
    take("sign-out")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/admin")
    page.get_by_role("button", name="Søren").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")
    take("403")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_an_outage_is_photographed(
    new_page: Callable[..., Page],
    emulator: Emulator,
    screenshot: Screenshot,
    width: int,
    scheme: Scheme,
) -> None:
    page = new_page(viewport=_VIEWPORTS[width], color_scheme=scheme)
    page.goto("/dashboard")
    _choose(page, "Ada Lovelace")
    expect(page.locator("#greeting")).to_have_text(re.compile("Hello|Ended"))
    emulator.control("POST", "faults", endpoint="authenticate", status=503, times=None)
    expect(page.locator("#greeting")).to_contain_text("Ended", timeout=15_000)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signing in is taking a break")
    _check(page)
    screenshot(page, f"503-{width}-{scheme}")
    emulator.control("DELETE", "faults")
    # Nobody was signed out: with WorkOS back, the page is there again.
    expect(page.get_by_role("link", name="Try again")).to_have_attribute("href", "/dashboard")
    page.evaluate(_UNTIL_SERVED)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()
