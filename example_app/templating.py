"""Templates, and the headers every page has."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from authkit_asgi import User, get_auth
from example_app import words
from example_app.source_lines import name_of, source_lines

_HEADERS = {
    # Nothing inline and nothing from elsewhere, but for pictures: an identity provider hosts them.
    # No form-action: browsers apply it to redirects as well, and signing out leads to WorkOS.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' https:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # Not no-referrer: it makes browsers send `Origin: null` with forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """Return a page. Every template knows `auth`: who it is, or why nobody is signed in."""
    context = {"auth": get_auth(request), "request": request, **context}
    html = _environment.get_template(template).render(context)
    return HTMLResponse(html, status, headers={**_HEADERS, **(headers or {})})


def _name(user: User) -> str:
    return user.name or " ".join(filter(None, (user.first_name, user.last_name))) or user.email


def _initials(user: User) -> str:
    names = [name for name in (user.first_name, user.last_name) if name] or [user.email]
    return "".join(name[0] for name in names).upper()


def _utc(seconds: int) -> str:
    """Return a time as `<time datetime>` and scripts read it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def _clock(seconds: int) -> str:
    """Return a time for people; nobody knows their time zone here."""
    return f"at {dt.datetime.fromtimestamp(seconds, dt.UTC):%H:%M:%S} UTC"


def _moment(text: str) -> str:
    """Return a time as WorkOS writes it, for people."""
    return f"{dt.datetime.fromisoformat(text).astimezone(dt.UTC):%-d %B %Y, %H:%M} UTC"


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    display_name=_name,
    initials=_initials,
    utc=_utc,
    clock=_clock,
    as_json=_as_json,
    signed_out=words.signed_out,
    method=words.method,
    device=words.device,
    moment=_moment,
    source_lines=source_lines,
    name_of=name_of,
)
