"""The cookies of whatever a test steers: a client's jar, or a browser that Playwright drives."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from email.message import Message
from http.cookiejar import CookieJar
from http.cookies import SimpleCookie
from typing import Any, Protocol, TypeAlias
from urllib.request import Request

from authkit_asgi.cookies import SetCookie


class HasCookies(Protocol):
    """Starlette's `TestClient`, a client of httpx or requests, a browser context of Playwright."""

    @property
    def cookies(self) -> Any:
        """A jar, or a function that lists the cookies."""
        ...


class HasContext(Protocol):
    """A page of Playwright."""

    @property
    def context(self) -> Any:
        """The browser context it belongs to."""
        ...


Client: TypeAlias = HasCookies | HasContext


class ClientCookies(Protocol):
    """The cookies at one client, as they count for one address."""

    def header(self) -> str:
        """Return the Cookie header that a request would bring."""
        ...

    def receive(self, lines: Sequence[SetCookie]) -> None:
        """Do what an answer with these Set-Cookie lines does."""
        ...


def client_cookies(client: Client | None, origin: str) -> ClientCookies:
    """Return the cookies of a client; those of none at all are a jar of its own.

    Args:
        client: What is to have the session.
        origin: The application's, for a client that has no base URL.

    Raises:
        TypeError: It is none of those known, or Playwright's asynchronous one.
    """
    steered: Any = client
    if not hasattr(steered, "cookies"):
        steered = getattr(steered, "context", steered)
    if hasattr(steered, "add_cookies"):
        if inspect.iscoroutinefunction(steered.add_cookies):
            raise TypeError(
                "Playwright's asynchronous context has to be awaited: "
                "await context.add_cookies(sign_in(…).playwright_cookies())"
            )
        return _BrowserCookies(steered, origin)
    cookies = CookieJar() if client is None else getattr(steered, "cookies", None)
    jar = getattr(cookies, "jar", cookies)
    if not isinstance(jar, CookieJar):
        raise TypeError(
            f"{type(client).__name__} has no cookies that can be written: give a client, such as "
            "TestClient(app)"
        )
    base_url = str(getattr(steered, "base_url", ""))
    return _JarCookies(jar, base_url if base_url.startswith("http") else origin)


class _JarCookies:
    """A jar of `http.cookiejar`, which is what the clients for Python have."""

    def __init__(self, jar: CookieJar, url: str) -> None:
        self._jar = jar
        self._url = url

    def header(self) -> str:
        request = self._request()
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""

    def receive(self, lines: Sequence[SetCookie]) -> None:
        answer: Any = _Answer(lines)
        self._jar.extract_cookies(answer, self._request())

    def _request(self) -> Request:
        return Request(self._url)  # noqa: S310  # it is never opened


class _Answer:
    """What `http.cookiejar` asks of an answer: its headers."""

    def __init__(self, lines: Sequence[SetCookie]) -> None:
        self._headers = Message()
        for line in lines:
            self._headers["Set-Cookie"] = line.line.decode()

    def info(self) -> Message:
        return self._headers


class _BrowserCookies:
    """A browser context of Playwright."""

    def __init__(self, context: Any, origin: str) -> None:
        self._context = context
        self._origin = origin

    def header(self) -> str:
        cookies = self._context.cookies([self._origin])
        return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)

    def receive(self, lines: Sequence[SetCookie]) -> None:
        for cookie in playwright_cookies(lines, self._origin):
            if cookie["expires"]:
                self._context.add_cookies([cookie])
            else:
                self._context.clear_cookies(name=cookie["name"])


def playwright_cookies(lines: Sequence[SetCookie], origin: str) -> list[Any]:
    """Return Set-Cookie lines as `add_cookies` takes them; a deletion has ``expires=0``."""
    return [
        _playwright_cookie(morsel, origin)
        for line in lines
        for morsel in SimpleCookie(line.line.decode()).values()
    ]


def _playwright_cookie(morsel: Any, origin: str) -> dict[str, Any]:
    domain = morsel["domain"]
    place = {"domain": f".{domain}", "path": "/"} if domain else {"url": origin}
    return {
        "name": morsel.key,
        "value": morsel.value,
        # The session's end is the browser's: how long it lives otherwise no test waits out.
        "expires": -1 if int(morsel["max-age"]) else 0,
        "httpOnly": bool(morsel["httponly"]),
        "secure": bool(morsel["secure"]),
        "sameSite": morsel["samesite"],
        **place,
    }
