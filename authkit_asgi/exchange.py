"""The exchange of a refresh token: what is asked of WorkOS, how often, and what is made of it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.lowlevel

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.auth import Auth
from authkit_asgi.authentication import authenticate
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import (
    ConnectionLostError,
    ExpiredTokenError,
    GrantRejectedError,
    InvalidSessionError,
    InvalidTokenError,
    KeysUnavailableError,
    RateLimitedError,
    SessionTooLargeError,
    UnacceptableClaimsError,
    UnavailableError,
    UnknownKeyError,
    UntrustedResponseError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.expired_arrivals import ExpiredArrivals
from authkit_asgi.hooks import RefreshHooks
from authkit_asgi.log_events import named_logger
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.pause import Pause
from authkit_asgi.reasons import signed_out_by
from authkit_asgi.refresh import Successor
from authkit_asgi.session import (
    MAX_KEPT_LENGTH,
    Session,
    seal_session,
    session_from_answer,
    session_id,
    session_organization,
    unseal_session,
)
from authkit_asgi.session_contents import SessionContents
from authkit_asgi.stored_sessions import StoredSessions
from authkit_asgi.tokens import AccessTokenVerifier, unverified_claims

logger: logging.Logger = named_logger(__name__)

_WINNER_SECONDS = (0, 0.05, 0.1, 0.2)  # between looks for who was first


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTools:
    """What all exchanges of a service have in common."""

    config: AuthKitConfig
    api: WorkOSAPI
    verifier: AccessTokenVerifier
    contents: SessionContents
    stored: StoredSessions | None
    hooks: RefreshHooks
    clock: Callable[[], float]
    pause: Pause
    expired_arrivals: ExpiredArrivals


class SessionExchange:
    """The exchange of one session's refresh token; see `authkit_asgi.refresh.Exchange`."""

    def __init__(self, tools: ExchangeTools, session: Session, organization_id: str | None) -> None:
        self._tools = tools
        self._session = session
        self.organization_id = organization_id
        self.session_id: str | None = session_id(session)
        self._fresh: tuple[Outcome, Session] | None = None
        self._who = (self.session_id, session.user_id)

    async def perform(self) -> Outcome:
        """Ask WorkOS and seal what it answers; called at most once for all who wait."""
        tools = self._tools
        tools.pause.check()
        tools.expired_arrivals.check(refresh_key(self._session.refresh_token))
        try:
            return await self._replaced() or self._granted(await self._ask())
        except GrantRejectedError as error:
            if (winner := await self._winner()) is not None:
                return winner
            tools.pause.end()
            logger.info("Denied: refresh of session %r of user %r (%s)", *self._who, error.reason)
            tools.hooks.tell_error(error)
            return self._outcome(refusal=error.reason)
        except UnavailableError as error:
            self._failed(error)
            raise

    async def _replaced(self) -> Outcome | None:
        """Return what another worker has put into the session's place in the store, if it has.

        While the store takes no writes nothing is exchanged: what came of it could be kept nowhere,
        and the other workers would send the spent token.

        Raises:
            GrantRejectedError: The session has been ended.
            StoreUnavailableError: The store takes no writes.
        """
        if self._tools.stored is None:
            return None
        self._session, found = await self._tools.stored.reserve(self._session)
        return None if found is None else self._outcome_of(found)

    async def _winner(self) -> Outcome | None:
        """Return what another worker has put into the session's place while this one was refused.

        Workers that nothing coordinates send one token at the same time, and one of them is first.
        """
        if self._tools.stored is None or self._session.stored is None:
            return None
        for seconds in _WINNER_SECONDS:
            await anyio.sleep(seconds)
            with contextlib.suppress(GrantRejectedError, UnavailableError):
                self._session, found = await self._tools.stored.reserve(self._session)
                if found is not None:
                    return self._outcome_of(found)
        return None

    def _outcome_of(self, found: Session) -> Outcome:
        return replace(
            self._outcome(
                sealed=seal_session(found, self._tools.config.cookie_password),
                successor_key=refresh_key(found.refresh_token),
            ),
            organization_id=session_organization(found),
        )

    async def _ask(self) -> dict[str, Any]:
        """Exchange the token: once more where it is not known what became of it, or after a wait.

        The second try after a lost connection is the one case in which WorkOS may see a refresh
        token twice.
        """
        deadline = anyio.current_time() + self._tools.config.refresh_timeout
        may_repeat = may_wait = True
        while True:
            try:
                with anyio.fail_after(deadline - anyio.current_time()):
                    return await self._tools.api.exchange_refresh_token(
                        self._session.refresh_token or "", self.organization_id
                    )
            except TimeoutError:
                raise WorkOSUnavailableError("WorkOS did not answer in time") from None
            except ConnectionLostError:
                if not may_repeat:
                    raise
                may_repeat = False
            except RateLimitedError as error:
                if not may_wait or anyio.current_time() + error.retry_after >= deadline:
                    raise
                may_wait = False
                await anyio.sleep(error.retry_after)

    def _granted(self, answer: Mapping[str, Any]) -> Outcome:
        try:
            successor = session_from_answer(answer, self._session)
        except UntrustedResponseError as error:
            raise WorkOSUnavailableError(f"WorkOS's answer cannot be used: {error}") from None
        try:
            self._check_user(successor)
            successor = self._tools.contents.keep(successor)
            sealed = seal_session(successor, self._tools.config.cookie_password)
        except UntrustedResponseError as error:
            raise _unusable(error) from None
        except SessionTooLargeError as error:
            # The token is spent, and what came of it can be kept nowhere.
            raise GrantRejectedError(error.code) from None
        except ValueError:  # JSON that no JSON may hold, such as NaN
            raise UnavailableError("WorkOS's answer cannot be sealed") from None
        outcome = self._outcome(sealed=sealed, successor_key=refresh_key(successor.refresh_token))
        self._fresh = outcome, successor
        return outcome

    def _outcome(self, **result: Any) -> Outcome:
        now = self._tools.clock()
        return Outcome(
            organization_id=self.organization_id, session_id=self.session_id, at=now, **result
        )

    def open(self, outcome: Outcome) -> Session:
        """Return the session of an outcome.

        Raises:
            UnavailableError: It cannot be read, or is another user's.
        """
        try:
            successor = unseal_session(
                outcome.sealed or "",
                self._tools.config.cookie_password,
                max_length=MAX_KEPT_LENGTH,
            )
            self._check_user(successor)
        except (InvalidSessionError, UntrustedResponseError) as error:
            raise _unusable(error) from None
        return successor

    async def accept(self, outcome: Outcome) -> Successor:
        """Verify the successor; whether here or elsewhere, the old token is spent by now.

        Raises:
            InvalidTokenError: It was remembered, and has to be exchanged itself by now.
            UnavailableError: It is not to be used.
        """
        # Not another worker's, which may have taken its place.
        if self._fresh is not None and self._fresh[0] is outcome:
            return await self._accept_fresh(self._fresh[1], outcome)
        successor = self.open(outcome)
        try:
            auth = await self._verified(successor)
        except (UnacceptableClaimsError, InvalidSessionError) as error:
            raise _unusable(error) from None
        return await self._succeed(successor, outcome, auth)

    async def _accept_fresh(self, successor: Session, outcome: Outcome) -> Successor:
        tools = self._tools
        try:
            auth = await self._verified(successor)
        except ExpiredTokenError:
            # Authentic and of this user, so the clock is wrong: this machine's, in all likelihood.
            tools.pause.end()
            late = tools.expired_arrivals.note(refresh_key(successor.refresh_token))
            return await self._succeed(successor, outcome, signed_out_by(self._failed(late)))
        except (InvalidTokenError, InvalidSessionError) as error:
            raise self._failed(_unusable(error)) from None
        tools.pause.end()
        logger.info("Refreshed session %r of user %r", *self._who)
        accepted = await self._succeed(successor, outcome, auth)
        if accepted.auth.user is not None:
            tools.hooks.tell_success(accepted.auth)
        return accepted

    async def _succeed(self, successor: Session, outcome: Outcome, auth: Auth) -> Successor:
        """Return what goes into the cookie; what is remembered stays as it was answered."""
        kept = await self._tools.contents.seal(successor, outcome.sealed)
        session, cookie = kept.session, None
        if (stored := self._tools.stored) is not None:
            session, cookie = await stored.save(self._session, session)
        return Successor(session=session, sealed=cookie or kept.sealed, auth=kept.seen_in(auth))

    def _failed(self, error: UnavailableError) -> UnavailableError:
        """Note a failure that is not the user's, and return it."""
        logger.warning(
            "Unavailable: refresh of session %r of user %r (%s): %s", *self._who, error.code, error
        )
        self._tools.hooks.tell_error(error)
        # A switch goes where the user says, and an answer may be unusable for one user alone: such
        # failures must not keep others waiting.
        is_outage = isinstance(error, WorkOSUnavailableError | WorkOSMisconfiguredError)
        if is_outage and self.organization_id == session_organization(self._session):
            self._tools.pause.note_failure()
        return error

    async def _verified(self, successor: Session) -> Auth:
        # The successor must reach the browser although it cannot be verified yet: the keys are
        # out of reach, or a new one is in use before it is published.
        try:
            return await authenticate(successor, self._tools.verifier)
        except KeysUnavailableError as error:
            return signed_out_by(error)
        except UnknownKeyError:
            return signed_out_by(KeysUnavailableError("A signing key is not published yet"))
        except ExpiredTokenError:
            late = self._tools.expired_arrivals.find(refresh_key(successor.refresh_token))
            if late is None:
                raise
            return signed_out_by(late)

    def _check_user(self, successor: Session) -> None:
        token_of = unverified_claims(successor.access_token).get("sub", successor.user_id)
        if not self._session.user_id == successor.user_id == token_of:
            raise UntrustedResponseError("WorkOS answered with another user's session")


def _unusable(error: Exception) -> UnavailableError:
    return UnavailableError(f"WorkOS's answer cannot be used: {error}")
