"""WorkOSEmulator: an in-memory WorkOS for demos and tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias, Unpack

from joserfc.jwk import RSAKey
from starlette.types import ASGIApp

from authkit_asgi.testing import demo, server
from authkit_asgi.testing.application import EmulatorApplication
from authkit_asgi.testing.authentication import AuthenticationEndpoints
from authkit_asgi.testing.authorization import AuthorizationEndpoints
from authkit_asgi.testing.control import ControlEndpoints
from authkit_asgi.testing.customers import APIKeyEndpoints, Customers
from authkit_asgi.testing.faults import Fault, Reset
from authkit_asgi.testing.journal import RequestRecord
from authkit_asgi.testing.memberships import MembershipEndpoints
from authkit_asgi.testing.people import OrganizationReference, UserReference, identifier
from authkit_asgi.testing.refusal import Refusal
from authkit_asgi.testing.sessions import Authentication, Impersonator
from authkit_asgi.testing.settings import Settings, SettingValues
from authkit_asgi.testing.state import EmulatorState

ImpersonatorReference: TypeAlias = Impersonator | Mapping[str, str | None]


class WorkOSEmulator(Customers):
    """An in-memory WorkOS: users, organizations, sign-in pages, tokens, and faults to order.

    It listens nowhere by itself: give `app` to an HTTP server or an in-process client, or use
    `serve`. It answers requests for loopback names only. All methods may be called from any thread
    while it serves. Users and organizations may be given as objects or by their ids.

    The sign-in page asks for no password. ``login_hint=<a user's address>`` signs that user in
    without the page; who has signed in once comes back at once (single sign-on) until signed out,
    unless ``prompt=login`` or ``max_age`` says otherwise; ``screen_hint=sign-up`` makes a user. A
    sign-in that names no organization takes the user's first.

    Args:
        clock: Returns the epoch time in seconds.
        **settings: The fields of `Settings`; also to be read and changed later, see `configure`.
    """

    # A mistyped attribute must not be a setting that silently does nothing.
    __slots__ = ("_application", "_initial", "_is_demo")

    def __init__(
        self, *, clock: Callable[[], float] = time.time, **settings: Unpack[SettingValues]
    ) -> None:
        self._initial = Settings(**settings)
        self._is_demo = False
        super().__init__(EmulatorState(Settings(**settings), clock))
        self._application = EmulatorApplication(
            self._state,
            (
                *AuthorizationEndpoints(self._state).endpoints(),
                *AuthenticationEndpoints(self._state).endpoints(),
                *MembershipEndpoints(self._state).endpoints(),
                *APIKeyEndpoints(self._state).endpoints(),
                *ControlEndpoints(self).endpoints(),
            ),
        )

    @classmethod
    def demo(
        cls, *, clock: Callable[[], float] = time.time, **settings: Unpack[SettingValues]
    ) -> WorkOSEmulator:
        """Return an emulator with people and organizations in it; `reset` brings them back."""
        emulator = cls(clock=clock, **settings)
        emulator._is_demo = True
        demo.seed(emulator._state.directory)
        return emulator

    @property
    def app(self) -> ASGIApp:
        """The ASGI application; serve it as it is, not inside another, or resets cannot work."""
        return self._application

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serve on 127.0.0.1 in a thread: ``with emulator.serve() as base_url: …``.

        Port 0 takes a free one. Needs uvicorn (``pip install 'authkit-asgi[testing]'``).
        """
        return server.serve_in_thread(
            self._application, port=port, on_shutdown=self._state.faults.release
        )

    def reset(self) -> None:
        """Return to how the emulator was made; only the current signing key stays."""
        with self._state.lock:
            self._state.clear()
            self._state.settings.change(**self._initial.as_changes())
            if self._is_demo:
                demo.seed(self._state.directory)

    # Settings

    @property
    def settings(self) -> Settings:
        """The settings in force; change them with `configure`."""
        return self._state.settings

    def configure(self, **changes: Unpack[SettingValues]) -> None:
        """Change settings while the emulator runs; `ValueError` says what is wrong."""
        with self._state.lock:
            self._state.settings.change(**changes)

    @property
    def client_id(self) -> str:
        """The client the emulator knows."""
        return self._state.settings.client_id

    @property
    def api_key(self) -> str:
        """The client's secret and the bearer token of the API."""
        return self._state.settings.api_key

    @property
    def issuer(self) -> str:
        """The ``iss`` claim of the access tokens."""
        return self._state.settings.issuer or ""

    @property
    def access_token_lifetime(self) -> float:
        """Seconds from ``iat`` to ``exp``."""
        return self._state.settings.access_token_lifetime

    @access_token_lifetime.setter
    def access_token_lifetime(self, seconds: float) -> None:
        self.configure(access_token_lifetime=seconds)

    # Sessions and tokens

    def sign_in(
        self,
        user: UserReference,
        organization: OrganizationReference | None = None,
        impersonator: ImpersonatorReference | None = None,
        lifetime: float | None = None,
        *,
        auth_age: float = 0,
    ) -> dict[str, Any]:
        """Sign a user in without HTTP and return what ``authenticate`` answers.

        Args:
            user: Who.
            organization: Where; ``None`` is the user's first one, if any.
            impersonator: Who really signs in, as ``{"email": …, "reason": …}``.
            lifetime: Seconds this access token lives; negative makes an expired one.
            auth_age: Seconds since the user has proven who they are.

        Raises:
            KeyError: There is no such user.
            ValueError: The user is not a member of the organization.
        """
        with self._state.lock:
            authentication = self._authentication(user, organization, impersonator, auth_age)
            try:
                return self._state.sessions.begin(authentication, lifetime=lifetime)
            except Refusal as exc:
                raise ValueError(exc.message) from exc

    def impersonate(
        self,
        user: UserReference,
        *,
        email: str,
        reason: str | None = None,
        organization: OrganizationReference | None = None,
    ) -> str:
        """Return a code for an impersonated session: as the dashboard makes it, without PKCE."""
        with self._state.lock:
            impersonator = Impersonator(email=email, reason=reason)
            return self._state.codes.issue(self._authentication(user, organization, impersonator))

    def end_session(self, session_id: str) -> bool:
        """End a session as signing out does; ``False`` if it is unknown or has ended."""
        with self._state.lock:
            return self._state.sessions.end(session_id) is not None

    def mint_access_token(
        self,
        claims: dict[str, Any],
        *,
        key: Literal["current"] | RSAKey = "current",
        header: dict[str, Any] | None = None,
    ) -> str:
        """Return a JWT with exactly these claims, signed RS256: for tests of all that is wrong.

        `header` changes the header, ``{"kid": None}`` removes a parameter from it.
        """
        chosen = key if isinstance(key, RSAKey) else None
        return self._state.keys.sign(claims, key=chosen, header=header)

    @property
    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set as it is published now."""
        return self._state.keys.published()

    def rotate_keys(self, *, withdraw_old: bool = False) -> None:
        """Sign with a new key; the old ones stay published unless withdrawn."""
        self._state.keys.rotate(withdraw_old=withdraw_old)

    def withdraw_old_keys(self) -> None:
        """Publish only the key that signs now."""
        self._state.keys.withdraw_old()

    # Faults and the request log

    def fail(
        self,
        endpoint: str,
        *,
        times: int | None = 1,
        status: int | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        delay: float = 0,
        hang: bool = False,
        reset: Reset | None = None,
        content_type: str | None = None,
        grant_type: str | None = None,
    ) -> Fault:
        """Order a fault and return it; `Fault` says what each argument does.

        The endpoints are ``authorize``, ``logout``, ``authenticate``, ``jwks``, ``users``,
        ``sessions``, ``revoke``, ``memberships``, ``api_keys``, ``magic_auth`` and
        ``email_verification``; ``"*"`` is all of them.

        Raises:
            ValueError: There is no such endpoint, or an argument makes no sense.
        """
        self._check_endpoint(endpoint)
        fault = Fault(
            endpoint=endpoint,
            times=times,
            status=status,
            body=body,
            headers=dict(headers or {}),
            delay=delay,
            hang=hang,
            reset=reset,
            content_type=content_type,
            grant_type=grant_type,
        )
        self._state.faults.add(fault)
        return fault

    def clear_faults(self, *faults: Fault) -> None:
        """Cancel these faults, or all, and let go of the requests that wait in one."""
        self._state.faults.clear(*faults)

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests since the last `reset`, the oldest first."""
        return self._state.journal.records()

    def count(self, endpoint: str = "*", **match: Any) -> int:
        """Count requests: ``count("authenticate", grant_type="refresh_token", status=200)``.

        The endpoints are those of `fail`.

        Raises:
            ValueError: There is no such endpoint.
            TypeError: A `RequestRecord` has no such field.
        """
        self._check_endpoint(endpoint)
        return self._state.journal.count(None if endpoint == "*" else endpoint, **match)

    def _check_endpoint(self, endpoint: str) -> None:
        names = self._application.endpoint_names
        if endpoint != "*" and endpoint not in names:
            raise ValueError(f"no endpoint {endpoint!r}: choose from *, {', '.join(sorted(names))}")

    def _authentication(
        self,
        user: UserReference,
        organization: OrganizationReference | None,
        impersonator: ImpersonatorReference | None,
        auth_age: float = 0,
    ) -> Authentication:
        user_id = self._state.directory.users[identifier(user)].id
        default = self._state.directory.default_organization(user_id)
        if impersonator is not None and not isinstance(impersonator, Impersonator):
            email, reason = impersonator["email"], impersonator.get("reason")
            impersonator = Impersonator(email=str(email), reason=reason)
        return Authentication(
            user_id=user_id,
            organization_id=default if organization is None else identifier(organization),
            auth_time=self._state.clock() - auth_age,
            impersonator=impersonator,
        )
