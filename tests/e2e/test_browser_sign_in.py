from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from browser_steps import choose, expect_user, session_cookie, sign_in, sign_out
from playwright.sync_api import Page, expect
from processes import Emulator

_DEEP_LINKS = {
    "several parameters": "tab=reports&year=2026&q=a%20b",
    "unicode": f"q={quote('Søren 田中 😀')}",
    "an address": f"next={quote('https://other.example/?a=1&b=2#c', safe='')}",
    "reserved characters": "q=%26%3D%2B%25%23%2F%5C&plus=a+b&lower=%c3%b8&again=%2525",
    "odd but whole": "flag&empty=&twice=1&twice=2&q=a=b/?:@!$()*,;~",
}


def _refreshes(emulator: Emulator) -> int:
    return emulator.count(endpoint="authenticate", grant_type="refresh_token")


def _let_the_token_expire(page: Page) -> None:
    """Wait for what the page itself says: its WebSocket ends with the access token."""
    expect(page.locator("#greeting")).to_contain_text("Ended", timeout=15_000)


@pytest.mark.usefixtures("long_tokens")
@pytest.mark.parametrize("query", _DEEP_LINKS.values(), ids=_DEEP_LINKS.keys())
def test_a_deep_link_is_returned_to_with_its_query(page: Page, app_url: str, query: str) -> None:
    deep_link = f"/dashboard?{query}"
    sign_in(page, path=deep_link)
    assert page.url == app_url + deep_link
    for text in ("ada@example.com", "admin", "data:export", "Password"):
        expect(page.get_by_role("main")).to_contain_text(text)
    page.reload()
    assert page.url == app_url + deep_link
    expect_user(page)


@pytest.mark.usefixtures("long_tokens")
def test_a_deep_link_typed_in_unicode_comes_back_as_the_browser_encodes_it(
    page: Page, app_url: str
) -> None:
    typed = "/dashboard?name=Søren Ångström&mark=✓"
    sign_in(page, path=typed)
    assert page.url == app_url + quote(typed, safe="/?=&")


def test_a_session_outlives_its_access_token_by_one_exchange(
    page: Page, emulator: Emulator
) -> None:
    sign_in(page)
    expiry = page.locator("time[data-relative]")
    _let_the_token_expire(page)
    expires_at = expiry.get_attribute("datetime")
    before = session_cookie(page)["value"]
    exchanges = _refreshes(emulator)
    emulator.control("POST", "settings", access_token_lifetime=300)
    page.reload()
    expect_user(page)
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    assert expiry.get_attribute("datetime") != expires_at
    assert _refreshes(emulator) == exchanges + 1
    assert session_cookie(page)["value"] != before


def test_a_tab_closed_during_the_refresh_does_not_lose_the_session(
    page: Page, emulator: Emulator
) -> None:
    closing = page.context.new_page()
    sign_in(closing)
    _let_the_token_expire(closing)
    before = session_cookie(page)["value"]
    exchanges = _refreshes(emulator)
    emulator.control("POST", "settings", access_token_lifetime=300)
    wait = {"endpoint": "authenticate", "grant_type": "refresh_token", "delay": 60}
    emulator.control("POST", "faults", **wait)
    closing.evaluate("setTimeout(() => location.reload())")
    emulator.wait_for_exchanges(exchanges + 1)
    closing.close()
    emulator.control("DELETE", "faults")  # now it is answered
    assert session_cookie(page)["value"] == before
    page.goto("/dashboard")
    expect_user(page)
    assert _refreshes(emulator) == exchanges + 1
    assert session_cookie(page)["value"] != before


@pytest.mark.usefixtures("long_tokens")
def test_scripts_of_the_page_are_signed_in(page: Page) -> None:
    sign_in(page)
    expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator("#answer")).to_contain_text('"email": "ada@example.com"')
    expect(page.locator("time[data-relative]")).to_have_text(re.compile(r"in \d+ minutes"))


@pytest.mark.usefixtures("long_tokens")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_two_tabs_that_begin_to_sign_in_both_finish(
    page: Page, app_url: str, order: tuple[int, int]
) -> None:
    tabs = (page, page.context.new_page())
    for number, tab in enumerate(tabs):
        tab.goto(f"/dashboard?tab={number}")
    for number in order:
        choose(tabs[number], "Ada Lovelace")
        expect_user(tabs[number])
    assert [tab.url for tab in tabs] == [f"{app_url}/dashboard?tab={n}" for n in (0, 1)]
    for tab in tabs:
        tab.reload()
        expect_user(tab)


@pytest.mark.usefixtures("long_tokens")
def test_everything_works_without_javascript(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    choose(page, "Søren Ångström-Müller")
    assert page.url == f"{app_url}/dashboard"
    expect_user(page, "Søren Ångström-Müller")
    expect(page.get_by_text("Needs JavaScript")).to_be_visible()
    expect(page.locator("time")).to_have_text(re.compile(r"at \d\d:\d\d:\d\d UTC"))
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")
    sign_out(page)
    assert page.url == f"{app_url}/"


@pytest.mark.usefixtures("long_tokens")
def test_a_switch_works_without_javascript(new_page: Callable[..., Page], app_url: str) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page)
    page.get_by_role("button", name="Switch to Globex").click()
    expect(page.get_by_role("button", name="Switch to Acme")).to_be_visible()
    assert page.url == f"{app_url}/dashboard"
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")
    sign_out(page)


@pytest.mark.usefixtures("long_tokens")
@pytest.mark.parametrize("kind", ["link", "get-form"])
@pytest.mark.parametrize(
    ("return_to", "end"),
    [
        ("/dashboard?q=a%20b&name=S%C3%B8ren", "/dashboard?q=a%20b&name=S%C3%B8ren"),
        ("http://stranger.example/", "/"),
        ("//stranger.example/", "/"),
    ],
)
def test_a_sign_in_begun_on_another_origin_ends_on_a_page_of_ours(
    *, page: Page, app_url: str, other_origin: str, kind: str, return_to: str, end: str
) -> None:
    to = f"{app_url}/login?{urlencode({'return_to': return_to})}"
    page.goto(f"{other_origin}/{kind}?{urlencode({'to': to})}")
    page.get_by_text("Go on").click()
    choose(page, "Ada Lovelace")
    page.wait_for_url(app_url + end)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
