"""Web origins (RFC 6454): what they are, which are this machine, and WorkOS's wildcards."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Host and port; `urlsplit` alone takes what browsers refuse, such as [::1]example.com and [v1.a].
_AUTHORITY = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.IGNORECASE
)


def parse_http_url(url: str) -> SplitResult | None:
    """Return `url` split when it is an absolute http(s) URL without user name, else ``None``.

    Control characters, blanks and backslashes are refused: browsers and `urllib` disagree on them.
    """
    if not url.isascii() or any(character <= " " or character in '\\\x7f"<>' for character in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or port == 0:
        return None
    return parts if _AUTHORITY.fullmatch(parts.netloc) else None


def _host(parts: SplitResult) -> str:
    hostname = parts.hostname or ""
    return f"[{hostname}]" if ":" in hostname else hostname


def origin_of(url: str) -> str | None:
    """Return the ASCII origin of an http(s) URL, as browsers write it in `Origin`."""
    parts = parse_http_url(url)
    if parts is None:
        return None
    port = parts.port
    suffix = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{_host(parts)}{suffix}"


def is_loopback(hostname: str) -> bool:
    """Tell whether `hostname` can only mean this machine (RFC 6761, 6.3; RFC 8252, 7.3)."""
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def is_secure_url(url: str) -> bool:
    """Tell whether `url` is https, or http to this machine."""
    parts = parse_http_url(url)
    if parts is None:
        return False
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_origin_pattern(pattern: str) -> bool:
    """Tell whether `pattern` is an origin, or one with a wildcard as WorkOS allows it.

    WorkOS: one ``*`` as the whole or part of the furthest subdomain of an https origin that has at
    least two more labels, or as the port of a loopback origin.
    """
    if pattern.count("*") == 0:
        return origin_of(pattern) == pattern
    if pattern.count("*") > 1:
        return False
    if pattern.endswith(":*"):
        parts = parse_http_url(pattern[:-2])
        return (
            parts is not None
            and origin_of(pattern[:-2]) == pattern[:-2]
            and is_loopback(parts.hostname or "")
        )
    scheme, separator, rest = pattern.partition("://")
    first, _, parent = rest.partition(".")
    return (
        (scheme, separator) == ("https", "://")
        and "*" in first
        and "." in parent
        and origin_of(pattern.replace("*", "a")) == pattern.replace("*", "a")
    )


def origin_matches(origin: str, pattern: str) -> bool:
    """Tell whether `origin` is `pattern` or what its wildcard stands for; never across levels."""
    if "*" not in pattern:
        return origin == pattern
    before, after = pattern.split("*")
    if not (
        len(origin) > len(before) + len(after)
        and origin.startswith(before)
        and origin.endswith(after)
    ):
        return False
    middle = origin[len(before) : len(origin) - len(after)]
    return middle.isdecimal() if before.endswith(":") else "." not in middle and ":" not in middle
