"""The cookies as the browser itself keeps them: before, during and after a sign-in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser_steps import (
    SESSION,
    choose,
    expect_user,
    session_cookies,
    sign_out,
    verifier_cookies,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("long_tokens")

_ATTRIBUTES = ("domain", "httpOnly", "path", "sameSite", "secure")
_DAY_SECONDS = 86_400


def _attributes(cookie: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cookie[name] for name in _ATTRIBUTES}


def _remaining_seconds(cookie: Mapping[str, Any]) -> float:
    return float(cookie["expires"]) - time.time()


@pytest.mark.parametrize(
    ("same_site", "https", "of_session", "of_verifier"),
    [
        ("lax", False, "Lax", "Lax"),
        ("lax", True, "Lax", "Lax"),
        ("strict", False, "Strict", "Lax"),  # the way back from WorkOS is cross-site
        ("none", True, "None", "None"),
    ],
)
def test_cookies_before_during_and_after_a_sign_in(
    *,
    new_page: Callable[..., Page],
    application: Callable[..., str],
    same_site: str,
    https: bool,
    of_session: str,
    of_verifier: str,
) -> None:
    address = application(same_site, https=https)
    # Host-only: the domain of a domain cookie begins with a dot.
    host = urlsplit(address).hostname
    expected = {"domain": host, "httpOnly": True, "path": "/", "secure": https}
    page = new_page(base_url=address)
    page.goto("/")
    assert page.context.cookies() == []

    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    (verifier,) = page.context.cookies(address)
    assert verifier_cookies(page) == [verifier]
    assert _attributes(verifier) == {**expected, "sameSite": of_verifier}
    assert 500 < _remaining_seconds(verifier) <= 600

    other = page.context.new_page()
    other.goto("/dashboard")
    assert len(page.context.cookies(address)) == 2
    choose(page, "Ada Lovelace")
    expect_user(page)
    (session,) = session_cookies(page)
    assert _attributes(session) == {**expected, "sameSite": of_session}
    assert 399 * _DAY_SECONDS < _remaining_seconds(session) <= 400 * _DAY_SECONDS
    assert session["value"].startswith("Fe26.2*")
    (left,) = verifier_cookies(page)  # the other tab may still finish
    assert left["name"] != verifier["name"]
    assert page.evaluate("document.cookie") == ""

    sign_out(page)
    assert page.context.cookies(address) == []


def test_the_session_cookie_is_the_only_one_once_nothing_is_pending(
    page: Page, app_url: str
) -> None:
    page.goto("/dashboard")
    choose(page, "Ada Lovelace")
    expect_user(page)
    assert [cookie["name"] for cookie in page.context.cookies(app_url)] == [SESSION]
