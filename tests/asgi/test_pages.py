"""The bundled pages: escaped, self-contained, and allowed to show no more than themselves."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from asgi_driver import http_scope
from starlette.responses import Response

from authkit_asgi import SessionTooLargeError
from authkit_asgi.pages import continue_page, error_response, link, page, sign_out_page

HOSTILE = "\"><script>alert('x')</script>&amp;"


def document_error(**options: str) -> Response:
    scope = http_scope("GET", "/", [("accept", "text/html")])
    return error_response(scope, SessionTooLargeError("a secret"), status=500, **options)


PAGES = {
    "plain": lambda: page("A title", "A text."),
    "hostile": lambda: page(HOSTILE, HOSTILE, body=link(HOSTILE, HOSTILE)),
    "continue": lambda: continue_page(f"/a?b={HOSTILE}"),
    "sign out": sign_out_page,
    "error": lambda: document_error(login_url="/login"),
    "hostile error": lambda: document_error(title=HOSTILE, text=HOSTILE, login_url=HOSTILE),
}


class Elements(HTMLParser):
    """Collects elements; fails on anything that would run or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        assert tag not in {"script", "img", "iframe", "object", "embed", "link", "base"}
        assert not any(name.startswith("on") or name in {"src", "style"} for name, _ in attrs)
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_page_is_escaped_self_contained_and_allowed_its_own_style_only(make):
    response = make()
    html = bytes(response.body).decode()
    Elements(html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in style[1]


def test_page_shows_hostile_text_as_it_is():
    elements = Elements(bytes(page(HOSTILE, "text", body=link(HOSTILE, "on")).body).decode())
    assert HOSTILE in elements.text
    assert ("a", {"href": HOSTILE}) in elements.found


def test_continue_page_goes_on_by_itself_and_by_a_link():
    elements = Elements(bytes(continue_page(f"/a?b={HOSTILE}").body).decode())
    assert (
        "meta",
        {"http-equiv": "refresh", "content": f"0; url=/a?b={HOSTILE}"},
    ) in elements.found
    assert ("a", {"href": f"/a?b={HOSTILE}"}) in elements.found


def test_error_shows_its_code_to_programs_and_no_message():
    scope = http_scope("GET", "/", [("accept", "*/*")])
    response = error_response(scope, SessionTooLargeError("a secret"), status=500)
    assert response.headers["content-type"] == "application/problem+json"
    assert b'"code":"session_too_large"' in response.body
    assert b"secret" not in response.body
    assert b"secret" not in document_error().body


def test_error_without_a_way_to_sign_in_has_no_link():
    assert b"<a " not in document_error().body
