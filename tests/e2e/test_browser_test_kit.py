"""The pytest plugin signs a real browser in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
from browser_steps import SESSION, expect_user, session_cookie
from playwright.async_api import async_playwright
from playwright.sync_api import Page
from processes import Emulator, run_application

from authkit_asgi.testing import BreakWorkOS, ExpireSession, SignIn, WorkOSEmulator


@pytest.fixture(scope="module")
def address(authkit_variables: dict[str, str]) -> Iterator[str]:
    """The example application, at the emulator of this process."""
    variables = {**authkit_variables, "WORKOS_COOKIE_PASSWORD": "-" * 32}
    password = {"WORKOS_COOKIE_PASSWORD": authkit_variables["WORKOS_COOKIE_PASSWORD"]}
    with run_application(Emulator(variables), **password) as running:
        yield running


@pytest.fixture
def authkit_redirect_uri(address: str) -> str:
    return f"{address}/callback"


@pytest.fixture
def page(new_page: Callable[..., Page], address: str) -> Page:
    return new_page(base_url=address)


def test_page_is_signed_in_without_a_visit(page: Page, sign_in: SignIn) -> None:
    sign_in(page, permissions=[f"permission:{number}" for number in range(120)])
    sign_in(page.context, role="admin", permissions=[])
    cookie = session_cookie(page)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert [one["name"] for one in page.context.cookies()] == [SESSION]
    page.goto("/dashboard")
    expect_user(page, "ada@example.com")
    page.goto("/admin")
    assert page.get_by_role("heading", level=1).inner_text() == "For administrators"


def test_expired_session_of_a_browser_is_refreshed(
    page: Page,
    sign_in: SignIn,
    expire_session: ExpireSession,
    break_workos: BreakWorkOS,
    authkit_emulator: WorkOSEmulator,
) -> None:
    sign_in(page)
    expire_session(page)
    with break_workos("authenticate"):
        page.goto("/dashboard")
        assert "taking a break" in page.get_by_role("heading", level=1).inner_text()
    page.goto("/dashboard")
    expect_user(page, "ada@example.com")
    exchanged = authkit_emulator.count("authenticate", grant_type="refresh_token", status=200)
    assert exchanged == 1


def test_asynchronous_context_takes_the_cookies(
    address: str, sign_in: SignIn, chromium_options: dict[str, object]
) -> None:
    session = sign_in(user="bob@example.com")

    async def walk() -> str:
        async with async_playwright() as running:
            browser = await running.chromium.launch(**chromium_options)
            context = await browser.new_context(base_url=address)
            with pytest.raises(TypeError, match="await"):
                sign_in(context)
            await context.add_cookies(session.playwright_cookies())
            page = await context.new_page()
            await page.goto("/dashboard")
            heading = await page.get_by_role("heading", level=1).inner_text()
            await browser.close()
            return heading

    # The synchronous browser's event loop stands in this thread.
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(walk())))
    thread.start()
    thread.join()
    assert found == ["bob@example.com"]
