"""What a browser keeps of Set-Cookie lines and sends back (RFC 6265bis, 5.6 to 5.8)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_PAIR = 4096
MAX_ATTRIBUTE = 1024
MAX_AGE = 34_560_000
COOKIES_A_SITE = 180

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WHITE_SPACE = " \t"


@dataclass(kw_only=True)
class Cookie:
    """A cookie in the store."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str = "/"
    secure: bool = False
    http_only: bool = False
    same_site: str = "default"
    max_age: int | None = None
    created: int = 0
    used: int = 0

    @property
    def key(self) -> tuple[str, str, bool, str]:
        return self.name, self.domain, self.host_only, self.path


def parse(line: bytes) -> tuple[str, str, dict[str, str]] | None:
    """Return name, value and the last of each attribute; `None` for what is ignored as a whole."""
    if _CONTROL.search(line):
        return None
    pair, *rest = line.decode("latin-1").split(";")
    name, separator, value = pair.partition("=")
    if not separator:
        name, value = "", name
    name, value = name.strip(_WHITE_SPACE), value.strip(_WHITE_SPACE)
    if not name + value or len(name) + len(value) > MAX_PAIR:
        return None
    attributes = {}
    for part in rest:
        attribute, _, content = part.partition("=")
        content = content.strip(_WHITE_SPACE)
        if len(content) <= MAX_ATTRIBUTE:
            attributes[attribute.strip(_WHITE_SPACE).lower()] = content
    return name, value, attributes


def _domain_matches(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _registrable(domain: str) -> list[str]:
    return domain.split(".")[-2:]


def _breaks_prefix(cookie: Cookie, attributes: dict[str, str]) -> bool:
    name = (cookie.name or cookie.value).lower()
    if not cookie.name:
        return name.startswith(("__host-", "__secure-"))
    if name.startswith("__host-"):
        has_path = attributes.get("path") == "/"
        return not (cookie.secure and cookie.host_only and has_path)
    return name.startswith("__secure-") and not cookie.secure


def read(line: bytes, url: str) -> Cookie | None:
    """Return the cookie that a response from `url` sets, `None` where a browser ignores it."""
    parsed = parse(line)
    if parsed is None:
        return None
    name, value, attributes = parsed
    parts = urlsplit(url)
    host = parts.hostname or ""
    domain = attributes.get("domain", "").removeprefix(".").lower()
    if domain and not (_domain_matches(host, domain) and "." in domain):
        return None  # a foreign domain, or a public suffix
    path = attributes.get("path", "")
    age = attributes.get("max-age", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain or host,
        host_only=not domain,
        path=path if path.startswith("/") else "/",
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        same_site=attributes.get("samesite", "default").lower(),
        max_age=min(int(age), MAX_AGE) if re.fullmatch(r"-?[0-9]+", age) else None,
    )
    trustworthy = parts.scheme == "https" or host == "localhost"
    if cookie.secure and not trustworthy:
        return None
    if (cookie.same_site == "none" and not cookie.secure) or _breaks_prefix(cookie, attributes):
        return None
    return cookie


@dataclass
class Jar:
    """A browser's cookie store."""

    limit: int = COOKIES_A_SITE
    cookies: dict[tuple[str, str, bool, str], Cookie] = field(default_factory=dict)
    _clock: Iterator[int] = field(default_factory=itertools.count)

    def set(self, line: bytes | str, url: str) -> Cookie | None:
        """Take one Set-Cookie line of a response from `url`; return what is stored of it."""
        cookie = read(line.encode("latin-1") if isinstance(line, str) else line, url)
        if cookie is None:
            return None
        old = self.cookies.pop(cookie.key, None)
        if cookie.max_age is not None and cookie.max_age <= 0:
            return None
        cookie.used = next(self._clock)
        cookie.created = old.created if old else cookie.used
        self.cookies[cookie.key] = cookie
        self._evict(cookie.domain)
        return cookie

    def _evict(self, domain: str) -> None:
        of_site = [
            cookie
            for cookie in self.cookies.values()
            if _registrable(cookie.domain) == _registrable(domain)
        ]
        of_site.sort(key=lambda cookie: (cookie.secure, cookie.used))
        for cookie in of_site[: max(0, len(of_site) - self.limit)]:
            del self.cookies[cookie.key]

    def matching(self, url: str) -> list[Cookie]:
        """Return the cookies that a request to `url` carries, in their order."""
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path or "/"
        found = [
            cookie
            for cookie in self.cookies.values()
            if (host == cookie.domain if cookie.host_only else _domain_matches(host, cookie.domain))
            and f"{path}/".startswith(cookie.path.rstrip("/") + "/")
            and (parts.scheme == "https" or host == "localhost" or not cookie.secure)
        ]
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        for cookie in found:
            cookie.used = next(self._clock)
        return found

    def header(self, url: str) -> str | None:
        """Return the Cookie header of a request to `url`; a nameless cookie is its value alone."""
        line = "; ".join(
            f"{cookie.name}={cookie.value}" if cookie.name else cookie.value
            for cookie in self.matching(url)
        )
        return line or None
