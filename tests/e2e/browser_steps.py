"""What people do in a browser, and what is found in its jar afterwards."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

SESSION = "wos-session"
_VERIFIER = re.compile(r"wos-auth-verifier-[0-9a-f]{8}")


def choose(page: Page, name: str) -> None:
    """Answer the emulator's question who it is."""
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.get_by_role("button", name=name).click()


def sign_in(page: Page, name: str = "Ada Lovelace", path: str = "/dashboard") -> None:
    page.goto(path)
    choose(page, name)
    expect_user(page, name)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()


def expect_user(page: Page, name: str = "Ada Lovelace") -> None:
    """Expect the dashboard of that user."""
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def session_cookies(page: Page) -> list[Any]:
    return [one for one in page.context.cookies() if one.get("name") == SESSION]


def verifier_cookies(page: Page) -> list[Any]:
    return [one for one in page.context.cookies() if _VERIFIER.fullmatch(str(one.get("name")))]


def session_cookie(page: Page) -> Any:
    """Return the only session cookie there is."""
    (cookie,) = session_cookies(page)
    return cookie


def greeting_over_websocket(page: Page, address: str) -> Any:
    """Open a WebSocket from the page; return its greeting, or `None` if it ends without one."""
    return page.evaluate(
        """(address) => new Promise((resolve) => {
          const socket = new WebSocket(address.replace(/^http/, "ws"));
          socket.onmessage = (event) => resolve(JSON.parse(event.data).greeting);
          socket.onclose = () => resolve(null);
        })""",
        address,
    )
