"""`AuthKitMiddleware`: who a request is from goes in, the cookies go out. Pure ASGI."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

# The path as Starlette's own router sees it below a mount; there is no public name for it.
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.authentication import ReadSession
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import sole_cookie
from authkit_asgi.errors import ConfigurationError, SessionTooLargeError
from authkit_asgi.fetch_metadata import header
from authkit_asgi.hooks import RefreshErrorHook, RefreshSuccessHook
from authkit_asgi.http_clients import HTTPClientFactory
from authkit_asgi.lifespan import fail_start_up, serve_lifespan
from authkit_asgi.loading import INVALID, NO_COOKIE, Loaded
from authkit_asgi.log_events import named_logger
from authkit_asgi.middleware_arguments import check_arguments, check_paths, make_authkit
from authkit_asgi.pages import error_response
from authkit_asgi.path_rules import PathRules
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.response_headers import send_on
from authkit_asgi.service import AuthKit
from authkit_asgi.session_contents import SessionTransform
from authkit_asgi.session_cookies import NONE_SENT, SentCookies, sent_cookies
from authkit_asgi.session_counts import counted_app, counted_protection
from authkit_asgi.setting_types import AuthKitSettings
from authkit_asgi.starlette_auth import fill_in_nobody
from authkit_asgi.start_up_check import start_up_fault
from authkit_asgi.stores import SessionStore
from authkit_asgi.telemetry import Telemetry

logger: logging.Logger = named_logger(__name__)

_SCOPE_KEY = "authkit_asgi.session"
_SERVED = frozenset({"http", "websocket"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
_NO_COOKIE = Loaded(auth=NO_COOKIE)
_INCOMPLETE = Loaded(auth=INVALID)
_CROWDED = Loaded(auth=INVALID, conflicting=True)
_UNTRUSTED = Loaded(auth=SignedOut(reason=SignedOutReason.UNTRUSTED_ORIGIN))
_NOT_EVALUATED = SignedOut(reason=SignedOutReason.NOT_EVALUATED)
_FAILED = Loaded(auth=SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE, retry_after=5))


class AuthKitMiddleware:
    """Puts `auth` and `authkit` on every request's state, and the session's cookies on responses.

    Args:
        app: The application.
        config: The settings; read from the environment when `None`.
        authkit: A ready-made service, instead of `config` and `settings`.
        http_client_factory: Makes the `httpx.AsyncClient` of an event loop.
        redis_url: The Redis through which workers refresh each session once between them, such as
            ``redis://localhost:6379/0`` (extra ``redis``); else each process sees to itself.
        coordinator: What takes that place, such as a `RedisRefreshCoordinator` with your client.
        store: Keeps sessions on the server; the cookie then holds an id, of any session's size.
        previous_store: Where sessions are that are to leave it, for `store` or for the cookie.
        session_transform: Returns what of the session's JSON goes into the cookie; plain or async.
        on_session_refresh_success: Called with the `SignedIn` after each exchange.
        on_session_refresh_error: Called with the error of each refresh that failed.
        telemetry: Is told what is counted and traced, such as an `OpenTelemetry`.
        protect: Whether every path needs somebody signed in, before the application sees it: but
            the bundled routes, CORS preflights, what `skip` names, and:
        public: Paths that are everybody's: ``/about``, or ``/assets/*`` for all below.
        sign_up_paths: Paths, as in `public`, from which strangers are sent to sign up instead.
        starlette_auth: Whether to fill Starlette's own `request.user` and `request.auth` too.
        skip: Path prefixes, whole segments, that pass untouched and signed out: static files,
            health checks. As with `public`, a path that can be read in two ways is none of them.
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
        redis_url: str | None = None,
        coordinator: RefreshCoordinator | None = None,
        store: SessionStore | None = None,
        previous_store: SessionStore | None = None,
        session_transform: SessionTransform | None = None,
        on_session_refresh_success: RefreshSuccessHook | None = None,
        on_session_refresh_error: RefreshErrorHook | None = None,
        telemetry: Telemetry | None = None,
        protect: bool = False,
        public: Sequence[str] = (),
        sign_up_paths: Sequence[str] = (),
        starlette_auth: bool = False,
        skip: Sequence[str] = (),
        **settings: Unpack[AuthKitSettings],
    ) -> None:
        self.app: ASGIApp = app
        self._starlette_auth = starlette_auth
        self._fault: ConfigurationError | None = None
        parts: dict[str, Any] = {
            "http_client_factory": http_client_factory,
            "coordinator": coordinator,
            "redis_url": redis_url,
            "store": store,
            "previous_store": previous_store,
            "session_transform": session_transform,
            "on_session_refresh_success": on_session_refresh_success,
            "on_session_refresh_error": on_session_refresh_error,
            "telemetry": telemetry,
        }
        rules = {"public": _listed(public), "sign_up_paths": _listed(sign_up_paths)}
        try:
            check_arguments(config, authkit, settings, parts)
            check_paths(skip=(skip := _listed(skip)), protect=protect, **rules)
            self._authkit = authkit or make_authkit(
                config or AuthKitConfig.from_env(**settings), **parts
            )
        except ConfigurationError as fault:
            self._fault = fault
            return
        self._skipped = PathRules(r for p in skip for r in (p, f"{p}/*")) if skip else None
        config = self._authkit.config
        self._cookie_name = config.cookie_name.encode()
        self._own_paths = config.own_paths
        self._origins = frozenset((config.origin, *config.trusted_origins))
        self._checks_http_origin = config.cookie_same_site == "none"
        telemetry = self._authkit.telemetry
        self.app = counted_app(app, telemetry)
        self._protection = counted_protection(config, telemetry, **rules) if protect else None

    @property
    def config(self) -> AuthKitConfig:
        """The settings in force; `ConfigurationError` where there is a fault in them."""
        if self._fault is not None:
            raise ConfigurationError(self._fault.problems)
        return self._authkit.config

    # In one piece: each function that a request has to go through costs it something.
    async def __call__(  # noqa: C901, PLR0912, PLR0915
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] not in _SERVED:
            if scope["type"] == "lifespan":
                if self._fault is None:
                    self._fault = start_up_fault(scope.get("app"), self._authkit.config)
                if self._fault is not None:
                    await fail_start_up(self._fault, receive, send)
                await serve_lifespan(self._authkit, self.app, scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        if self._fault is not None:
            raise ConfigurationError(self._fault.problems)  # a new one: tracebacks add up
        if "authkit" in scope.setdefault("state", {}):
            self._disown_state(scope)
        if self._skipped is not None and get_route_path(scope) in self._skipped:
            scope["state"]["auth"] = _NOT_EVALUATED
            if self._starlette_auth:
                fill_in_nobody(scope)
            await self.app(scope, receive, send)
            return
        if _SCOPE_KEY in scope and self._is_done(scope):
            if self._starlette_auth:
                scope[_SCOPE_KEY].fill_in_starlette()
            app = (
                self.app if self._protection is None else partial(self._protection.serve, self.app)
            )
            await app(scope, receive, send)
            return
        # Nearly every request has one session cookie or none, and it is plain who sends it.
        sent: SentCookies | bytes = NONE_SENT
        loaded: Loaded | ReadSession | None = _NO_COOKIE
        value = sole_cookie(scope["headers"], self._cookie_name)
        if value:
            sent, loaded = value, self._load_now(scope, value)
        elif value is None:
            sent = sent_cookies(scope["headers"], self._cookie_name)
            loaded = self._look_at(scope, sent)
        try:
            if not isinstance(loaded, Loaded):
                loaded = await self._load(scope, sent, loaded)
            session = AuthSession(self._authkit, scope, loaded, sent)
        except SessionTooLargeError as error:
            if scope["type"] == "websocket":
                raise
            logger.error("%s: %s", error.code, error)  # noqa: TRY400  # the traceback adds nothing
            await error_response(scope, error, status=500)(scope, receive, send)
            return
        scope[_SCOPE_KEY] = session
        if self._starlette_auth:
            session.fill_in_starlette()
        try:
            send = partial(send_on, session, send)
            if self._protection is None:
                await self.app(scope, receive, send)
            else:
                await self._protection.serve(self.app, scope, receive, send)
        finally:
            session.detach()

    def _disown_state(self, scope: Scope) -> None:
        """Give a connection a state of its own, where another's has been left to it.

        Servers copy the lifespan's state for each connection. Some test tools share it instead:
        one user's request would then read what another's has written.
        """
        if scope["state"]["authkit"] is not scope.get(_SCOPE_KEY):
            scope["state"] = dict(scope["state"])

    def _is_done(self, scope: Scope) -> bool:
        """Tell whether this middleware stands a second time around the same application.

        A second exchange of the same refresh token would end the session. The scope is asked, not
        its state: only the scope is this connection's own beyond doubt.
        """
        outer = scope[_SCOPE_KEY]
        return isinstance(outer, AuthSession) and outer.config == self._authkit.config

    def _look_at(self, scope: Scope, sent: SentCookies) -> Loaded | ReadSession | None:
        """Return what is known at once of session cookies that are not one alone."""
        if sent is NONE_SENT:
            return _NO_COOKIE
        values = sent.values
        if len(values) == 1 and not sent.is_crowded:
            return self._load_now(scope, values[0].encode("latin-1"), sent.activity)
        if self._is_untrusted(scope):
            return _UNTRUSTED
        if sent.is_crowded:
            return _CROWDED
        return None if values else _INCOMPLETE

    def _load_now(
        self, scope: Scope, value: bytes, activity: Sequence[str] = ()
    ) -> Loaded | ReadSession | None:
        """Return who sends a session cookie where that is plain at once, else what is known."""
        if (self._checks_http_origin or scope["type"] != "http") and self._is_untrusted(scope):
            return _UNTRUSTED
        try:
            may_refresh = scope["path"] not in self._own_paths and not (
                scope.get("root_path") and self._is_own_path(scope)
            )
            return self._authkit.load_now(value, activity, may_refresh=may_refresh)
        except Exception as error:  # noqa: BLE001  # fail closed: whatever breaks, nobody is let in
            return _failed(error)

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

    async def _load(
        self, scope: Scope, sent: SentCookies | bytes, read: ReadSession | None
    ) -> Loaded:
        if isinstance(sent, bytes):
            sent = SentCookies(plain=(sent.decode("latin-1"),))
        may_refresh = not self._is_own_path(scope)
        try:
            return await self._authkit.load(
                sent.values, sent.activity, may_refresh=may_refresh, read=read
            )
        except Exception as error:  # noqa: BLE001  # as above
            return _failed(error)

    def _is_own_path(self, scope: Scope) -> bool:
        # Only below a mount, or behind a proxy that takes a prefix off, are there two paths.
        path = scope["path"]
        return path in self._own_paths or (
            bool(scope.get("root_path")) and get_route_path(scope) in self._own_paths
        )


def _failed(error: Exception) -> Loaded:
    # Neither message nor traceback: both may hold what was in the cookie.
    logger.error("Loading a session failed with %s", type(error).__qualname__)
    return _FAILED


def _listed(paths: Sequence[str]) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else tuple(paths)
