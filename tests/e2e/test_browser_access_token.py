"""The access token for scripts, in a real jar: taken by the lines of the guide, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_steps import SESSION, sign_in, sign_out
from certificate import Certificate
from playwright.sync_api import Page, expect
from processes import Emulator, run_application

pytestmark = pytest.mark.usefixtures("long_tokens")

_TOKEN = "workos-access-token"


@pytest.fixture(scope="module", params=["http", "https"])
def eager_app(
    request: pytest.FixtureRequest, _emulator: Emulator, certificate: Certificate
) -> Iterator[str]:
    wanted = certificate if request.param == "https" else None
    with run_application(_emulator, certificate=wanted, EAGER_AUTH="1") as address:
        yield address


@pytest.fixture
def eager_page(new_page: Callable[..., Page], eager_app: str) -> Page:
    return new_page(base_url=eager_app)


def _token_cookie(page: Page) -> Any:
    (cookie,) = [one for one in page.context.cookies() if one.get("name") == _TOKEN]
    return cookie


def _names(page: Page, address: str) -> list[str]:
    return sorted(str(one.get("name")) for one in page.context.cookies(address))


def test_page_gets_a_cookie_that_scripts_can_read_for_half_a_minute(
    eager_page: Page, eager_app: str
) -> None:
    sign_in(eager_page)
    cookie = _token_cookie(eager_page)
    assert (cookie["httpOnly"], cookie["path"], cookie["sameSite"]) == (False, "/", "Lax")
    assert cookie["secure"] is eager_app.startswith("https:")
    assert not cookie["domain"].startswith(".")
    assert 0 < cookie["expires"] - time.time() <= 30
    assert eager_page.evaluate("document.cookie") == f"{_TOKEN}={cookie['value']}"


def test_lines_of_the_guide_take_the_token_once_and_leave_nothing(
    eager_page: Page, eager_app: str
) -> None:
    sign_in(eager_page)
    for _ in range(2):  # each page load brings it anew
        eager_page.goto("/script")
        taken = eager_page.evaluate("taken")
        assert taken == [eager_page.locator("p").text_content(), None]
        assert taken[0].count(".") == 2
        assert eager_page.evaluate("left") == ""
        assert _names(eager_page, eager_app) == [SESSION]


def test_stranger_finds_no_token(eager_page: Page) -> None:
    eager_page.goto("/script")
    assert eager_page.evaluate("taken") == [None, None]


def test_what_scripts_fetch_brings_none(eager_page: Page, eager_app: str) -> None:
    sign_in(eager_page)
    eager_page.goto("/script")
    assert eager_page.evaluate("fetch('/api/me').then((answer) => answer.status)") == 200
    assert _names(eager_page, eager_app) == [SESSION]


def test_sign_out_clears_the_token(eager_page: Page, eager_app: str) -> None:
    sign_in(eager_page)
    assert _names(eager_page, eager_app) == [_TOKEN, SESSION]
    sign_out(eager_page)
    assert _names(eager_page, eager_app) == []
    expect(eager_page.get_by_text("Not signed in", exact=True)).to_be_visible()
