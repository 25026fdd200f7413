"""`AuthKitMiddleware`: who a request is from goes in, the cookies go out. Pure ASGI."""

from __future__ import annotations

import difflib
import functools
import logging
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, Unpack

# The path as Starlette's own router sees it below a mount; there is no public name for it.
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.config import AuthKitConfig, AuthKitSettings
from authkit_asgi.connection import AuthSession
from authkit_asgi.cookies import cookie_values
from authkit_asgi.errors import ConfigurationError, SessionTooLargeError
from authkit_asgi.fetch_metadata import header
from authkit_asgi.http_clients import HTTPClientFactory
from authkit_asgi.pages import error_response
from authkit_asgi.service import NO_COOKIE, AuthKit, Loaded

logger = logging.getLogger(__name__)

_SCOPE_KEY = "authkit_asgi.session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
_LIFESPAN_ENDS = frozenset(
    {"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"}
)

_NO_COOKIE = Loaded(auth=NO_COOKIE)
_UNTRUSTED = Loaded(auth=SignedOut(reason=SignedOutReason.UNTRUSTED_ORIGIN))
_NOT_EVALUATED = SignedOut(reason=SignedOutReason.NOT_EVALUATED)
_FAILED = Loaded(auth=SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE, retry_after=5))

_Headers = list[tuple[bytes, bytes]]


