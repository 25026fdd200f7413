"""The package's own few pages: small, self-contained, and nothing in them from the request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from authkit_asgi.errors import AuthKitError
from authkit_asgi.fetch_metadata import is_document_request

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid;
  place-items: center; background: Canvas; color: CanvasText; }
main { max-width: 26rem; padding: 2rem; text-align: center; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .75rem; }
p { margin: 0 0 1.5rem; }
a, button { display: inline-block; font: inherit; padding: .6rem 1.4rem; border: 0;
  border-radius: .5rem; background: #4b48c9; color: #fff; text-decoration: none; cursor: pointer; }
a:focus-visible, button:focus-visible { outline: 3px solid #7a77e8; outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

OWN_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer of the bundled routes carries."""

_PAGE_HEADERS = {
    **OWN_HEADERS,
    # No form-action: it would stop the redirect from a sign-out form to WorkOS.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}


def page(title: str, text: str, *, status: int = 200, body: str = "", head: str = "") -> Response:
    """Return a small page. `title` and `text` are escaped; `body` and `head` are HTML of ours."""
    content = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{head}<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n{body}</main>\n"
        "</body>\n</html>\n"
    )
    return HTMLResponse(content, status_code=status, headers=_PAGE_HEADERS)


def link(url: str, text: str) -> str:
    """Return the HTML of a link."""
    return f'<a href="{escape(url)}">{escape(text)}</a>\n'


def continue_page(url: str) -> Response:
    """Return a page that goes on to `url` by itself, without a redirect.

    After a redirect that began on another site, browsers keep SameSite=Strict cookies back; a
    navigation that this page begins is same-site.
    """
    refresh = f'<meta http-equiv="refresh" content="0; url={escape(url)}">\n'
    return page("Signed in", "You are being taken on.", body=link(url, "Continue"), head=refresh)


def sign_out_page() -> Response:
    """Return a page that asks before it signs out, and whose button does so."""
    # Under no-referrer a browser sends `Origin: null` with the form, which a sign-out refuses
    # where the browser knows no fetch metadata.
    head = '<meta name="referrer" content="same-origin">\n'
    form = '<form method="post"><button type="submit">Sign out</button></form>\n'
    return page("Sign out?", "This ends your session on this device.", body=form, head=head)


def error_response(
    scope: Scope,
    error: AuthKitError,
    *,
    status: int,
    title: str = "This did not work",
    text: str = "Please try again. If it happens again, tell whoever runs this site.",
    login_url: str | None = None,
    logout_url: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Return a page for people, or a problem document for programs (RFC 9457).

    Neither shows anything of the request or of `error` but its code. `members` are more of the
    problem document's.
    """
    if is_document_request(scope):
        body = link(login_url, "Sign in") if login_url else ""
        body += link(logout_url, "Sign out") if logout_url else ""
        return page(title, text, status=status, body=body)
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,  # as about:blank has it (RFC 9457, 4.2.1)
        "status": status,
        "detail": text,
        "code": error.code,
        **(members or {}),
    }
    return JSONResponse(
        problem, status_code=status, headers=OWN_HEADERS, media_type="application/problem+json"
    )
