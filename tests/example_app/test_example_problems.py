from __future__ import annotations

from collections.abc import Iterator

import pytest
from example_browser import Browser, text_of

from authkit_asgi.testing import BreakWorkOS, ExpireSession, Outage

GLOBEX = "org_01DEMOGLOBEX00000000000000"


@pytest.fixture
def outage(
    browser: Browser, expire_session: ExpireSession, break_workos: BreakWorkOS
) -> Iterator[Outage]:
    """Somebody is signed in whose access token is over, and WorkOS refuses to work."""
    browser.sign_in("ada@example.com")
    expire_session(browser.client)
    with break_workos("authenticate", status=503, headers={"Retry-After": "7"}) as outage:
        yield outage


def test_an_unknown_address_is_a_page_for_people(browser: Browser) -> None:
    page = browser.visit("/nowhere")
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing here" in text_of(page)


def test_an_unknown_address_is_a_problem_for_programs(browser: Browser) -> None:
    response = browser.client.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
    }


def test_a_program_that_is_signed_out_gets_401(browser: Browser) -> None:
    response = browser.client.get("/api/me")
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Cookie"
    assert response.json()["title"] == "Unauthorized"
    assert response.json()["code"] == "not_signed_in"
    assert response.json()["reason"] == "no_session_cookie_provided"


def test_a_form_that_is_sent_signed_out_leads_to_sign_in(browser: Browser) -> None:
    # A browser without fetch metadata: it asks for a page, by a POST.
    response = browser.client.post(
        f"/dashboard?organization_id={GLOBEX}", headers={"Accept": "text/html"}
    )
    assert response.status_code == 401
    assert "Sign in to go on" in text_of(response)
    assert f'href="/login?return_to=%2Fdashboard%3Forganization_id%3D{GLOBEX}"' in response.text


def test_a_form_that_is_sent_signed_out_ends_at_the_page(browser: Browser) -> None:
    response = browser.submit(f"/dashboard?organization_id={GLOBEX}")
    assert response.status_code == 303
    page = browser.sign_in_by_page("ada@example.com", response.headers["location"])
    assert page.status_code == 200


def test_an_outage_is_a_page_that_says_when_and_keeps_the_session(
    browser: Browser, outage: Outage
) -> None:
    page = browser.visit("/dashboard?tab=1")
    assert page.status_code == 503
    assert page.headers["retry-after"] == "7"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    assert "Try again in 7 seconds." in text_of(page)
    assert 'href="/login?return_to=%2Fdashboard%3Ftab%3D1"' in page.text
    assert 'href="/dashboard?tab=1"' in page.text
    home = browser.visit("/")
    assert home.status_code == 200
    assert "You are not signed out" in text_of(home)
    outage.mend()
    assert "Ada Lovelace" in text_of(browser.visit("/dashboard"))


@pytest.mark.usefixtures("outage")
def test_an_outage_is_a_problem_for_programs(browser: Browser) -> None:
    response = browser.client.get("/api/me")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "7"
    assert response.json()["status"] == 503


def test_a_wrong_method_keeps_its_allow_header(browser: Browser) -> None:
    response = browser.client.put("/dashboard")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