class AuthKitMiddleware:
    """Puts `auth` and `authkit` on every request's state, and the session's cookies on responses.

    Args:
        app: The application.
        config: The settings; read from the environment when `None`.
        authkit: A ready-made service, instead of `config` and `settings`.
        http_client_factory: Makes the `httpx.AsyncClient` of an event loop.
        skip: Path prefixes, whole segments, that pass untouched and signed out: static files,
            health checks.
        settings: What `AuthKitConfig.from_env` takes, for what the environment leaves open.

    A fault in the settings does not raise here, where servers would take it for an application
    without lifespan and serve it all the same: it fails the start-up, and every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: AuthKitConfig | None = None,
        *,
        authkit: AuthKit | None = None,
        http_client_factory: HTTPClientFactory | None = None,
        skip: Sequence[str] = (),
        **settings: Unpack[AuthKitSettings],
    ) -> None:
        self.app = app
        self._skip = tuple((skip,) if isinstance(skip, str) else skip)
        self._fault: ConfigurationError | None = None
        try:
            self._check_arguments(config, authkit, settings, http_client_factory)
            self._authkit = authkit or AuthKit(
                config or AuthKitConfig.from_env(**settings),
                http_client_factory=http_client_factory,
            )
        except ConfigurationError as fault:
            self._fault = fault
            return
        config = self._authkit.config
        self._cookie_name = config.cookie_name.encode()
        self._own_paths = config.own_paths
        self._origins = frozenset((config.origin, *config.trusted_origins))
        self._checks_http_origin = config.cookie_same_site == "none"

    def _check_arguments(
        self,
        config: AuthKitConfig | None,
        authkit: AuthKit | None,
        settings: AuthKitSettings,
        http_client_factory: HTTPClientFactory | None,
    ) -> None:
        problems = [
            f"skip holds {path!r}, which is not a path such as /static"
            for path in self._skip
            if not path.startswith("/") or path.endswith("/")
        ]
        # Misspelt, they would be a TypeError: raised here, servers would serve all the same.
        known = AuthKitSettings.__annotations__.keys()
        for name in sorted(settings.keys() - known):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f": is {close[0]!r} meant?" if close else ""
            problems.append(f"there is no option {name!r}{hint}")
        if sum(source is not None for source in (config, authkit, settings or None)) > 1:
            problems.append("AuthKitMiddleware takes either config, or authkit, or settings")
        if authkit is not None and http_client_factory is not None:
            problems.append("http_client_factory belongs to the AuthKit that authkit= gives")
        if problems:
            raise ConfigurationError(problems)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] not in {"http", "websocket"}:
            if scope["type"] == "lifespan":
                await self._lifespan(scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        if self._fault is not None:
            # A new one each time: an exception raised again and again grows by its traceback.
            raise ConfigurationError(self._fault.problems)
        state = self._own_state(scope)
        if self._skip and self._is_skipped(get_route_path(scope)):
            state["auth"] = _NOT_EVALUATED
            await self.app(scope, receive, send)
            return
        if self._is_done(scope):
            await self.app(scope, receive, send)
            return
        try:
            session = await self._open(scope)
        except SessionTooLargeError as error:
            if scope["type"] == "websocket":
                raise
            logger.error("%s: %s", error.code, error)  # noqa: TRY400  # the traceback adds nothing
            await error_response(scope, error, status=500)(scope, receive, send)
            return
        scope[_SCOPE_KEY] = session
        await self.app(scope, receive, functools.partial(_send, session, send))

    def _is_skipped(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self._skip)

    def _own_state(self, scope: Scope) -> MutableMapping[str, Any]:
        """Return this connection's state, made where there is none.

        Servers copy the lifespan's state for each connection. Some test tools share it instead:
        one user's request would then read what another's has written.
        """
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        left_over = state.get("authkit")
        if left_over is not None and left_over is not scope.get(_SCOPE_KEY):
            state = scope["state"] = dict(state)
        return state

    def _is_done(self, scope: Scope) -> bool:
        """Tell whether this middleware stands a second time around the same application.

        A second exchange of the same refresh token would end the session. The scope is asked, not
        its state: only the scope is this connection's own beyond doubt.
        """
        outer = scope.get(_SCOPE_KEY)
        return isinstance(outer, AuthSession) and outer.config == self._authkit.config

    async def _open(self, scope: Scope) -> AuthSession:
        values = cookie_values(scope["headers"], self._cookie_name)
        if not values:
            return AuthSession(self._authkit, scope, _NO_COOKIE)
        if self._is_untrusted(scope):
            return AuthSession(self._authkit, scope, _UNTRUSTED, carried=True)
        return AuthSession(self._authkit, scope, await self._load(scope, values), carried=True)

    def _is_untrusted(self, scope: Scope) -> bool:
        """Tell whether a page of a foreign origin sends this, with the user's cookies.

        Browsers let any page open a WebSocket and, under SameSite=None, send any form.
        """
        if scope["type"] == "http" and (
            not self._checks_http_origin or scope["method"] in _SAFE_METHODS
        ):
            return False
        if scope["type"] == "http" and header(scope, b"sec-fetch-site") == "same-origin":
            # A page with `Referrer-Policy: no-referrer`, such as ours, names no origin; and no
            # page can write this header.
            return False
        origin = header(scope, b"origin")
        return origin is not None and origin not in self._origins

    async def _load(self, scope: Scope, values: Sequence[str]) -> Loaded:
        is_own = scope["path"] in self._own_paths or get_route_path(scope) in self._own_paths
        try:
            return await self._authkit.load(values, may_refresh=not is_own)
        except SessionTooLargeError:
            raise
        except Exception as error:  # noqa: BLE001  # fail closed: whatever breaks, nobody is let in
            # Neither message nor traceback: both may hold what was in the cookie.
            logger.error("Loading a session failed with %s", type(error).__qualname__)  # noqa: TRY400
            return _FAILED

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fault is not None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(self._fault)})
            raise ConfigurationError(self._fault.problems)
        await self._authkit.open()
        is_open = True

        async def close() -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                await self._authkit.aclose()

        async def observe(message: Message) -> None:
            # Before the server hears that all is done: it may stop the event loop at once.
            if message["type"] in _LIFESPAN_ENDS:
                await close()
            await send(message)

        try:
            await self.app(scope, receive, observe)
        finally:
            await close()


async def _send(session: AuthSession, send: Send, message: Message) -> None:
    kind = message["type"]
    if kind in {"http.response.start", "websocket.http.response.start"}:
        cookies = _cookie_lines(session)
        headers = _with_cache_headers(session, message.get("headers", ()), cookies=bool(cookies))
        if headers is not None:
            message = {**message, "headers": headers + cookies}
    elif kind == "websocket.accept":
        if cookies := _cookie_lines(session):
            message = {**message, "headers": [*message.get("headers", ()), *cookies]}
    elif kind == "websocket.close":
        session.response_started = True
    await send(message)


def _cookie_lines(session: AuthSession) -> _Headers:
    return [(b"set-cookie", cookie.line) for cookie in session.flush()]


def _with_cache_headers(
    session: AuthSession, headers: Iterable[tuple[bytes, bytes]], *, cookies: bool
) -> _Headers | None:
    """Return the headers that keep a shared cache from serving one user's answer to another.

    `None` where the response is none of our business.
    """
    if not (cookies or session.carried or session.consulted):
        return None
    result = list(headers)
    names = {name.lower() for name, _ in result}
    if cookies:
        result = [(name, value) for name, value in result if name.lower() != b"cache-control"]
        result.append((b"cache-control", b"private, no-store"))
    elif session.carried and b"cache-control" not in names:
        # With a validator, a signed-in browser may keep its own copy and ask whether it is good.
        validator = b"etag" in names or b"last-modified" in names
        result.append(
            (b"cache-control", b"private, no-cache" if validator else b"private, no-store")
        )
    _merge_vary(result)
    return result


def _merge_vary(headers: _Headers) -> None:
    lines = [index for index, (name, _) in enumerate(headers) if name.lower() == b"vary"]
    if not lines:
        headers.append((b"vary", b"Cookie"))
        return
    fields = {field.strip().lower() for index in lines for field in headers[index][1].split(b",")}
    if not fields.isdisjoint({b"*", b"cookie"}):
        return
    name, value = headers[lines[-1]]
    headers[lines[-1]] = (name, value + b", Cookie" if value.strip() else b"Cookie")
