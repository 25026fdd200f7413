"""For front ends: who is signed in, and the access token, as JSON for the page's own scripts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import anyio

# The path as Starlette's own router sees it below a mount; there is no public name for it.
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import NoMatchFound, Route, request_response
from starlette.types import ASGIApp, Scope

from authkit_asgi.auth import Auth, Claims, Impersonator, SignedIn, SignedOut, SignedOutReason, User
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.connection import get_session
from authkit_asgi.denials import present, signed_out_denial
from authkit_asgi.errors import (
    CrossSiteRequestError,
    GrantRejectedError,
    SessionReadOnlyError,
    SessionTooLargeError,
    UnavailableError,
)
from authkit_asgi.fetch_metadata import is_own_script
from authkit_asgi.pages import OWN_HEADERS, error_response
from authkit_asgi.reasons import signed_out_by

SESSION_ROUTE, TOKEN_ROUTE = "authkit_session", "authkit_token"

_MIN_TOKEN_SECONDS = 30  # that a token handed out is good for; as long as the shorter early renewal
_PATIENCE_SECONDS = 2  # what renewing a token that is still good may cost a request
_METHODS = frozenset({"GET", "HEAD"})
_EXPIRED = SignedOut(reason=SignedOutReason.SESSION_EXPIRED)
_UNAVAILABLE = SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE)

_HEADERS = {
    **OWN_HEADERS,
    # Cookies go along with what a page of another origin embeds, too: it gets no bytes of it.
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class UserInfo:
    """What the session route says of whoever is signed in: no token, and not the session's id."""

    user: User
    organization_id: str | None
    role: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    entitlements: tuple[str, ...]
    feature_flags: tuple[str, ...]
    impersonator: Impersonator | None
    authentication_method: str | None
    expires_at: int
    """When all of this is read anew, in seconds since the epoch; the session itself goes on."""
    expires_in: int
    """The same in seconds from now, for browsers whose clock is wrong."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoUserInfo:
    """What the session route says when nobody is signed in."""

    user: None
    reason: SignedOutReason


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenInfo:
    """What the token route answers."""

    access_token: str = dataclasses.field(repr=False)
    token_type: str
    expires_at: int
    """In seconds since the epoch."""
    expires_in: int
    """Seconds from now."""


def front_end_routes(prefix: str, *, session: str | None, token: str | None) -> list[Route]:
    """Return the routes that have a path: what `auth_routes` has `session` and `token` for."""
    paths = {SESSION_ROUTE: session, TOKEN_ROUTE: token}
    return [
        Route(prefix + path, _ENDPOINTS[name], name=name)
        for name, path in paths.items()
        if path is not None
    ]


def answer_for_strangers(scope: Scope) -> ASGIApp | None:
    """Return what answers a request for one of these routes of the application that is asked.

    They decide themselves who gets what: strangers, too, have to get what scripts can read. It is
    they who answer, not what the application has at the path: another route may stand before them.
    Where no application says that it is asked, as around a whole one, nothing is found.
    """
    app = scope.get("app")
    if (
        scope["type"] != "http"
        or scope["method"] not in _METHODS  # other methods of the path are the application's
        or not isinstance(app, Starlette)
    ):
        return None
    path = get_route_path(scope)
    for name, endpoint in _ENDPOINTS.items():
        if path == _path_of(app, name):
            return request_response(endpoint)
    return None


def _path_of(app: Starlette, name: str) -> str | None:
    try:
        found = app.url_path_for(name)
    except NoMatchFound:
        return None
    return None if found.host else str(found)  # the path of another host may be anything


async def describe_session(request: Request) -> Response:
    """Say who is signed in. For anybody to ask: nobody's `user` is null, with the reason."""
    session = get_session(request)
    auth = session.auth
    if auth.user is not None:
        return _answer(_user_info(auth, _seconds_left(session, auth)))
    if auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE:
        return await present(request, signed_out_denial(request.scope, auth))
    return _answer(NoUserInfo(user=None, reason=auth.reason))


async def hand_out_token(request: Request) -> Response:
    """Hand out the access token to scripts of this very origin."""
    if not is_own_script(request.scope):
        return error_response(
            request.scope,
            CrossSiteRequestError("The access token was asked for by something else than a script"),
            status=403,
            text="Only scripts in pages of this site, in a browser that says so, get the token.",
        )
    session = get_session(request)
    auth = await _lasting(session)
    if auth.user is None:
        return await present(request, signed_out_denial(request.scope, auth))
    return _answer(
        TokenInfo(
            access_token=auth.access_token,
            token_type="Bearer",  # noqa: S106  # RFC 6750
            expires_at=auth.expires_at,
            expires_in=_seconds_left(session, auth),
        )
    )


_ENDPOINTS = {SESSION_ROUTE: describe_session, TOKEN_ROUTE: hand_out_token}


async def _lasting(session: AuthSession) -> Auth:
    """Return who is signed in, with a token that lasts for a while, renewed if need be.

    During an outage a token that lasts for less serves; none does once WorkOS has refused.
    """
    auth = session.auth
    if auth.user is None or auth.expires_at - session.now() >= _wanted_seconds(auth.claims):
        return auth
    try:
        with anyio.fail_after(_PATIENCE_SECONDS):
            return await session.refresh()
    except GrantRejectedError as error:
        return signed_out_by(error)
    except UnavailableError as error:
        otherwise = signed_out_by(error)
    except SessionReadOnlyError:
        otherwise = _EXPIRED
    except (SessionTooLargeError, TimeoutError):
        otherwise = _UNAVAILABLE
    # One that lives on the leeway for skewed clocks is of no use elsewhere.
    return auth if auth.expires_at > session.now() else otherwise


def _wanted_seconds(claims: Claims) -> float:
    # A token that never lives that long would be exchanged on each request.
    lifetime = _MIN_TOKEN_SECONDS * 2 if claims.iat is None else claims.exp - claims.iat
    return min(_MIN_TOKEN_SECONDS, lifetime / 2)


def _seconds_left(session: AuthSession, auth: SignedIn) -> int:
    return max(0, int(auth.expires_at - session.now()))


def _user_info(auth: SignedIn, expires_in: int) -> UserInfo:
    shared = {one.name for one in dataclasses.fields(UserInfo)} - {"expires_in"}
    values: dict[str, Any] = {name: getattr(auth, name) for name in shared}
    return UserInfo(**values, expires_in=expires_in)


def _answer(info: UserInfo | NoUserInfo | TokenInfo) -> Response:
    # ASCII: a name may hold half of a surrogate pair, of which there is no UTF-8.
    content = json.dumps(dataclasses.asdict(info), separators=(",", ":"))
    return Response(content, headers=_HEADERS, media_type="application/json")
