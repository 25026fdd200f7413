"""Sessions, their refresh tokens, and the answers that carry both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authkit_asgi.testing.directory import Directory, EmulatedUser
from authkit_asgi.testing.identifiers import new_identifier, timestamp
from authkit_asgi.testing.refusal import invalid_grant
from authkit_asgi.testing.settings import Settings
from authkit_asgi.testing.signing import SigningKeys
from authkit_asgi.testing.webhooks import Webhooks

_SESSION_LIFETIME_SECONDS = 365 * 24 * 3600

# The words of the session list for the words of the authentication answer.
_LISTED_METHODS = {
    "CrossAppAuth": "cross_app_auth",
    "ExternalAuth": "external_auth",
    "Impersonation": "impersonation",
    "MagicAuth": "magic_code",
    "MigratedSession": "migrated_session",
    "Passkey": "passkey",
    "Password": "password",
    "SSO": "sso",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonator:
    """Who signs in as somebody else, and why."""

    email: str
    reason: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the WorkOS impersonator object."""
        return {"email": self.email, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What a sign-in has established; a session is made from it."""

    user_id: str
    organization_id: str | None
    auth_time: float
    method: str | None = None
    """In the words of the authentication answer; the user's usual one when ``None``."""
    impersonator: Impersonator | None = None
    browser_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(slots=True, kw_only=True)
class Session:
    """One session; a refresh changes the organization and may change the id."""

    id: str
    authentication: Authentication
    organization_id: str | None
    method: str
    created_at: float
    updated_at: float
    ended_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the WorkOS Session object."""
        impersonator = self.authentication.impersonator
        listed = _LISTED_METHODS.get(self.method, "oauth")
        body: dict[str, Any] = {
            "object": "session",
            "id": self.id,
            "user_id": self.authentication.user_id,
            "organization_id": self.organization_id,
            "ip_address": self.authentication.ip_address,
            "user_agent": self.authentication.user_agent,
            "auth_method": listed,
            "status": "active" if self.ended_at is None else "revoked",
            "expires_at": timestamp(self.created_at + _SESSION_LIFETIME_SECONDS),
            "ended_at": None if self.ended_at is None else timestamp(self.ended_at),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.updated_at),
        }
        if impersonator is not None:
            body["impersonator"] = impersonator.as_json()
        return body


@dataclass(slots=True)
class _RefreshToken:
    """A refresh token; once used, when, for which organization, and what was answered."""

    session: Session
    used_at: float | None = None
    asked_organization_id: str | None = None
    answer: dict[str, Any] | None = None


class Sessions:
    """All sessions and every refresh token ever given out."""

    def __init__(
        self,
        *,
        settings: Settings,
        directory: Directory,
        keys: SigningKeys,
        clock: Callable[[], float],
        webhooks: Webhooks,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._keys = keys
        self._clock = clock
        self._webhooks = webhooks
        self._sessions: list[Session] = []
        self._refresh_tokens: dict[str, _RefreshToken] = {}

    def clear(self) -> None:
        """Forget all sessions and refresh tokens."""
        self._sessions.clear()
        self._refresh_tokens.clear()

    def begin(
        self, authentication: Authentication, *, lifetime: float | None = None
    ) -> dict[str, Any]:
        """Start a session and return the answer of ``authenticate``.

        `lifetime` is that of this one access token in seconds; negative makes an expired one.
        """
        now = self._clock()
        user = self._user(authentication.user_id)
        if authentication.organization_id is not None:
            self._directory.check_member(user.id, authentication.organization_id)
        impersonated = authentication.impersonator is not None
        session = Session(
            id=new_identifier("session"),
            authentication=authentication,
            organization_id=authentication.organization_id,
            method="Impersonation"
            if impersonated
            else authentication.method or user.authentication_method,
            created_at=now,
            updated_at=now,
        )
        self._sessions.append(session)
        user = self._directory.update_user(user.id, last_sign_in_at=now)
        answer = self._answer(session, user, lifetime)
        if user.oauth_tokens is not None:
            answer["oauth_tokens"] = dict(user.oauth_tokens)
        return answer

    def refresh(self, token: str, organization_id: str | None = None) -> dict[str, Any]:
        """Exchange a refresh token; naming another organization switches to it.

        A switch that is refused does not use up the token. Raises `Refusal`.
        """
        record = self._refresh_tokens.get(token)
        if record is None:
            raise invalid_grant("The refresh token is not known.")
        session = record.session
        if session.ended_at is not None:
            raise invalid_grant("The session has already ended.")
        if record.used_at is not None:
            return self._replay(record, record.used_at, organization_id)
        user = self._user(session.authentication.user_id)
        target = organization_id or session.organization_id
        if target is not None:
            self._directory.check_member(user.id, target)
            if target != session.organization_id:
                self._directory.check_switch(user, target)
        session.organization_id = target
        session.updated_at = record.used_at = self._clock()
        if self._settings.rotate_session_id:
            session.id = new_identifier("session")
        answer = self._answer(session, user, None)
        if self._settings.omit_method_on_refresh:
            del answer["authentication_method"]
        record.asked_organization_id = organization_id
        record.answer = answer
        return answer

    def end(self, session_id: str) -> Session | None:
        """End a session; return it, or ``None`` if it is unknown or has ended already."""
        for session in self._sessions:
            if session.id == session_id and session.ended_at is None:
                session.ended_at = self._clock()
                self._webhooks.send("session.revoked", session.as_json())
                return session
        return None

    def active_of(self, user_id: str) -> tuple[Session, ...]:
        """Return a user's sessions that have not ended, the newest first."""
        return tuple(
            session
            for session in reversed(self._sessions)
            if session.authentication.user_id == user_id and session.ended_at is None
        )

    def _user(self, user_id: str) -> EmulatedUser:
        user = self._directory.users.get(user_id)
        if user is None:
            raise invalid_grant("The user does not exist any more.")
        return user

    def _replay(
        self, record: _RefreshToken, used_at: float, organization_id: str | None
    ) -> dict[str, Any]:
        window = self._settings.replay_window
        same_question = organization_id == record.asked_organization_id
        if record.answer is not None and same_question and self._clock() - used_at < window:
            return record.answer
        if self._settings.reuse_revokes_session:
            record.session.ended_at = self._clock()
        raise invalid_grant("The refresh token has already been used.")

    def _answer(
        self, session: Session, user: EmulatedUser, lifetime: float | None
    ) -> dict[str, Any]:
        refresh_token = new_identifier("ref")
        self._refresh_tokens[refresh_token] = _RefreshToken(session)
        answer: dict[str, Any] = {
            "user": user.as_json(),
            "organization_id": session.organization_id,
            "access_token": self._keys.sign(self._claims(session, user, lifetime)),
            "refresh_token": refresh_token,
            "authentication_method": session.method,
        }
        impersonator = session.authentication.impersonator
        if impersonator is not None:
            answer["impersonator"] = impersonator.as_json()
        return answer

    def _claims(
        self, session: Session, user: EmulatedUser, lifetime: float | None
    ) -> dict[str, Any]:
        usual = self._settings.access_token_lifetime
        seconds = usual if lifetime is None else lifetime
        expires = int(self._clock() + seconds)
        # A token that is born expired was issued in the past, not after its end.
        issued = int(self._clock()) if seconds > 0 else expires - max(1, int(usual))
        claims = {
            **user.claims,
            "iss": self._settings.issuer,
            "sub": user.id,
            "sid": session.id,
            "jti": new_identifier("jti"),
            "client_id": self._settings.client_id,
            "auth_time": min(int(session.authentication.auth_time), issued),
            "iat": issued,
            "exp": expires,
        }
        if session.organization_id is not None:
            membership = self._directory.membership(user.id, session.organization_id)
            claims |= {} if membership is None else membership.as_claims()
        impersonator = session.authentication.impersonator
        if impersonator is not None:
            claims["act"] = {"sub": impersonator.email}
        return claims
