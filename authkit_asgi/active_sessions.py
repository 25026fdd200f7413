"""A user's sessions at WorkOS, on whatever device: listed and revoked through its API."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from authkit_asgi.api import USER_ID, WorkOSAPI
from authkit_asgi.api_errors import classify_look_up
from authkit_asgi.auth import Impersonator
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConnectionLostError, UserNotFoundError, WorkOSUnavailableError

_PAGE = 100  # the API gives no more at once
_MAX_PAGES = 10
MAX_LISTED = _PAGE * _MAX_PAGES
_OVER = frozenset({"expired", "revoked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSession:
    """One of a user's sessions at WorkOS. Times are ISO 8601 text, as WorkOS writes them."""

    id: str
    """As in `SignedIn.session_id`."""
    is_current: bool = False
    """Whether it is the one that asks."""
    user_agent: str | None = None
    """What the browser said of itself when it signed in; escape it before showing it."""
    ip_address: str | None = None
    auth_method: str | None = None
    """WorkOS's word, such as ``password`` or ``sso``."""
    organization_id: str | None = None
    impersonator: Impersonator | None = None
    status: str = "active"
    created_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None


class SessionList:
    """Asks WorkOS for sessions and ends them there.

    Args:
        config: The settings.
        api: Where WorkOS is asked.
    """

    def __init__(self, config: AuthKitConfig, api: WorkOSAPI) -> None:
        self._seconds = config.api_timeout
        self._api = api

    async def of_user(self, user_id: str, *, current: str | None) -> tuple[ActiveSession, ...]:
        """Return a user's sessions as WorkOS lists them, the first 1,000 at most.

        Raises:
            UserNotFoundError: WorkOS knows no user of this id.
            WorkOSUnavailableError: WorkOS cannot be asked, or its answer is not to be used.
        """
        if not USER_ID.fullmatch(user_id):  # WorkOS issues no such id; and it becomes a path
            raise UserNotFoundError
        found: dict[str, ActiveSession] = {}
        try:
            with anyio.fail_after(self._seconds):
                after: str | None = None
                for _ in range(_MAX_PAGES):
                    entries, after = await self._page(user_id, after)
                    for entry in entries:
                        if (session := _session(entry, user_id, current)) is not None:
                            found[session.id] = session
                    if after is None:
                        break
        except TimeoutError:
            raise WorkOSUnavailableError("WorkOS did not list the sessions in time") from None
        return tuple(found.values())

    async def _page(self, user_id: str, after: str | None) -> tuple[Sequence[Any], str | None]:
        params: dict[str, Any] = {"limit": _PAGE}
        if after is not None:
            params["after"] = after
        answer = await self._api.request(
            "get", "users", user_id, "sessions", params=params, classify=classify_look_up
        )
        match answer:
            case {"data": list() as entries, "list_metadata": {"after": str() as after}} if after:
                return entries, after
            case {"data": list() as entries}:
                return entries, None
        raise _unusable()

    async def revoke(self, session_id: str, *, user_id: str) -> None:
        """End a session at WorkOS, **whosever it is**; one that is over stays so.

        Raises:
            WorkOSUnavailableError: WorkOS cannot be asked; it may have ended the session or not.
        """
        try:
            answer = await self._revoke(session_id)
        except ConnectionLostError:
            answer = await self._revoke(session_id)  # nothing is spent by asking twice
        if isinstance(answer, dict):
            return
        # WorkOS may answer with nothing; so may, in its place, something that is not WorkOS.
        with contextlib.suppress(UserNotFoundError):  # who has been deleted has no session left
            left = await self.of_user(user_id, current=None)
            if session_id in {each.id for each in left}:
                raise WorkOSUnavailableError("WorkOS has not ended the session")

    async def _revoke(self, session_id: str) -> Any:
        with contextlib.suppress(UserNotFoundError):  # it is the session that is not found
            return await self._api.request(
                *("post", "sessions", "revoke"),
                body={"session_id": session_id},
                classify=classify_look_up,
            )
        return {}


def _session(entry: Any, user_id: str, current: str | None) -> ActiveSession | None:
    """Return a session of the list; `None` for one that is over."""
    if not isinstance(entry, dict):
        raise _unusable()
    session_id = _text(entry.get("id"))
    if not session_id or entry.get("user_id") != user_id:
        raise _unusable()
    status = _text(entry.get("status")) or "active"
    if status in _OVER:
        return None
    return ActiveSession(
        id=session_id,
        is_current=session_id == current,
        user_agent=_text(entry.get("user_agent")),
        ip_address=_text(entry.get("ip_address")),
        auth_method=_text(entry.get("auth_method")),
        organization_id=_text(entry.get("organization_id")),
        impersonator=_impersonator(entry.get("impersonator")),
        status=status,
        created_at=_text(entry.get("created_at")),
        updated_at=_text(entry.get("updated_at")),
        expires_at=_text(entry.get("expires_at")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _impersonator(value: Any) -> Impersonator | None:
    match value:
        case {"email": str() as email}:
            return Impersonator(email=email, reason=_text(value.get("reason")))
    return None


def _unusable() -> WorkOSUnavailableError:
    return WorkOSUnavailableError("WorkOS's list of sessions cannot be used")
