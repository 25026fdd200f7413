"""A user's sessions on all other devices, ended together."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from authkit_asgi.active_sessions import MAX_LISTED
from authkit_asgi.auth import SignedIn
from authkit_asgi.errors import UnavailableError, UserNotFoundError, WorkOSUnavailableError
from authkit_asgi.service import AuthKit

_AT_ONCE = 4  # calls; WorkOS limits how often it is asked
_SECONDS = 20  # in all; many a proxy gives an answer up after 30


class OtherSessions:
    """Ends them, a few at once, until WorkOS lists none but the one that asks.

    Args:
        authkit: The service.
        auth: Whose, and which of them asks.
    """

    def __init__(self, authkit: AuthKit, auth: SignedIn) -> None:
        self._authkit = authkit
        self._user_id = auth.user.id
        self._current = auth.session_id
        self._found: dict[str, None] = {}  # in WorkOS's order
        self._revoked: set[str] = set()
        self._remaining: dict[str, None] = {}
        self._failure: UnavailableError | None = None

    @property
    def revoked(self) -> Collection[str]:
        """The ids of those that have ended, the newest first, as WorkOS has listed them."""
        return [each for each in self._found if each in self._revoked]

    @property
    def remaining(self) -> Collection[str]:
        """The ids, as far as they are known, of those that may not have."""
        return self._remaining.keys()

    async def end(self) -> None:
        """End them all.

        Raises:
            UnavailableError: WorkOS or the session store cannot be asked, or 20 s were not enough;
                what has ended until then is `revoked`.
        """
        try:
            with anyio.fail_after(_SECONDS):
                while waiting := await self._find():
                    async with anyio.create_task_group() as tasks:
                        for _ in range(_AT_ONCE):
                            tasks.start_soon(self._work, waiting)
                    if self._failure is not None:
                        raise self._failure
        except TimeoutError:
            raise WorkOSUnavailableError("Not all sessions ended in time", retry_after=1) from None

    async def _find(self) -> list[str]:
        """Return the ids of those that WorkOS lists and that have not been ended here.

        It lists no more than the first 1,000, and may take a moment to leave out what has ended.
        """
        try:
            listed = await self._authkit.list_sessions(self._user_id, current=self._current)
        except UserNotFoundError:
            return []
        found = [each.id for each in listed if not each.is_current and each.id not in self._revoked]
        if not found and len(listed) >= MAX_LISTED:
            raise WorkOSUnavailableError("WorkOS still lists sessions that have ended")
        self._remaining = dict.fromkeys(found)
        self._found |= self._remaining
        return found[::-1]

    async def _work(self, waiting: list[str]) -> None:
        while waiting and self._failure is None:
            session_id = waiting.pop()
            try:
                await self._authkit.revoke_at_workos(session_id, user_id=self._user_id)
                await self._authkit.end_session(session_id, user_id=self._user_id)
            except UnavailableError as error:
                self._failure = error
            else:
                del self._remaining[session_id]
                self._revoked.add(session_id)
