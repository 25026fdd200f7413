from __future__ import annotations

import html
import json
import re
from pathlib import Path

import httpx
import pytest
from example_browser import Browser, text_of

import example_app
from authkit_asgi.testing import BreakWorkOS

_TEMPLATES = Path(example_app.__file__).parent / "templates"
GLOBEX = "org_01DEMOGLOBEX00000000000000"


def test_home_signed_out_says_why_and_offers_to_sign_in(browser: Browser) -> None:
    page = browser.visit("/")
    assert page.status_code == 200
    assert "Nobody is signed in with this browser." in text_of(page)
    assert 'href="/login?return_to=/dashboard"' in page.text
    assert 'href="/signup?return_to=/dashboard"' in page.text
    assert page.headers["vary"] == "Cookie"
    assert "set-cookie" not in page.headers


def test_home_with_a_broken_cookie_says_so(browser: Browser) -> None:
    browser.client.cookies.set("wos-session", "broken")
    page = browser.visit("/")
    assert page.status_code == 200
    assert "Your session could not be read." in text_of(page)


def test_home_signed_in_greets(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    page = browser.visit("/")
    assert page.status_code == 200
    assert "Welcome, Ada" in text_of(page)
    assert page.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "path", ["/", "/dashboard", "/admin", "/guarded/recent", "/front-end", "/nowhere"]
)
def test_every_page_has_one_heading_and_nothing_inline_or_foreign(
    browser: Browser, path: str
) -> None:
    browser.sign_in("ada@example.com")
    page = browser.visit(path)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "unsafe" not in policy
    assert "form-action" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert len(re.findall(r"<h1\b", page.text)) == 1
    assert not re.findall(r'<style|style="|\son\w+="|<script(?! src="/static/)', page.text)
    assert not re.findall(r'(?:src|href)="(?!/|#)', page.text)


def test_templates_leave_escaping_on() -> None:
    templates = list(_TEMPLATES.glob("*.html"))
    assert templates
    assert not [one for one in templates if "|safe" in one.read_text().replace(" ", "")]


def test_dashboard_signed_out_leads_to_sign_in_and_back(browser: Browser) -> None:
    response = browser.visit("/dashboard?tab=reports&year=2026")
    assert response.status_code == 303
    location = response.headers["location"]
    assert location == "/login?return_to=%2Fdashboard%3Ftab%3Dreports%26year%3D2026"
    page = browser.sign_in_by_page("ada@example.com", location)
    assert page.status_code == 200
    assert str(page.url).endswith("/dashboard?tab=reports&year=2026")


def test_dashboard_shows_who_is_signed_in(browser: Browser) -> None:
    page = browser.sign_in("soren@example.com")
    shown = text_of(page)
    for text in (
        "Søren Ångström-Müller",
        "soren@example.com",
        "member",
        "reports:view",
        "new-dashboard",
        "Google",
    ):
        assert text in shown
    assert re.search(r'aria-hidden="true">SÅ</span>', page.text)
    assert re.search(r'<time datetime="20\d\d-[^"]+\+00:00" data-relative>at \d', page.text)


def test_dashboard_shows_all_claims(browser: Browser) -> None:
    browser.emulator.update_user(
        "user_01DEMOADA00000000000000000", claims={"plan": ["größer", "<b>"]}
    )
    page = browser.sign_in("ada@example.com")
    rows = re.findall(r"<code>([^<]+)</code></th><td><code>([^<]*)</code>", page.text)
    claims = {name: json.loads(html.unescape(value)) for name, value in rows}
    assert {"sub", "sid", "exp", "iat", "org_id", "role", "permissions"} <= claims.keys()
    assert claims["plan"] == ["größer", "<b>"]


def test_dashboard_of_somebody_without_organization(browser: Browser) -> None:
    page = browser.sign_in("maria@example.com")
    assert page.status_code == 200
    assert "María" in text_of(page)


def test_dashboard_picture_is_shown_only_from_https(browser: Browser) -> None:
    user = "user_01DEMOADA00000000000000000"
    browser.emulator.update_user(user, profile_picture_url="https://pictures.example/ada.png")
    page = browser.sign_in("ada@example.com")
    assert '<img class="picture" src="https://pictures.example/ada.png" alt=""' in page.text
    browser.emulator.update_user(user, profile_picture_url="javascript:alert(1)")
    page = browser.sign_in("ada@example.com")
    assert "javascript:" not in page.text


def test_dashboard_without_the_membership_api_shows_the_current_organization(
    browser: Browser, break_workos: BreakWorkOS
) -> None:
    browser.sign_in("ada@example.com")
    break_workos("memberships", status=500)
    page = browser.visit("/dashboard")
    assert page.status_code == 200
    assert "org_01DEMOACME0000000000000000" in text_of(page)
    assert "The list cannot be loaded at the moment." in text_of(page)


def test_admin_lets_administrators_in(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    page = browser.visit("/admin")
    assert page.status_code == 200
    assert "For administrators" in text_of(page)


def test_admin_refuses_others(browser: Browser) -> None:
    browser.sign_in("soren@example.com")
    page = browser.visit("/admin")
    assert page.status_code == 403
    assert "This is not for you" in text_of(page)
    assert "This needs the role admin" in text_of(page)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"


def test_impersonation_is_shown_on_every_page(browser: Browser) -> None:
    code = browser.emulator.impersonate(
        "user_01DEMOADA00000000000000000", email="support@example.com", reason="Ticket <7>"
    )
    # As WorkOS starts it: a callback without state, after which the sign-in begins anew.
    begun = browser.visit(f"/callback?code={code}")
    assert begun.status_code == 303
    form = {
        "action": "impersonate",
        "user_id": "user_01DEMOADA00000000000000000",
        "email": "support@example.com",
        "reason": "Ticket <7>",
    }
    with httpx.Client() as workos:
        impersonated = workos.post(begun.headers["location"], data=form)
        assert impersonated.status_code == 303
        granted = workos.get(begun.headers["location"])
    browser.visit(granted.headers["location"])
    for path in ("/", "/dashboard", "/admin", "/nowhere"):
        page = browser.visit(path)
        shown = text_of(page)
        assert "support@example.com is acting as Ada Lovelace" in shown
        assert "Reason: Ticket <7>" in shown
        assert "Stop impersonating" in shown


def test_sign_out_ends_the_session(browser: Browser) -> None:
    browser.sign_in("ada@example.com")
    response = browser.submit("/logout?return_to=/")
    assert response.status_code == 303
    assert "/user_management/sessions/logout?" in response.headers["location"]
    assert "wos-session" not in browser.client.cookies
    back = httpx.get(response.headers["location"])
    assert back.headers["location"] == "http://localhost:8000/"
    assert "Nobody is signed in" in text_of(browser.visit("/"))


def test_static_files_are_served_without_a_look_at_the_cookie(browser: Browser) -> None:
    browser.client.cookies.set("wos-session", "broken")
    for name, kind in (
        ("style.css", "text/css"),
        ("dashboard.js", "javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        response = browser.client.get(f"/static/{name}")
        assert response.status_code == 200
        assert kind in response.headers["content-type"]
        assert "vary" not in response.headers
    assert browser.visit("/static/nothing.css").status_code == 404
