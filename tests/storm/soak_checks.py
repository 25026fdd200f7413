"""Whether a browser was given what is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulated import PASSWORD
from front_client import Reply

from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.session import session_id, unseal_session
from authkit_asgi.tokens import unverified_claims

SESSION = "wos-session"
FROM_CACHE = frozenset({"HIT", "STALE", "UPDATING", "REVALIDATED"})
KEPT = ("/news/", "/static/", "/who/", "/api")
"""Of which a cache may keep some; the last two name their user. nginx keeps answers to requests
with a bearer token, too, where it is told how long, though it should not (RFC 9111, 3.5)."""

_UNAVAILABLE = "temporarily_unavailable"
_NO_COOKIE = "no_session_cookie_provided"
_EXPECTED = frozenset({101, 200, 206, 303, 304, 401, 503})
_ASSET = Path(__file__).with_name("soak_site.py").read_bytes()  # what it serves


@dataclass(frozen=True)
class Identity:
    """Who is signed in, and by which session."""

    user_id: str
    session_id: str | None


@dataclass(frozen=True)
class Asked:
    """What a browser asked for, and as whom."""

    method: str
    target: str
    who: Identity | None
    has_cookie: bool = True
    signs_in: str | None = None
    """The user whose session a callback is to bring."""
    byte_range: tuple[int, int] | None = None


def opened(cookie: str) -> Identity | None:
    """Return whose session is in a cookie, `None` if it is none of this site's."""
    try:
        session = unseal_session(cookie, PASSWORD)
    except InvalidSessionError:
        return None
    return Identity(session.user_id, session_id(session))


def faults(asked: Asked, reply: Reply) -> Iterator[str]:
    """Yield what is wrong about a reply."""
    is_cached = reply.cache in FROM_CACHE
    for name, value in reply.cookies:
        if is_cached:
            yield f"the cookie {name} comes out of the cache"
        if name == SESSION and value:
            yield from _cookie_faults(asked, opened(value))
    if is_cached and not asked.target.startswith(KEPT):
        yield "what is nobody else's comes out of the cache"
    if reply.status not in _EXPECTED and asked.signs_in is None:
        yield f"status {reply.status}"
    yield from _body_faults(asked, reply)


def _cookie_faults(asked: Asked, owner: Identity | None) -> Iterator[str]:
    if owner is None:
        yield "a cookie comes that is no session of this site's"
    elif asked.signs_in is not None:
        if owner.user_id != asked.signs_in:
            yield f"the callback of {asked.signs_in} brings the session of {owner}"
    elif owner != asked.who:
        yield f"the cookie of {owner} comes to {asked.who}"


def _body_faults(asked: Asked, reply: Reply) -> Iterator[str]:
    body = reply.json
    named = _named_in(body)
    if named is not None and not _is_own(named, asked.who):
        yield f"the page of {named} comes to {asked.who}"
    if body.get("reason") == _NO_COOKIE and asked.has_cookie:
        yield "a stranger's page comes to somebody with a cookie"
    if asked.method != "GET" or reply.status not in {200, 206}:
        return
    path = asked.target.partition("?")[0]
    if path.startswith("/news/") and body != {"page": path.removeprefix("/news/")}:
        yield "another page comes"
    first, last = asked.byte_range or (0, len(_ASSET))
    if path.startswith("/static/") and reply.body != _ASSET[first : last + 1]:
        yield "another file comes"


def _named_in(body: dict[str, Any]) -> Identity | None:
    """Return whom a body names; `/session` does not say by which session."""
    if "access_token" in body:
        claims = unverified_claims(body["access_token"])
        return Identity(claims["sub"], claims["sid"])
    user = body.get("user")
    if user is None:
        return None
    return Identity(user, body["session"]) if isinstance(user, str) else Identity(user["id"], None)


def _is_own(named: Identity, who: Identity | None) -> bool:
    return who is not None and named in {who, Identity(who.user_id, None)}


def is_lost(asked: Asked, reply: Reply) -> bool:
    """Tell whether somebody who was signed in no longer is, and has not signed out."""
    if asked.who is None or asked.target == "/logout" or asked.signs_in is not None:
        return False
    body = reply.json
    is_nobody = "user" in body and body["user"] is None and body["reason"] != _UNAVAILABLE
    return is_nobody or reply.status in {303, 401} or (SESSION, "") in reply.cookies
