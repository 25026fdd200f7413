"""SameSite lax, strict and none, where the difference shows: when another site leads here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser_steps import (
    SESSION,
    choose,
    expect_user,
    session_cookie,
    session_cookies,
    sign_in,
)
from playwright.sync_api import Page, Playwright, expect
from processes import Emulator
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")

_DEEP_LINK = "/dashboard?tab=reports"


def _follow_link(page: Page, other_site: str, address: str) -> str:
    """Go to the address by a link of the other site; return the cookies that were sent."""
    page.goto(f"{other_site}/link?{urlencode({'to': address})}")
    with page.expect_request(address) as request:
        page.get_by_role("link", name="Go on").click()
    return request.value.all_headers().get("cookie", "")


@pytest.mark.parametrize(("same_site", "https"), [("lax", False), ("lax", True), ("none", True)])
def test_a_link_from_another_site_finds_the_user_signed_in(
    *,
    new_page: Callable[..., Page],
    application: Callable[..., str],
    emulator: Emulator,
    stranger: str,
    same_site: str,
    https: bool,
) -> None:
    address = application(same_site, https=https)
    page = new_page(base_url=address)
    sign_in(page)
    sign_ins = emulator.count(endpoint="authorize")
    assert SESSION in _follow_link(page, stranger, address + _DEEP_LINK)
    expect_user(page)
    assert page.url == address + _DEEP_LINK
    assert emulator.count(endpoint="authorize") == sign_ins


def test_a_link_from_another_site_under_strict_signs_in_anew_and_arrives(
    new_page: Callable[..., Page],
    application: Callable[..., str],
    emulator: Emulator,
    stranger: str,
) -> None:
    address = application("strict")
    page = new_page(base_url=address)
    sign_in(page)
    before = session_cookie(page)["value"]
    sign_ins = emulator.count(endpoint="authorize")
    assert SESSION not in _follow_link(page, stranger, address + _DEEP_LINK)
    # WorkOS still knows the user, so nobody is asked anything.
    expect_user(page)
    assert page.url == address + _DEEP_LINK
    assert emulator.count(endpoint="authorize") == sign_ins + 1
    assert session_cookie(page)["value"] != before
    with page.expect_request(f"{address}/dashboard") as request:
        page.get_by_role("link", name="Dashboard").click()
    assert SESSION in request.value.all_headers()["cookie"]
    expect_user(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_sign_in_under_strict_goes_on_by_itself(
    *,
    new_page: Callable[..., Page],
    application: Callable[..., str],
    stranger: str,
    javascript: bool,
) -> None:
    address = application("strict")
    page = new_page(base_url=address, java_script_enabled=javascript)
    _follow_link(page, stranger, address + _DEEP_LINK)
    choose(page, "Ada Lovelace")
    expect_user(page)
    assert page.url == address + _DEEP_LINK


def test_a_sign_in_under_strict_has_a_page_with_a_link_in_between(
    new_page: Callable[..., Page], application: Callable[..., str], screenshot: Screenshot
) -> None:
    address = application("strict")
    page = new_page(base_url=address)
    page.goto(_DEEP_LINK)
    # A browser stays where it is on 204.
    page.route(address + _DEEP_LINK, lambda route: route.fulfill(status=204))
    choose(page, "Ada Lovelace")
    expect(page.get_by_role("heading", level=1, name="Signed in")).to_be_visible()
    screenshot(page, "strict-goes-on")
    page.unroute(address + _DEEP_LINK)
    page.get_by_role("link", name="Continue").click()
    expect_user(page)
    assert page.url == address + _DEEP_LINK


@pytest.mark.parametrize(("same_site", "left"), [("lax", 0), ("strict", 1)])
def test_a_link_of_our_own_signs_out_at_once_but_under_strict(
    new_page: Callable[..., Page], application: Callable[..., str], same_site: str, left: int
) -> None:
    page = new_page(base_url=application(same_site))
    sign_in(page)
    page.evaluate("location.href = '/logout?return_to=/'")
    asked = page.get_by_role("heading", name="Sign out?")
    nobody = page.get_by_text("Not signed in", exact=True)
    expect(asked if left else nobody).to_be_visible()
    assert len(session_cookies(page)) == left


@pytest.fixture
def new_framing_page(
    playwright: Playwright, chromium_options: dict[str, Any], tmp_path: Path
) -> Iterator[Callable[[str], Page]]:
    """Make a page whose browser lets frames of other sites have their cookies.

    Debian's Chromium does not unless the profile says so, nor does any in a private window, which
    is what Playwright's contexts are.
    """
    folder = tmp_path / "Default"
    folder.mkdir()
    settings = {"profile": {"block_third_party_cookies": False, "cookie_controls_mode": 0}}
    (folder / "Preferences").write_text(json.dumps(settings), encoding="utf-8")
    with ExitStack() as stack:

        def make(base_url: str) -> Page:
            context = playwright.chromium.launch_persistent_context(
                tmp_path, base_url=base_url, **chromium_options
            )
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            return context.new_page()

        yield make


@pytest.mark.parametrize(
    ("same_site", "who"), [("none", "ada@example.com"), ("lax", "no_session_cookie_provided")]
)
def test_a_frame_in_another_site_is_signed_in_under_none_only(
    new_framing_page: Callable[[str], Page],
    application: Callable[..., str],
    stranger: str,
    same_site: str,
    who: str,
) -> None:
    address = application(same_site, https=True)
    page = new_framing_page(address)
    sign_in(page)
    page.goto(f"{stranger}/frame?{urlencode({'to': f'{address}/widget'})}")
    widget = page.frame_locator("iframe")
    expect(widget.get_by_role("status")).to_have_text(f"GET: {who}")
    # The frame's own form is no other site's.
    widget.get_by_role("button", name="Send").click()
    expect(widget.get_by_role("status")).to_have_text(f"POST: {who}")


@pytest.mark.parametrize(
    ("same_site", "who"), [("none", "untrusted_origin"), ("lax", "no_session_cookie_provided")]
)
def test_a_form_of_another_site_is_anonymous(
    new_page: Callable[..., Page],
    application: Callable[..., str],
    stranger: str,
    same_site: str,
    who: str,
) -> None:
    address = application(same_site, https=True)
    page = new_page(base_url=address)
    sign_in(page)
    page.goto(f"{stranger}/post-form?{urlencode({'to': f'{address}/widget'})}")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_have_text(f"POST: {who}")
    page.goto("/widget")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("POST: ada@example.com")
