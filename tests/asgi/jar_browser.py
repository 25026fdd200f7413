"""A browser in front of a site that keeps cookies by domain and path, as real ones do."""

from __future__ import annotations

from typing import Any

from asgi_driver import NAVIGATION, Answer, Browser, Headers
from emulated import ORIGIN
from starlette.types import ASGIApp
from user_agent import Jar


class JarBrowser(Browser):
    """Its `jar` stands in the place of `cookies`; other sites' pages can write into it."""

    def __init__(self, app: ASGIApp, *, limit: int = 180, origin: str = ORIGIN) -> None:
        super().__init__(app)
        self.jar = Jar(limit)
        self.origin = self._url = origin

    async def request(
        self, method: str, target: str, headers: Headers = NAVIGATION, **more: Any
    ) -> Answer:
        self._url = self.origin + target.partition("?")[0]
        return await super().request(method, target, headers, **more)

    def toss(self, line: str, url: str = "https://evil.example.com/") -> None:
        """Have a page of a sibling host set a cookie, which has to work."""
        assert self.jar.set(line, url), line

    def named(self, name: str) -> list[str]:
        """Return the values of the site's cookies of one name, in the order they are sent."""
        return [cookie.value for cookie in self.jar.matching(self.origin) if cookie.name == name]

    def names(self, start: str = "") -> list[str]:
        """Return the names of the site's cookies that begin with `start`."""
        cookies = self.jar.matching(self.origin)
        return [cookie.name for cookie in cookies if cookie.name.startswith(start)]

    def _cookie_header(self) -> list[tuple[str, str]]:
        line = self.jar.header(self._url)
        return [("cookie", line)] if line else []

    def _keep(self, answer: Answer) -> None:
        for line in answer.all("set-cookie"):
            self.jar.set(line, self._url)
