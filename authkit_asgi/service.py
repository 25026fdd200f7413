"""AuthKit without ASGI: load and refresh sessions, begin and complete sign-in, sign out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.api_key_validation import APIKeyValidator
from authkit_asgi.authentication import ReadSession, access_token_verifier
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.credentials import Credentials
from authkit_asgi.eager_auth import EagerAuth
from authkit_asgi.errors import (
    GrantRejectedError,
    StoreUnavailableError,
)
from authkit_asgi.hooks import RefreshErrorHook, RefreshHooks, RefreshSuccessHook
from authkit_asgi.http_clients import HTTPClientFactory, HTTPClients
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.loading import Loaded, SessionLoader
from authkit_asgi.observation import Observation
from authkit_asgi.outcomes import KNOWN_SECONDS, refresh_key
from authkit_asgi.reasons import signed_out_by
from authkit_asgi.refresh import InProcessRefreshCoordinator, RefreshCoordinator, Successor
from authkit_asgi.renewal import SessionRenewal
from authkit_asgi.resealing import SessionResealer
from authkit_asgi.server_sessions import ServerSessions
from authkit_asgi.session import Session, session_id, session_organization
from authkit_asgi.session_check import SessionCheck
from authkit_asgi.session_contents import SessionContents, SessionTransform
from authkit_asgi.session_ending import SessionEnding
from authkit_asgi.session_revocation import SessionRevocation
from authkit_asgi.sign_in import SignInFlow
from authkit_asgi.sign_ins import SignIns
from authkit_asgi.size_warning import SizeWarning
from authkit_asgi.stored_sessions import StoredSessions
from authkit_asgi.stores import SessionStore
from authkit_asgi.telemetry import Telemetry
from authkit_asgi.users import Users


class AuthKit(
    SignIns, SessionEnding, ServerSessions, SessionRevocation, Users, Credentials, Observation
):
    """The service behind the middleware, for scripts and for routes of one's own.

    Args:
        config: The settings.
        http_client_factory: Makes the `httpx.AsyncClient` of an event loop; the default follows no
            redirects and verifies certificates.
        coordinator: Sees to it that each refresh token is exchanged once; by default within this
            process.
        store: Keeps sessions on the server; the cookie then holds an id. In the cookie when `None`.
        previous_store: Where sessions are that are to leave it, for `store` or for the cookie.
        session_transform: Called with the session's JSON, a copy to change, and returns what goes
            into the cookie; see `SessionTransform`.
        on_session_refresh_success: Called with the `SignedIn` after each exchange.
        on_session_refresh_error: Called with the error of each refresh that failed. What a hook
            raises is logged; what it returns to be awaited runs beside the requests.
        telemetry: Is told what is counted and traced, such as an `OpenTelemetry`.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: AuthKitConfig,
        *,
        http_client_factory: HTTPClientFactory | None = None,
        coordinator: RefreshCoordinator | None = None,
        store: SessionStore | None = None,
        previous_store: SessionStore | None = None,
        session_transform: SessionTransform | None = None,
        on_session_refresh_success: RefreshSuccessHook | None = None,
        on_session_refresh_error: RefreshErrorHook | None = None,
        telemetry: Telemetry | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # So long because all parts are put together here, each after those that it needs.
        self.config = config
        self.http_clients: HTTPClients = HTTPClients(http_client_factory)
        self.cookies: CookieWriter = CookieWriter(config)
        self.api: WorkOSAPI = WorkOSAPI(config, self.http_clients)
        self._api_keys = APIKeyValidator(self.api, timeout=config.api_timeout, clock=clock)
        self._clock = clock
        self.coordinator: RefreshCoordinator = coordinator or InProcessRefreshCoordinator(
            timeout=config.refresh_timeout, clock=clock
        )
        self._contents = SessionContents(config, session_transform)
        self._hooks = RefreshHooks(on_session_refresh_success, on_session_refresh_error)
        self._verifier = access_token_verifier(config, self.http_clients, clock=clock)
        self._stored: StoredSessions | None = None
        if store is not None or previous_store is not None:
            self._stored = StoredSessions(
                config, store, previous_store, coordinator=self.coordinator, clock=clock
            )
        self._renewal = SessionRenewal(
            config,
            self.api,
            self._verifier,
            self.coordinator,
            contents=self._contents,
            stored=self._stored,
            hooks=self._hooks,
            clock=clock,
        )
        idle = config.inactivity_timeout
        self.inactivity: Inactivity | None = Inactivity(config, idle, clock=clock) if idle else None
        self.eager_auth: EagerAuth | None = EagerAuth(self.cookies) if config.eager_auth else None
        self.has_companions: bool = not config.is_read_only and (
            self.inactivity is not None or self.eager_auth is not None
        )
        """Whether responses write cookies beside the session's own."""
        self.size_warning: SizeWarning = SizeWarning(config, clock=clock)
        self._loader = SessionLoader(
            config,
            self.cookies,
            self._verifier,
            self.coordinator,
            self._renewal,
            http_clients=self.http_clients,
            inactivity=self.inactivity,
            size_warning=self.size_warning,
            clock=clock,
        )
        self._check = SessionCheck(
            config, self._verifier, self.coordinator, inactivity=self.inactivity, clock=clock
        )
        self._resealer = SessionResealer(
            config, self.coordinator, self._contents, self._stored, clock=clock
        )
        self._sign_ins = SignInFlow(
            config, self.api, self.cookies, self._verifier, contents=self._contents, clock=clock
        )
        self.telemetry: Telemetry | None = telemetry and self._observe(telemetry)

    def load_now(
        self, value: bytes, activity: Sequence[str] = (), *, may_refresh: bool = True
    ) -> Loaded | ReadSession | None:
        """Return what `load` would of one cookie's `value`, where that is plain at once.

        Else what `load` is to go on with, as its `read`; `None` if sessions are kept on the server,
        where only `load` can ask. For the running event loop, like it: keys that are due are
        fetched there in the background.
        """
        if self._stored is not None:
            return None
        return self._check.check(value, activity, may_refresh=may_refresh)

    async def load(
        self,
        values: Sequence[str],
        activity: Sequence[str] = (),
        *,
        may_refresh: bool = True,
        read: ReadSession | None = None,
    ) -> Loaded:
        """Return who the session cookies' `values` are from, in the order in which they came.

        An access token that has expired or soon will, or whose signature does not verify, is
        exchanged for a new one, unless `may_refresh` is false. Without that no session is marked
        to be sealed anew, either. `activity` is what the activity cookies hold: with an
        `inactivity_timeout`, a session not used for so long is nobody's, whatever its token says.
        `read` is what `load_now` has just returned. Never raises for anything a request can hold.
        """
        may_write = may_refresh and not self.config.is_read_only
        if self._stored is None or not values:
            loaded = await self._loader.load(
                values, activity, may_refresh=may_write, may_wait=may_refresh, read=read
            )
        else:
            try:
                sessions, otherwise = await self._stored.read(values)
            except StoreUnavailableError as error:
                return Loaded(auth=signed_out_by(error))
            if len(sessions) == 1:
                found = self._check.check_stored(sessions[0], activity, may_refresh=may_refresh)
                if isinstance(found, Loaded):
                    return found
                read = found
            loaded = await self._loader.load_sessions(
                sessions,
                activity,
                may_refresh=may_write,
                may_wait=may_refresh,
                otherwise=otherwise,
                verified=None if read is None else read.auth,
            )
            loaded = await self._dropped(loaded, activity)
        return self._resealer.mark(loaded) if may_write else loaded

    async def reseal(self, loaded: Loaded) -> str | None:
        """Return a session that `load` calls outdated as it goes into the cookie now.

        `None` where the cookie has to stay as it is, because a successor is known or about to be.
        """
        return await self._resealer.reseal(loaded)

    async def refresh(self, session: Session, organization_id: str | None = None) -> Successor:
        """Exchange the session's refresh token, together with whoever else asks for it.

        Args:
            session: An authentic session; its access token may have expired.
            organization_id: The organization to switch to; the session's own when `None`.

        Raises:
            SessionReadOnlyError: The setting `refresh` is ``never``.
            GrantRejectedError: WorkOS refused for good, or the user has signed out; `reason` says.
            UnavailableError: WorkOS cannot be asked, or its answer is not to be trusted; the
                session's cookie is to be kept.
        """
        self._require_writable()
        if session.refresh_token is None:
            raise GrantRejectedError("no_refresh_token")
        if organization_id is None:
            organization_id = session_organization(session)
        self._require_alive(session)
        successor = await self._renewal.refresh(session, organization_id)
        for each in (session, successor.session):
            self._require_alive(each)  # it may have been ended meanwhile
        return successor

    async def newest(self, session: Session) -> str | None:
        """Return the last successor known of a session, as its cookie; `None` if there is none."""
        key = refresh_key(session.refresh_token)
        sealed = await self.coordinator.newest(key, session_id(session))
        if self._stored is not None and session.stored is not None:
            if await self._stored.is_ended(session):  # by another worker, meanwhile
                await self.coordinator.end(session_id(session))
            if self._stored.store is not None:
                return None  # its cookie stays the same
        return None if sealed is None else await self._contents.reseal(sealed)

    def is_wanted(self, loaded: Loaded) -> bool:
        """Tell whether a response has to bring the cookie that was made for it.

        Not where it took its time and the browser has the cookie through another response: there
        may be a newer one by now, of which nothing is remembered any more.
        """
        if not loaded.is_renewed or self._clock() - loaded.loaded_at < KNOWN_SECONDS:
            return True
        key = refresh_key(loaded.session.refresh_token) if loaded.session else ""
        return self.coordinator.is_awaited(key)

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self._clock()

    async def open(self) -> None:
        """Keep connections of the running event loop open until `aclose`.

        In a loop without it, which may end with its request, tokens are renewed early only once it
        has run for `refresh_timeout` seconds.
        """
        self.http_clients.keep()
        await self.coordinator.open()
        if self._stored is not None:
            await self._stored.open()

    async def aclose(self) -> None:
        """Wait for exchanges under way, then close what belongs to the running event loop."""
        await self.coordinator.aclose()
        if self._stored is not None:
            await self._stored.aclose()
        await self._hooks.aclose(self.config.refresh_timeout)
        await self._api_keys.aclose()
        await self._verifier.aclose()
        await self.http_clients.release()
