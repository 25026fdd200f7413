"""`AuthKitMiddleware`: who a request is from goes in, the cookies go out. Pure ASGI."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from typing import Any, Unpack

# The path as Starlette's own router sees it below a mount; there is no public name for it.
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi.auth import SignedOut, SignedOutReason
from authkit_asgi.auth_session import AuthSession
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError, SessionTooLargeError
from authkit_asgi.fetch_metadata import header
from authkit_asgi.hooks import RefreshErrorHook, RefreshSuccessHook
from authkit_asgi.http_clients import HTTPClientFactory
from authkit_asgi.loading import INVALID, NO_COOKIE, Loaded
from authkit_asgi.middleware_arguments import check_arguments, check_paths, make_authkit
from authkit_asgi.pages import error_response
from authkit_asgi.path_rules import PathRules
from authkit_asgi.protection import Protection
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.response_headers import sender
from authkit_asgi.service import AuthKit
from authkit_asgi.session_contents import SessionTransform
from authkit_asgi.session_cookies import NONE_SENT, SentCookies, sent_cookies
from authkit_asgi.setting_types import AuthKitSettings
from authkit_asgi.starlette_auth import fill_in
from authkit_asgi.start_up_check import start_up_fault
from authkit_asgi.stores import SessionStore

logger = logging.getLogger(__name__)

_SCOPE_KEY = "authkit_asgi.session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1
_LIFESPAN_ENDS = frozenset(
    {"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"}
)

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
        coordinator: What takes that place, for instance a `RedisRefreshCoordinator` around a
            client of yours.
        store: Keeps sessions on the server; the cookie then holds an id, of any session's size.
        previous_store: Where sessions are that are to leave it, for `store` or for the cookie.
        session_transform: Called with the session's JSON, a copy to change, and returns what goes
            into the cookie; plain or async.
        on_session_refresh_success: Called with the `SignedIn` after each exchange.
        on_session_refresh_error: Called with the error of each refresh that failed.
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
        protect: bool = False,
        public: Sequence[str] = (),
        sign_up_paths: Sequence[str] = (),
        starlette_auth: bool = False,
        skip: Sequence[str] = (),
        **settings: Unpack[AuthKitSettings],
    ) -> None:
        self.app = app
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
        self._skipped = PathRules(rule for path in skip for rule in (path, f"{path}/*"))
        config = self._authkit.config
        self._cookie_name = config.cookie_name.encode()
        self._own_paths = config.own_paths
        self._origins = frozenset((config.origin, *config.trusted_origins))
        self._checks_http_origin = config.cookie_same_site == "none"
        self._protection = Protection(config, **rules) if protect else None

    @property
    def config(self) -> AuthKitConfig:
        """The settings in force; `ConfigurationError` where there is a fault in them."""
        if self._fault is not None:
            raise ConfigurationError(self._fault.problems)
        return self._authkit.config

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
        if self._skipped and get_route_path(scope) in self._skipped:
            state["auth"] = _NOT_EVALUATED
            if self._starlette_auth:
                fill_in(scope, _NOT_EVALUATED)
            await self.app(scope, receive, send)
            return
        if _SCOPE_KEY in scope and self._is_done(scope):
            self._fill_in(scope[_SCOPE_KEY])
            await self._serve(scope, receive, send)
            return
        sent = sent_cookies(scope["headers"], self._cookie_name)
        try:
            loaded = self._load_now(scope, sent) or await self._load(scope, sent)
            session = AuthSession(self._authkit, scope, loaded, sent)
        except SessionTooLargeError as error:
            if scope["type"] == "websocket":
                raise
            logger.error("%s: %s", error.code, error)  # noqa: TRY400  # the traceback adds nothing
            await error_response(scope, error, status=500)(scope, receive, send)
            return
        scope[_SCOPE_KEY] = session
        self._fill_in(session)
        try:
            send = sender(session, send)
            if self._protection is None:
                await self.app(scope, receive, send)
            else:
                await self._protection.serve(self.app, scope, receive, send)
        finally:
            session.detach()

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

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._protection is None:
            await self.app(scope, receive, send)
        else:
            await self._protection.serve(self.app, scope, receive, send)

    def _fill_in(self, session: AuthSession) -> None:
        if self._starlette_auth:
            session.fill_in_starlette()

    def _load_now(self, scope: Scope, sent: SentCookies) -> Loaded | None:
        """Return who sends a request where that is plain at once, else `None`: then `_load`."""
        if sent is NONE_SENT:
            return _NO_COOKIE
        if self._is_untrusted(scope):
            return _UNTRUSTED
        if sent.is_crowded:
            return _CROWDED
        values = sent.values
        if not values:
            return _INCOMPLETE
        try:
            return self._authkit.load_now(
                values, sent.activity, may_refresh=not self._is_own_path(scope)
            )
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

    async def _load(self, scope: Scope, sent: SentCookies) -> Loaded:
        try:
            return await self._authkit.load(
                sent.values, sent.activity, may_refresh=not self._is_own_path(scope)
            )
        except Exception as error:  # noqa: BLE001  # as above
            return _failed(error)

    def _is_own_path(self, scope: Scope) -> bool:
        return scope["path"] in self._own_paths or get_route_path(scope) in self._own_paths

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fault is None:
            self._fault = start_up_fault(scope.get("app"), self._authkit.config)
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


def _failed(error: Exception) -> Loaded:
    # Neither message nor traceback: both may hold what was in the cookie.
    logger.error("Loading a session failed with %s", type(error).__qualname__)
    return _FAILED


def _listed(paths: Sequence[str]) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else tuple(paths)
