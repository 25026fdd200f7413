from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from example_browser import Browser, text_of
from httpx import URL

from authkit_asgi import (
    GrantRejectedError,
    ReauthenticationRequiredError,
    ResponseStartedError,
    SignedOutReason,
    WorkOSUnavailableError,
)
from authkit_asgi.testing import BreakWorkOS
from example_app import words

ACME = "org_01DEMOACME0000000000000000"
GLOBEX = "org_01DEMOGLOBEX00000000000000"
VAULT = "org_01DEMOVAULT000000000000000"


def test_switch_moves_the_session(browser: Browser) -> None:
    page = browser.sign_in("ada@example.com")
    assert "members:manage" in text_of(page)
    response = browser.submit(f"/dashboard?organization_id={GLOBEX}")
    assert response.status_code == 303
    assert response.headers["location"] == "/dashboard"
    assert response.headers["set-cookie"].startswith("wos-session=")
    page = browser.visit("/dashboard")
    assert GLOBEX in text_of(page)
    assert "members:manage" not in text_of(page)
    assert browser.visit("/admin").status_code == 403


def test_switch_offers_every_other_organization(browser: Browser) -> None:
    page = browser.sign_in("ada@example.com")
    assert "Organization Acme" in text_of(page)
    assert "Acme admin Current" in text_of(page)
    assert "The list cannot be loaded" not in text_of(page)
    assert f'action="/dashboard?organization_id={GLOBEX}"' in page.text
    assert f'action="/dashboard?organization_id={VAULT}"' in page.text
    assert f'action="/dashboard?organization_id={ACME}"' not in page.text
    assert 'aria-label="Switch to Globex"' in page.text


def test_switch_to_an_organization_with_sso_says_so(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    response = browser.submit(f"/dashboard?organization_id={VAULT}")
    assert response.status_code == 403
    assert "through its own identity provider" in text_of(response)
    url = URL(unescape(re.findall(r'href="(http[^"]+/authorize[^"]+)"', response.text)[0]))
    assert url.params["organization_id"] == VAULT
    assert response.headers["set-cookie"].startswith("wos-auth-verifier-")
    assert browser.visit("/dashboard").status_code == 200
    granted = httpx.get(url, params={**url.params, "login_hint": "ada@example.com"})
    assert browser.visit(granted.headers["location"]).headers["location"] == "/dashboard"
    assert VAULT in text_of(browser.visit("/dashboard"))


def test_switch_to_a_foreign_organization_is_refused(browser: Browser) -> None:
    browser.sign_in("soren@example.com")
    response = browser.submit("/dashboard?organization_id=%22%3E%3Cscript%3E")
    assert response.status_code == 403
    assert "You cannot switch to this organization." in text_of(response)
    assert 'href="/login?organization_id=%22%3E%3Cscript%3E&amp;return_to=' in response.text
    assert "<script>" not in response.text


def test_switch_during_an_outage_says_when_to_try_again(
    browser: Browser, break_workos: BreakWorkOS
) -> None:
    browser.sign_in("ada@example.com")
    with break_workos("authenticate", status=503, headers={"Retry-After": "7"}):
        response = browser.submit(f"/dashboard?organization_id={GLOBEX}")
        assert response.status_code == 503
        assert "Try again in 7 seconds." in text_of(response)
        assert "set-cookie" not in response.headers
    assert browser.submit(f"/dashboard?organization_id={GLOBEX}").status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_switch_from_another_site_is_refused(browser: Browser, site: str) -> None:
    browser.sign_in("ada@example.com")
    response = browser.submit(f"/dashboard?organization_id={GLOBEX}", **{"Sec-Fetch-Site": site})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers
    assert browser.emulator.count("authenticate", grant_type="refresh_token") == 0


@pytest.mark.parametrize(
    ("origin", "status"), [("http://localhost:8000", 303), ("http://evil.example", 403), ("", 403)]
)
def test_switch_without_fetch_metadata_goes_by_the_origin(
    browser: Browser, origin: str, status: int
) -> None:
    browser.sign_in("ada@example.com")
    headers = {"Origin": origin} if origin else {}
    response = browser.client.post(f"/dashboard?organization_id={GLOBEX}", headers=headers)
    assert response.status_code == status


def test_switch_without_an_organization_is_a_problem(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    response = browser.submit("/dashboard")
    assert response.status_code == 422
    assert "Something that is needed is missing" in text_of(response)


def test_words_for_every_way_a_switch_fails() -> None:
    refused = words.switch_notice(GrantRejectedError("invalid_grant"), ACME)
    assert refused.status == 403
    assert refused.sign_in_url == f"/login?organization_id={ACME}&return_to=%2Fdashboard"
    asked = words.switch_notice(ReauthenticationRequiredError("sso_required", "https://x"), ACME)
    assert (asked.status, asked.sign_in_url) == (403, "https://x")
    unavailable = words.switch_notice(WorkOSUnavailableError("…", retry_after=3), ACME)
    assert (unavailable.status, unavailable.sign_in_url) == (503, None)
    started = words.switch_notice(ResponseStartedError(), ACME)
    assert started.status == 500
    assert "response_started" in started.text


@pytest.mark.parametrize("reason", SignedOutReason)
def test_words_for_every_reason_to_be_signed_out(reason: SignedOutReason) -> None:
    assert words.signed_out(reason) != "Your session has ended."


def test_words_for_ways_to_sign_in() -> None:
    assert words.method("GoogleOAuth") == "Google"
    assert words.method("SomethingNew") == "SomethingNew"
    assert words.method(None) == "Not known"
