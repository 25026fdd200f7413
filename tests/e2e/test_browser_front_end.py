"""A page that scripts fill in, and the token route, in a browser with pages of other origins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from browser_steps import choose, sign_in
from playwright.sync_api import Page, expect
from processes import Emulator
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")

_TOKEN = "/scripts/token"
_FETCH = "(url) => fetch(url).then(async (answer) => [answer.status, await answer.text()])"


def _state(page: Page) -> Any:
    return page.get_by_role("status")


def _come_back_to(page: Page) -> None:
    """Have the tab shown again: without a window, browsers show all tabs all the time."""
    page.bring_to_front()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_shows_who_is_signed_in_calls_the_api_and_notices_a_sign_out_elsewhere(
    new_page: Callable[..., Page], app_url: str, screenshot: Screenshot, scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto("/front-end?tab=1")
    expect(_state(page)).to_have_text("Not signed in")
    expect(page.locator("#who")).to_have_text("Nobody")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    screenshot(page, f"front-end-{scheme}")
    page.get_by_role("link", name="Sign in").click()
    choose(page, "Ada Lovelace")
    expect(_state(page)).to_have_text("Signed in")
    assert page.url == f"{app_url}/front-end?tab=1"
    expect(page.locator("#who")).to_have_text("ada@example.com, admin")
    expect(page.get_by_role("link", name="Sign in")).to_be_hidden()
    page.get_by_role("button", name="Call the API").click()
    expect(page.locator("#answer")).to_contain_text('"email": "ada@example.com"')
    screenshot(page, f"front-end-signed-in-{scheme}")

    other_tab = page.context.new_page()
    other_tab.goto("/")
    other_tab.get_by_role("button", name="Sign out").click()
    expect(other_tab.get_by_text("Not signed in", exact=True)).to_be_visible()
    expect(_state(page)).to_have_text("Signed in")
    _come_back_to(page)
    expect(_state(page)).to_have_text("Not signed in")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.locator("#answer")).to_be_empty()


def test_call_that_is_refused_leads_to_the_sign_in_and_back(page: Page, app_url: str) -> None:
    sign_in(page)
    page.goto("/front-end?tab=1")
    expect(_state(page)).to_have_text("Signed in")
    page.context.clear_cookies()
    page.get_by_role("button", name="Call the API").click()
    choose(page, "Ada Lovelace")
    expect(_state(page)).to_have_text("Signed in")
    assert page.url == f"{app_url}/front-end?tab=1"


@pytest.mark.parametrize("fails", ["503", "no connection"])
def test_outage_changes_nothing_on_the_page(page: Page, app_url: str, fails: str) -> None:
    sign_in(page)
    page.goto("/front-end")
    expect(_state(page)).to_have_text("Signed in")
    page.route(
        f"{app_url}/session",
        lambda route: route.fulfill(status=503) if fails == "503" else route.abort(),
    )
    with page.expect_request(f"{app_url}/session"):
        _come_back_to(page)
    page.unroute(f"{app_url}/session")
    expect(_state(page)).to_have_text("Signed in")
    page.context.clear_cookies()
    _come_back_to(page)
    expect(_state(page)).to_have_text("Not signed in")


def test_script_of_the_site_gets_a_token_that_is_the_users(page: Page, emulator: Emulator) -> None:
    page.goto("/front-end")
    assert page.evaluate(_FETCH, _TOKEN)[0] == 401
    sign_in(page)
    status, text = page.evaluate(_FETCH, _TOKEN)
    assert (status, '"token_type":"Bearer"' in text) == (200, True)
    token = page.evaluate("(text) => JSON.parse(text).access_token", text)
    assert token.count(".") == 2
    sub = "(token) => JSON.parse(atob(token.split('.')[1])).sub"
    assert page.evaluate(sub, token) == "user_01DEMOADA00000000000000000"
    of_xhr = """(url) => new Promise((done) => {
      const request = new XMLHttpRequest();
      request.onload = () => done(request.status);
      request.open("GET", url);
      request.send();
    })"""
    assert page.evaluate(of_xhr, _TOKEN) == 200


def test_token_is_no_page_to_open(page: Page) -> None:
    sign_in(page)
    answer = page.goto(_TOKEN)
    assert answer is not None
    assert answer.status == 403
    assert "eyJ" not in page.content()


class Asked:
    """What has been asked of the routes for scripts, and how it was answered."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._seen = len(self._all())

    def _all(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self._address}/scripts/asked", timeout=60)
        return [one for one in answer.json() if one["path"] != "/scripts/asked"]

    def since(self) -> list[tuple[Any, ...]]:
        """Return path, site, whether the cookie came along, and status."""
        return [tuple(one.values()) for one in self._all()[self._seen :]]


def _read(page: Page, address: str, mode: str) -> Any:
    """Fetch an address with the page's cookies: the text that it can read, or an error's name."""
    return page.evaluate(
        """([url, mode]) => fetch(url, {mode, credentials: "include"}).then(
          (answer) => answer.text(), (error) => error.name
        )""",
        [address, mode],
    )


@pytest.fixture
def sent_by(other_origin: str, neighbour: str) -> tuple[str, bool]:
    """What browsers say of a fetch by the other origin, and whether the cookie comes along."""
    is_neighbour = other_origin == neighbour
    return ("same-site", True) if is_neighbour else ("cross-site", False)


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_script_of_another_origin_gets_no_token(
    page: Page, app_url: str, other_origin: str, sent_by: tuple[str, bool], mode: str
) -> None:
    sign_in(page)
    asked = Asked(app_url)
    page.goto(f"{other_origin}/empty")
    assert _read(page, app_url + _TOKEN, mode) in {"", "TypeError"}
    assert asked.since() == [(_TOKEN, *sent_by, 403)]


@pytest.mark.parametrize("kind", ["picture", "link", "get-form"])
def test_what_another_origin_embeds_or_opens_is_refused(
    page: Page, app_url: str, other_origin: str, sent_by: tuple[str, bool], kind: str
) -> None:
    sign_in(page)
    asked = Asked(app_url)
    page.goto(f"{other_origin}/{kind}?{urlencode({'to': app_url + _TOKEN})}")
    if kind != "picture":
        page.get_by_text("Go on").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This did not work")
    site, comes_along = sent_by
    assert asked.since() == [(_TOKEN, site, comes_along or kind != "picture", 403)]
    assert "eyJ" not in page.content()


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_script_of_another_origin_reads_no_session(
    page: Page, app_url: str, other_origin: str, sent_by: tuple[str, bool], mode: str
) -> None:
    sign_in(page)
    asked = Asked(app_url)
    page.goto(f"{other_origin}/empty")
    assert _read(page, f"{app_url}/scripts/session", mode) == "TypeError"
    assert asked.since() == [("/scripts/session", *sent_by, 200)]


def test_page_of_another_site_under_same_site_none_gets_no_token(
    new_page: Callable[..., Page], application: Callable[..., str], stranger: str
) -> None:
    address = application("none", https=True)
    page = new_page(base_url=address)
    sign_in(page)
    page.goto(f"{stranger}/link?{urlencode({'to': address + _TOKEN})}")
    for mode in ("cors", "no-cors"):
        assert _read(page, address + _TOKEN, mode) in {"", "TypeError"}
    with page.expect_response(address + _TOKEN) as refused:
        page.get_by_role("link", name="Go on").click()
    assert refused.value.status == 403
    page.goto("/dashboard")
    assert page.evaluate(_FETCH, _TOKEN)[0] == 200
