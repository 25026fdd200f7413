"""Two applications under one domain, in a real browser: one session, or two by their names.

Browsers take no cookie for all of `localhost`, so the domain has one name more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from browser_steps import SESSION, expect_user, session_cookies, sign_in, sign_out
from playwright.sync_api import Page, expect
from processes import Emulator, run_application_at

pytestmark = pytest.mark.usefixtures("long_tokens")

_DOMAIN = "site.localhost"
_NOBODY = "Not signed in"


@pytest.fixture(scope="module")
def serve(_emulator: Emulator) -> Iterator[Callable[..., str]]:
    """Serve an application under a name of the domain; return its address."""
    with ExitStack() as stack:

        def start(name: str, **variables: str) -> str:
            running = run_application_at(f"{name}.{_DOMAIN}", _emulator, **variables)
            return stack.enter_context(running)

        yield start


@pytest.fixture(scope="module")
def app(serve: Callable[..., str]) -> str:
    return serve("app", WORKOS_COOKIE_DOMAIN=_DOMAIN)


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., str]) -> str:
    return serve("dashboard", WORKOS_COOKIE_DOMAIN=_DOMAIN)


def _is_anonymous(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_text(_NOBODY, exact=True)).to_be_visible()


def test_two_applications_share_a_session_from_sign_in_to_sign_out(
    page: Page, emulator: Emulator, app: str, dashboard: str
) -> None:
    _is_anonymous(page, dashboard)
    sign_in(page, path=f"{app}/dashboard")
    assert page.url == f"{app}/dashboard"
    (cookie,) = session_cookies(page)
    assert cookie["domain"] == f".{_DOMAIN}"
    sign_ins = emulator.count(endpoint="authorize")
    page.goto(f"{dashboard}/dashboard")
    expect_user(page)
    assert emulator.count(endpoint="authorize") == sign_ins
    assert session_cookies(page) == [cookie]
    sign_out(page)
    assert page.context.cookies([app, dashboard]) == []
    _is_anonymous(page, app)


def test_each_application_signs_in_at_its_own_redirect_uri(
    new_page: Callable[..., Page], app: str, dashboard: str
) -> None:
    for address, other in ((app, dashboard), (dashboard, app)):
        page = new_page()
        sign_in(page, path=f"{address}/dashboard")
        assert page.url == f"{address}/dashboard"
        page.goto(f"{other}/dashboard")
        expect_user(page)


def test_organization_switched_at_one_is_seen_at_the_other(
    page: Page, app: str, dashboard: str
) -> None:
    sign_in(page, path=f"{app}/dashboard")
    page.goto(f"{dashboard}/dashboard")
    page.get_by_role("button", name="Switch to Globex").click()
    expect(page.locator("table")).not_to_contain_text("members:manage")
    page.goto(f"{app}/dashboard")
    expect(page.locator("table")).not_to_contain_text("members:manage")
    assert len(session_cookies(page)) == 1


def test_session_of_the_host_alone_moves_to_the_domain_and_leaves_nothing_behind(
    page: Page, serve: Callable[..., str], app: str, dashboard: str
) -> None:
    # The same host, as browsers see it: cookies know no ports.
    before = serve("app")
    sign_in(page, path=f"{before}/dashboard")
    (cookie,) = session_cookies(page)
    assert cookie["domain"] == f"app.{_DOMAIN}"
    page.goto(f"{app}/dashboard")
    expect_user(page)
    assert session_cookies(page) == [cookie]
    page.get_by_role("button", name="Switch to Globex").click()
    expect(page.locator("table")).not_to_contain_text("members:manage")
    (moved,) = session_cookies(page)
    assert moved["domain"] == f".{_DOMAIN}"
    page.goto(f"{dashboard}/dashboard")
    expect_user(page)


def test_cookie_name_keeps_an_application_to_itself(
    page: Page, serve: Callable[..., str], app: str
) -> None:
    admin = serve("admin", WORKOS_COOKIE_DOMAIN=_DOMAIN, WORKOS_COOKIE_NAME="admin-session")
    sign_in(page, path=f"{app}/dashboard")
    _is_anonymous(page, admin)
    page.goto(f"{admin}/dashboard")
    expect_user(page)
    names = {str(cookie.get("name")) for cookie in page.context.cookies([app, admin])}
    assert names == {SESSION, "admin-session"}
    sign_out(page)
    assert len(session_cookies(page)) == 1
    page.goto(f"{app}/dashboard")
    expect_user(page)
