"""What of a session goes into its cookie: the fields chosen, as the application changes them."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import anyio

from authkit_asgi.auth import FrozenDict, SignedIn, SignedOut
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError, SealError
from authkit_asgi.log_events import named_logger
from authkit_asgi.seal import seal
from authkit_asgi.session import (
    MAX_KEPT_LENGTH,
    USER_FIELDS,
    Session,
    read_session,
    seal_session,
    session_content,
    unseal_session,
)

logger: logging.Logger = named_logger(__name__)

SessionTransform: TypeAlias = Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]
"""Called with the JSON of a session (``accessToken``, ``refreshToken``, ``user``, perhaps
``impersonator`` and ``authenticationMethod``), a copy to change; returns what is to be sealed.

It runs for each cookie that a sign-in, a refresh or a switch of organization makes, beside the
requests that wait for it or in one of them, and has 2 s where it is async. The tokens, the user's
`id` and an `email` have to stay. If one of them does not, or the function raises, that is logged as
an error and the session sealed without it.
"""

_TRANSFORM_SECONDS = 2  # so that a function that hangs holds up no refresh for good
_ALWAYS_KEPT = ("id", "email")  # without them no kit takes it for a session

_AuthT = TypeVar("_AuthT", SignedIn, SignedIn | SignedOut)


class _PassedOverError(Exception):
    """What a transform has returned cannot be sealed in the session's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSession:
    """A session as its cookie holds it."""

    session: Session
    """What the requests to come will read."""
    sealed: str = field(repr=False)

    def seen_in(self, auth: _AuthT) -> _AuthT:
        """Return `auth` as the requests to come will see it."""
        if isinstance(auth, SignedOut):
            return auth
        return replace(
            auth,
            user=self.session.user,
            impersonator=self.session.impersonator,
            authentication_method=self.session.authentication_method,
        )


class SessionContents:
    """Makes of sessions what their cookies hold.

    Args:
        config: The settings; `session_user_fields` says what of the user is kept.
        transform: The application's own function; it comes after that.
    """

    def __init__(self, config: AuthKitConfig, transform: SessionTransform | None = None) -> None:
        self._password = config.cookie_password
        self._transform = transform
        self._kept: frozenset[str] | None = None
        if config.session_user_fields is not None:
            chosen = {*_ALWAYS_KEPT, *config.session_user_fields}
            self._kept = frozenset(sealed for api, sealed in USER_FIELDS if api in chosen)

    def keep(self, session: Session) -> Session:
        """Return the session with those fields of its user that are to be kept."""
        kept = self._kept
        if kept is None or kept >= session.user_json.keys():
            return session
        user = {name: value for name, value in session.user_json.items() if name in kept}
        return replace(session, user_json=FrozenDict(user))

    async def seal(self, session: Session, sealed: str | None = None) -> SealedSession:
        """Return what a session's cookie holds.

        Args:
            session: As WorkOS answered it.
            sealed: The same session sealed already, for where nothing is to change.

        Raises:
            SessionTooLargeError: It would be longer than any seal that is read.
        """
        kept = self.keep(session)
        if self._transform is not None:
            try:
                return await self._transformed(self._transform, kept)
            except _PassedOverError as problem:
                logger.error("session_transform is passed over: %s", problem)  # noqa: TRY400  # whose traceback could hold a token
        if sealed is None or kept is not session:
            sealed = seal_session(kept, self._password)
        return SealedSession(session=kept, sealed=sealed)

    async def reseal(self, sealed: str) -> str:
        """Return the cookie of a session that was sealed as WorkOS answered it."""
        if self._transform is None and self._kept is None:
            return sealed
        try:
            session = unseal_session(sealed, self._password, max_length=MAX_KEPT_LENGTH)
        except InvalidSessionError:
            return sealed  # under another worker's password: whole, but not lost
        return (await self.seal(session, sealed)).sealed

    async def _transformed(self, transform: SessionTransform, session: Session) -> SealedSession:
        before = json.loads(json.dumps(session_content(session)))
        after = await _call(transform, json.loads(json.dumps(before)))
        if not isinstance(after, dict):
            raise _PassedOverError("it returned no dict")
        try:
            after = json.loads(json.dumps(after, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            raise _PassedOverError("it returned what no JSON can express") from None
        _check(before, after)
        try:
            sealed = seal(after, self._password)
        except SealError:
            raise _PassedOverError("it returned more than a seal can hold") from None
        return SealedSession(session=read_session(after), sealed=sealed)


async def _call(transform: SessionTransform, content: dict[str, Any]) -> Any:
    try:
        with anyio.fail_after(_TRANSFORM_SECONDS):
            result = transform(content)
            return await result if inspect.isawaitable(result) else result
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        raise  # the process ends, or the event loop
    except BaseException as error:  # a fault in it must not sign anybody out
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            raise
        raise _PassedOverError(f"it raised {type(error).__qualname__}") from None


def _is_cancelled() -> bool:
    """Tell whether somebody has cancelled the running task; else it was one it has waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _check(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """See that nothing is gone without which there is no session."""
    user = after.get("user")
    fields = user if isinstance(user, dict) else {}
    email = fields.get("email")
    kept = {
        "accessToken": after.get("accessToken") == before["accessToken"],
        "refreshToken": after.get("refreshToken") == before["refreshToken"],
        "user": isinstance(user, dict),
        "user.id": fields.get("id") == before["user"]["id"],
        "user.email": isinstance(email, str) and email != "",
    }
    for name, is_kept in kept.items():
        if not is_kept:
            raise _PassedOverError(f"it dropped or changed {name}")
