"""What a browser says of a request: for a page or for data, from which site, for real or not.

Fetch metadata (the Sec-Fetch headers) cannot be set by scripts. Older browsers and programs do not
send it; each function says what it makes of that.
"""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header (its name in lower case), if there is one.

    Several lines are one list (RFC 9110, 5.3): no bad one hides behind a good one.
    """
    lines = [bytes(value) for key, value in scope["headers"] if key == name]
    return b", ".join(lines).decode("latin-1") if lines else None


def is_document_request(scope: Scope) -> bool:
    """Tell whether a browser asks for a page to show, as opposed to data for a program.

    Fetch metadata says so where the browser sends it; else a GET that accepts HTML counts.
    """
    if scope["type"] != "http":
        return False
    mode = header(scope, b"sec-fetch-mode")
    if mode is not None:
        destination = header(scope, b"sec-fetch-dest")
        return mode == "navigate" and destination in {"document", "iframe", "frame", None}
    return scope["method"] == "GET" and "text/html" in (header(scope, b"accept") or "")


def is_speculative(scope: Scope) -> bool:
    """Tell whether a browser only warms up: a HEAD request, a prefetch, a prerendered page."""
    purposes = (header(scope, b"sec-purpose"), header(scope, b"purpose"), header(scope, b"x-moz"))
    return scope["method"] == "HEAD" or any("prefetch" in (purpose or "") for purpose in purposes)


def is_navigation(scope: Scope) -> bool:
    """Tell whether a browser goes to this address; without fetch metadata every request counts."""
    return header(scope, b"sec-fetch-mode") in {"navigate", None}


def is_own_form(scope: Scope, origin: str) -> bool:
    """Tell whether a POST comes from a page of `origin`; `Origin` stands in for fetch metadata."""
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return header(scope, b"origin") == origin


def is_own_script(scope: Scope) -> bool:
    """Tell whether a script fetches this in a page of the same origin; never without metadata."""
    return (
        header(scope, b"sec-fetch-site") == "same-origin"
        and header(scope, b"sec-fetch-mode") in {"cors", "same-origin"}
        and header(scope, b"sec-fetch-dest") == "empty"
    )


def is_own_link(scope: Scope) -> bool:
    """Tell whether a GET follows a link on a page of the same origin; never without metadata."""
    return (
        not is_speculative(scope)
        and header(scope, b"sec-fetch-site") == "same-origin"
        and header(scope, b"sec-fetch-mode") == "navigate"
        and header(scope, b"sec-fetch-dest") == "document"
    )
