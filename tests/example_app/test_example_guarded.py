"""The example's pages that ask for more: who gets in, and what the others see."""

from __future__ import annotations

import re
from html import unescape

import pytest
from example_browser import Browser, text_of

_ADA, _SOREN, _MARIA = "ada@example.com", "soren@example.com", "maria@example.com"
_GUARDS = {
    "organization": "require_organization()",
    "entitlement": 'require_entitlement("audit-log")',
    "feature-flag": 'require_feature_flag("new-dashboard")',
    "recent": "require_recent_auth(max_age=60)",
}


@pytest.mark.parametrize(
    ("email", "guard", "words"),
    [
        (_ADA, "recent", "This page takes a sign-in no older than a minute."),
        (_ADA, "organization", "This page takes an organization: org_01DEMOACME"),
        (_ADA, "entitlement", "This page takes the entitlement audit-log."),
        (_SOREN, "feature-flag", "This page takes the feature flag new-dashboard."),
    ],
)
def test_who_has_what_it_takes_gets_in(
    browser: Browser, email: str, guard: str, words: str
) -> None:
    browser.sign_in(email)
    page = browser.visit(f"/guarded/{guard}")
    assert page.status_code == 200
    assert words in text_of(page)
    assert _GUARDS[guard] in unescape(page.text)


@pytest.mark.parametrize(
    ("email", "guard", "words"),
    [
        (_MARIA, "organization", "This needs an organization"),
        (_SOREN, "entitlement", "This needs the entitlement audit-log"),
        (_ADA, "feature-flag", "This needs the feature flag new-dashboard"),
    ],
)
def test_others_see_what_is_missing_and_the_line_that_asks_for_it(
    browser: Browser, email: str, guard: str, words: str
) -> None:
    browser.sign_in(email)
    page = browser.visit(f"/guarded/{guard}")
    assert page.status_code == 403
    assert words in text_of(page)
    assert _GUARDS[guard] in unescape(page.text)


def test_who_signed_in_long_ago_signs_in_once_more(browser: Browser) -> None:
    browser.sign_in(_ADA, auth_age=90)
    sent = browser.visit("/guarded/recent")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/login?return_to=%2Fguarded%2Frecent&max_age=60"
    page = browser.sign_in_by_page(_ADA, sent.headers["location"])
    assert "You have what it takes" in text_of(page)


def test_home_leads_to_each_and_shows_its_code(browser: Browser) -> None:
    page = browser.visit("/")
    assert re.findall(r'href="/guarded/([\w-]+)"', page.text) == [
        "recent",
        "organization",
        "entitlement",
        "feature-flag",
    ]
    for code in _GUARDS.values():
        assert code in unescape(page.text)
