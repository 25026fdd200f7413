"""The part of `AuthSession` with which users look after their sessions on other devices."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from authkit_asgi.active_sessions import ActiveSession
from authkit_asgi.auth import SignedIn
from authkit_asgi.denials import DenialError, ForbiddenError, TemporarilyUnavailableError
from authkit_asgi.errors import InvalidSessionError, UnavailableError, UserNotFoundError
from authkit_asgi.loading import Loaded
from authkit_asgi.other_sessions import OtherSessions
from authkit_asgi.response_cookies import ResponseCookies
from authkit_asgi.service import AuthKit


class SessionNotFoundError(DenialError):
    """The user has no such session, or no longer; perhaps somebody else has. Becomes 404."""

    code = "session_not_found"
    title = "There is no such session"

    def __init__(self) -> None:
        detail = "You have no such session, or it has ended already"
        super().__init__(404, detail, {"Cache-Control": "no-store"})

    def login_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return `None`: signing in changes nothing about it."""
        return None


class SessionsUnavailableError(TemporarilyUnavailableError, UnavailableError):
    """Sessions cannot be listed or ended now. Becomes 503.

    `revoked` are the ids of those that have been ended before it failed, `remaining` of those that
    may not have been: call again.
    """

    code = "sessions_unavailable"
    title = "This is not possible at the moment"

    def __init__(
        self, retry_after: int, *, revoked: Collection[str] = (), remaining: Collection[str] = ()
    ) -> None:
        super().__init__(retry_after)
        self.detail: str = f"Sessions cannot be listed or ended now: try again in {retry_after} s"
        self.retry_after = retry_after
        self.revoked: tuple[str, ...] = tuple(revoked)
        self.remaining: tuple[str, ...] = tuple(remaining)

    def problem(self) -> dict[str, Any]:
        """Return what has been done, and what may not have been."""
        return {"revoked": list(self.revoked), "remaining": list(self.remaining)}

    def login_url(self, scope: Scope) -> str | None:  # noqa: ARG002
        """Return `None`: whoever asks is signed in."""
        return None


class SessionManagement(ResponseCookies):
    """Lists and ends the sessions of whoever is signed in.

    All that these methods raise but `InvalidSessionError` and `ResponseStartedError` becomes a
    response by itself, as what guards raise does.
    """

    __slots__ = ()
    _loaded: Loaded

    @property
    def service(self) -> AuthKit:
        """The service behind the middleware."""
        return self._authkit

    async def list_sessions(self) -> tuple[ActiveSession, ...]:
        """Return the user's sessions on all devices, as WorkOS lists them, 1,000 at most.

        None, where the user has been deleted meanwhile.

        Raises:
            InvalidSessionError: Nobody is signed in.
            SessionsUnavailableError: WorkOS cannot be asked, or its answer is not to be used (503).
        """
        return await self._list(self._signed_in())

    async def revoke_session(self, session_id: str) -> None:
        """End one of the user's sessions: at WorkOS, and here at once, for all workers.

        The session that asks may be the one; it is signed out of then, as by `sign_out`, but for
        the browser's own sign-in at WorkOS, which only the address that that returns ends.

        Raises:
            InvalidSessionError: Nobody is signed in.
            SessionNotFoundError: The user has no session of this id (404).
            ForbiddenError: An impersonator may only end the session that asks (403).
            SessionsUnavailableError: WorkOS or the session store cannot be asked (503); the session
                may have ended or not.
            ResponseStartedError: It is the session that asks, and the response's headers have been
                sent.
        """
        auth = self._signed_in()
        is_current = session_id == auth.session_id
        if is_current:
            self._cookies.require_open()
        elif auth.impersonator is not None:
            raise self._forbidden()
        # WorkOS would end anybody's.
        if session_id not in {each.id for each in await self._list(auth)}:
            raise self._raised(SessionNotFoundError())
        await self._revoke(auth, session_id)
        if is_current:
            await self.sign_out()

    async def revoke_other_sessions(self) -> tuple[str, ...]:
        """End all of the user's sessions but the one that asks; return their ids.

        WorkOS is asked for its list again until there is no other on it.

        Raises:
            InvalidSessionError: Nobody is signed in.
            ForbiddenError: An impersonator may not (403).
            SessionsUnavailableError: WorkOS or the session store cannot be asked, or there are more
                than can be ended in 20 s (503); it says which have been ended, and, as far as
                WorkOS has listed them, which may not have been.
        """
        auth = self._signed_in()
        if auth.impersonator is not None:
            raise self._forbidden()
        others = OtherSessions(self._authkit, auth)
        try:
            await others.end()
        except UnavailableError as error:
            retry_after = error.retry_after
        else:
            return tuple(others.revoked)
        raise self._raised(
            SessionsUnavailableError(
                retry_after, revoked=others.revoked, remaining=others.remaining
            )
        )

    if TYPE_CHECKING:

        async def sign_out(self, return_to: str | None = None) -> str:
            """See `AuthSession.sign_out`."""
            ...

        def _raised(self, denial: DenialError) -> Exception: ...

    def _signed_in(self) -> SignedIn:
        auth = self._loaded.auth
        if auth.user is None:
            raise InvalidSessionError("Nobody is signed in")
        return auth

    def _forbidden(self) -> Exception:
        return self._raised(ForbiddenError("An impersonator may not end the user's sessions", {}))

    async def _list(self, auth: SignedIn) -> tuple[ActiveSession, ...]:
        try:
            return await self._authkit.list_sessions(auth.user.id, current=auth.session_id)
        except UserNotFoundError:
            return ()
        except UnavailableError as error:
            retry_after = error.retry_after
        raise self._raised(SessionsUnavailableError(retry_after))

    async def _revoke(self, auth: SignedIn, session_id: str) -> None:
        try:
            await self._authkit.revoke_at_workos(session_id, user_id=auth.user.id)
            await self._authkit.end_session(session_id, user_id=auth.user.id)
        except UnavailableError as error:
            retry_after = error.retry_after
        else:
            return
        raise self._raised(SessionsUnavailableError(retry_after, remaining=[session_id]))
