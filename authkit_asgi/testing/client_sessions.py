"""Sessions put straight into a test's client: sealed, signed, and known to the emulator.

The token is signed by the emulator, which shares no code with the package. The cookie is the
package's own work on purpose: it has to be the one that the application under test would write,
with its names, attributes, chunks and passwords.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter, SetCookie
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.session import (
    Session,
    seal_session,
    session_from_answer,
    session_id,
    unseal_session,
)
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.session_cookies import SentCookies, SessionCookies, sent_cookies
from authkit_asgi.testing.client_cookies import (
    Client,
    ClientCookies,
    client_cookies,
    playwright_cookies,
)
from authkit_asgi.testing.directory import EmulatedUser
from authkit_asgi.testing.emulator import ImpersonatorReference, WorkOSEmulator
from authkit_asgi.testing.people import OrganizationReference, UserReference
from authkit_asgi.testing.tested_settings import tested_settings
from authkit_asgi.tokens import unverified_claims

_DEFAULT_USER = "ada@example.com"
_PAST_SECONDS = 120  # twice the highest `jwt_leeway`


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedSession:
    """A session that `sign_in` has begun."""

    user: EmulatedUser
    session_id: str
    organization_id: str | None
    expires_at: float
    """When the access token expires, in seconds since the epoch."""
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    cookie_header: str = field(repr=False)
    """The Cookie header of requests in this session, for clients that have no jar."""
    _lines: tuple[SetCookie, ...] = field(repr=False)
    _origin: str = field(repr=False)

    def playwright_cookies(self) -> list[Any]:
        """Return the cookies as `BrowserContext.add_cookies` of Playwright takes them."""
        return [one for one in playwright_cookies(self._lines, self._origin) if one["expires"]]


class SignIn:
    """The fixture `sign_in`.

    Args:
        emulator: Where the session is.
        variables: The environment that leads to it.
    """

    def __init__(self, emulator: WorkOSEmulator, variables: dict[str, str]) -> None:
        self._emulator = emulator
        self._variables = variables

    def __call__(
        self,
        client: Client | None = None,
        user: UserReference = _DEFAULT_USER,
        *,
        organization: OrganizationReference | None = None,
        role: str | None = None,
        permissions: Sequence[str] | None = None,
        feature_flags: Sequence[str] | None = None,
        entitlements: Sequence[str] | None = None,
        impersonator: ImpersonatorReference | str | None = None,
        expires_in: float | None = None,
        auth_age: float = 0,
    ) -> EmulatedSession:
        """Sign a client in, in place of whoever was before, without a request.

        The emulator knows the session and what the user may do, so that a refresh or a switch of
        organization brings the same.

        Args:
            client: Starlette's `TestClient`, a client of httpx or requests, a context or a page of
                Playwright's synchronous API; `None` only begins the session.
            user: A user of the emulator, the id of one, or an email address. Who is not there is
                added.
            organization: An organization or its id, likewise. `None` is the user's first, or a new
                one where a role, permissions, flags or entitlements need one.
            role: The user's role there.
            permissions: What the role allows.
            feature_flags: The flags that are on.
            entitlements: What the organization has paid for.
            impersonator: Who really acts, as an address or as ``{"email": …, "reason": …}``.
            expires_in: Seconds the access token lives; negative for an expired one, which the next
                request refreshes. The emulator's setting when `None`.
            auth_age: Seconds since the user has proven who they are, for `require_recent_auth`.

        Raises:
            ConfigurationError: The application's settings are faulty, or not the emulator's.
            SessionTooLargeError: Browsers would not store the cookies.
            TypeError: This client's cookies cannot be written.
            ValueError: The client would not send the cookies back to its base URL.
        """
        config = tested_settings(client, self._variables)
        emulator = self._emulator
        if config.issuers and emulator.issuer not in config.issuers:
            emulator.configure(issuer=config.issuers[0])
        found, place = emulator.enroll(
            user,
            organization,
            role=role,
            permissions=permissions,
            feature_flags=feature_flags,
            entitlements=entitlements,
        )
        actor = {"email": impersonator} if isinstance(impersonator, str) else impersonator
        answer = emulator.sign_in(found, place, actor, expires_in, auth_age=auth_age)
        session = session_from_answer(answer)
        cookies = client_cookies(client, config.origin)
        lines = _put(session, config, cookies)
        return EmulatedSession(
            user=emulator.user(found),
            session_id=session_id(session) or "",
            organization_id=place,
            expires_at=unverified_claims(session.access_token)["exp"],
            access_token=session.access_token,
            refresh_token=answer["refresh_token"],
            cookie_header=cookies.header(),
            _lines=tuple(lines),
            _origin=config.origin,
        )


class ExpireSession:
    """The fixture `expire_session`; its arguments are those of `SignIn`."""

    def __init__(self, emulator: WorkOSEmulator, variables: dict[str, str]) -> None:
        self._emulator = emulator
        self._variables = variables

    def __call__(self, client: Client) -> None:
        """Make the access token in a client's session cookie one that has expired.

        The next request refreshes it, as after minutes of pause. The session may come from
        `sign_in` or from the sign-in page.

        Raises:
            ConfigurationError: The application's settings are faulty, or not the emulator's.
            ValueError: There is no session in the client's cookies. Where the application keeps
                sessions in a store, ``sign_in(client, expires_in=-120)`` does the same.
        """
        config = tested_settings(client, self._variables)
        cookies = client_cookies(client, config.origin)
        session = _found(cookies, config)
        claims = dict(unverified_claims(session.access_token))
        life = claims["exp"] - claims["iat"]
        until = min(claims["exp"], time.time() - _PAST_SECONDS)
        expired = {**claims, "exp": int(until), "iat": int(until - life)}
        token = self._emulator.mint_access_token(expired)
        _put(replace(session, access_token=token), config, cookies)


def _put(session: Session, config: AuthKitConfig, cookies: ClientCookies) -> list[SetCookie]:
    """Give a client the cookies of a session, as the application's answer would."""
    changes = SessionCookies(CookieWriter(config), _sent(cookies, config))
    sealed = seal_session(SessionContents(config).keep(session), config.cookie_password)
    changes.store(sealed)
    lines = changes.close()
    cookies.receive(lines)
    if sealed not in _sent(cookies, config).values:
        raise ValueError(
            "The client would not send the session cookie back: its base URL does not fit "
            f"redirect_uri, which is at {config.origin}, or cookie_domain. Give it "
            f'base_url="{config.origin}", or the fixture authkit_redirect_uri another value'
        )
    return lines


def _found(cookies: ClientCookies, config: AuthKitConfig) -> Session:
    for value in _sent(cookies, config).values:
        try:
            return unseal_session(value, config.cookie_password)
        except InvalidSessionError:
            continue
    raise ValueError(
        "There is no session in the client's cookies. Sign in first; and where sessions are kept "
        "in a store, use sign_in(client, expires_in=-120)"
    )


def _sent(cookies: ClientCookies, config: AuthKitConfig) -> SentCookies:
    header = cookies.header().encode("latin-1")
    return sent_cookies([(b"cookie", header)], config.cookie_name.encode())
