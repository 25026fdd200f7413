"""Guarded pages in a real browser: where people are sent, and what they see who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from browser_steps import choose, expect_user, session_cookie, sign_in, verifier_cookies
from playwright.sync_api import Page, expect
from processes import Emulator
from screenshots_folder import Screenshot

pages = pytest.mark.parametrize(
    ("width", "scheme"), [(380, "light"), (380, "dark"), (1100, "light"), (1100, "dark")]
)
Scheme = Literal["light", "dark"]


def _check_and_take(page: Page, screenshot: Screenshot, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    assert page.locator("script").count() == 0
    screenshot(page, name)


def _fetch_until(page: Page, address: str, status: int) -> str:
    """Fetch until the answer has that status; return the address that it came from."""
    return str(
        page.evaluate(
            """async ([address, status]) => {
              for (let tries = 0; tries < 150; tries++) {
                const answer = await fetch(address);
                if (answer.status === status) return answer.url;
                await new Promise((resolve) => setTimeout(resolve, 200));
              }
              throw new Error(`no ${status} in half a minute`);
            }""",
            [address, status],
        )
    )


@pytest.mark.usefixtures("long_tokens")
@pytest.mark.parametrize("path", ["/admin", "/bundled/member"])
def test_a_deep_link_to_a_guarded_page_comes_back_with_its_query(
    page: Page, app_url: str, path: str
) -> None:
    deep_link = f"{path}?tab=a%20b&next=%2Fx%3Fy%3D1&mark=%E2%9C%93"
    page.goto(deep_link)
    choose(page, "Ada Lovelace")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url == app_url + deep_link


@pytest.mark.usefixtures("long_tokens")
def test_a_page_for_the_recently_signed_in_asks_again_after_its_time(
    page: Page, app_url: str
) -> None:
    sign_in(page)
    address = "/bundled/recent?step=2&mark=%E2%9C%93"
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("/bundled/recent")
    # A script is told so, and sent nowhere.
    assert _fetch_until(page, "/bundled/recent", 401) == app_url + "/bundled/recent"
    before = session_cookie(page)["value"]
    page.goto(address)
    choose(page, "Ada Lovelace")  # though WorkOS knows the browser, and would let it pass
    expect(page.get_by_role("heading", level=1)).to_have_text("/bundled/recent")
    assert page.url == app_url + address
    assert session_cookie(page)["value"] != before
    page.goto("/dashboard")  # which never asked
    expect_user(page)


@pytest.mark.usefixtures("long_tokens")
@pages
def test_the_page_of_somebody_who_may_not_is_photographed(
    new_page: Callable[..., Page], screenshot: Screenshot, width: int, scheme: Scheme
) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    sign_in(page)
    response = page.goto("/bundled/export")
    assert response is not None
    assert response.status == 403
    expect(page.get_by_text("This needs the permission data:burn.")).to_be_visible()
    expect(page.get_by_role("link")).to_have_text(["Sign out"])
    _check_and_take(page, screenshot, f"bundled-403-{width}-{scheme}")


@pages
def test_the_page_of_an_outage_is_photographed_and_leads_to_sign_in(
    new_page: Callable[..., Page],
    emulator: Emulator,
    screenshot: Screenshot,
    width: int,
    scheme: Scheme,
) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    sign_in(page)
    emulator.control("POST", "faults", endpoint="authenticate", status=503, times=None)
    _fetch_until(page, "/bundled/member", 503)
    response = page.goto("/bundled/member?a=1")
    assert response is not None
    assert response.status == 503
    assert int(response.headers["retry-after"]) >= 1
    _check_and_take(page, screenshot, f"bundled-503-{width}-{scheme}")
    emulator.control("DELETE", "faults")
    page.get_by_role("link", name="Sign in").click()
    # The emulator still knows the browser: there and back again, without a question.
    expect(page.get_by_role("heading", level=1)).to_have_text("/bundled/member")
    assert page.url.endswith("/bundled/member?a=1")


@pages
def test_the_page_of_a_stranger_who_is_not_redirected_is_photographed(
    new_page: Callable[..., Page], screenshot: Screenshot, width: int, scheme: Scheme
) -> None:
    """As a browser gets it that only prepares for a click."""
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.set_extra_http_headers({"Sec-Purpose": "prefetch"})
    response = page.goto("/bundled/member")
    assert response is not None
    assert response.status == 401
    assert verifier_cookies(page) == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Please sign in")
    _check_and_take(page, screenshot, f"bundled-401-{width}-{scheme}")
    page.set_extra_http_headers({})
    page.get_by_role("link", name="Sign in").click()
    choose(page, "Ada Lovelace")
    expect(page.get_by_role("heading", level=1)).to_have_text("/bundled/member")
