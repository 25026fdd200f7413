"""Who is signed in at the emulator itself, browser by browser: what makes single sign-on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from authkit_asgi.testing.sessions import Impersonator

COOKIE_NAME = "workos-emulator-session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """One browser's sign-in at the emulator."""

    id: str
    user_id: str
    auth_time: float
    impersonator: Impersonator | None = None


class Browsers:
    """The browsers that are signed in, by the value of their cookie."""

    def __init__(self) -> None:
        self._browsers: dict[str, Browser] = {}

    def clear(self) -> None:
        """Forget all browsers."""
        self._browsers.clear()

    def sign_in(
        self, user_id: str, *, auth_time: float, impersonator: Impersonator | None = None
    ) -> Browser:
        """Remember a sign-in under a new id."""
        browser = Browser(
            id=secrets.token_urlsafe(),
            user_id=user_id,
            auth_time=auth_time,
            impersonator=impersonator,
        )
        self._browsers[browser.id] = browser
        return browser

    def sign_out(self, browser_id: str | None) -> None:
        """Forget one browser, known or not."""
        self._browsers.pop(browser_id or "", None)

    def get(self, browser_id: str | None) -> Browser | None:
        """Return the browser with this id."""
        return self._browsers.get(browser_id or "")
