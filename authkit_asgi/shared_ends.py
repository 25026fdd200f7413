"""Ends of sessions on their way to the other workers and from them, however late they come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable

from authkit_asgi.errors import SealError
from authkit_asgi.latest_ends import LatestEnds, SessionEnd
from authkit_asgi.redis_connection import RedisDownError, Subscription
from authkit_asgi.redis_outcomes import SIGNED_OUT, SUPERSEDED, RedisOutcomes
from authkit_asgi.redis_revocations import Notice, RevocationFeed
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.waiting import Waiting


class SharedEnds:
    """Tells the workers, those that ask before they refresh and those that listen.

    Args:
        shared: What they ask.
        feed: What they listen to.
        local: Notes what others tell.
        tell_later: Called where something waits to be told; has `tell_late` called until it is.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        shared: RedisOutcomes,
        feed: RevocationFeed,
        local: RefreshCoordinator,
        *,
        tell_later: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._shared = shared
        self._feed = feed
        self._local = local
        self._tell_later = tell_later
        self._latest = LatestEnds(clock)
        # Apart, so that sessions, which anybody can end by the dozen, push out no user.
        self._sessions: Waiting[str, SessionEnd | None] = Waiting()  # None: superseded
        self._users: Waiting[Hashable, UserRevocation] = Waiting()

    def __len__(self) -> int:
        return len(self._sessions) + len(self._users)

    def __contains__(self, subject: Hashable) -> bool:
        return subject in self._sessions or subject in self._users

    async def tell(self, session_id: str, how: str | None, *, is_news: bool = True) -> bool:
        """Tell how a session has ended, or with `None` that it has not; return whether by now.

        Without `is_news` nobody is known to have heard anything else of it.

        Raises:
            SealError: It cannot be told: the session's id is too long.
        """
        if how == SUPERSEDED:
            known = self._sessions.get(session_id)
            if known is not None and known.is_over:
                return False
            end = None
        else:
            end = self._latest.now(session_id, is_over=how == SIGNED_OUT)
            if is_news:
                self._latest.note(end)
        try:
            newer = await self._tell(session_id, end)
            if end is not None and newer is not None:
                # By the clock of another worker; but it is there already, and this is now.
                end = self._latest.now(session_id, is_over=end.is_over, after=newer.at)
                self._latest.note(end)
                await self._tell(session_id, end)
        except RedisDownError:
            self._tell_later()
            return False
        return True

    async def tell_revocation(self, revocation: UserRevocation) -> bool:
        """Tell that a user's sessions are over; return whether by now.

        Raises:
            SealError: It cannot be told: the user's id is too long.
        """
        subject = self._wait_for_user(revocation)
        try:
            with self._users.told_within(subject, revocation):
                await self._feed.publish(revocation)
        except RedisDownError:
            self._tell_later()
            return False
        return True

    async def tell_late(self) -> None:
        """Tell what could not be told yet.

        Raises:
            RedisDownError: It still cannot.
        """
        # What can never be told has been refused before; it comes again where Redis was emptied.
        while user := self._users.first():
            with contextlib.suppress(SealError), self._users.told_within(*user):
                await self._feed.publish(user[1])
        while session := self._sessions.first():
            newer = None
            with contextlib.suppress(SealError), self._sessions.told_within(*session):
                newer = await self._publish(*session)
            if newer is not None:  # and perhaps was not published, as it was no news to the others
                await self.hear(newer)

    async def hear(self, notice: Notice) -> None:
        """Note what another worker tells, unless it is older than what is known here."""
        if isinstance(notice, UserRevocation):
            if notice not in self._local.revocations:
                await self._local.revoke(notice)
        elif self._latest.note(notice):
            waiting = self._sessions.get(notice.session_id)
            if waiting is not None:  # it would come too late
                self._sessions.drop(notice.session_id, waiting)
            await (self._local.end if notice.is_over else self._local.begin)(notice.session_id)

    async def catch_up(self, subscription: Subscription) -> None:
        """Hear what was told before the subscription; tell again what Redis has lost.

        Raises:
            RedisDownError: It cannot be read.
        """
        told: set[Notice] = set()
        async for notice in self._feed.published(subscription):
            told.add(notice)
            await self.hear(notice)
        lost = self._feed.lost(told, [*self._local.revocations.known(), *self._latest.over()])
        for notice in lost:
            if isinstance(notice, UserRevocation):
                self._wait_for_user(notice)
            else:
                self._sessions.put(notice.session_id, notice)
        if lost:
            self._tell_later()

    def _wait_for_user(self, revocation: UserRevocation) -> Hashable:
        subject = (revocation.user_id, revocation.organization_id)
        self._users.put(subject, revocation)
        return subject

    async def _tell(self, session_id: str, end: SessionEnd | None) -> SessionEnd | None:
        """Publish it, or have it wait; return what contradicts it."""
        self._sessions.put(session_id, end)
        with self._sessions.told_within(session_id, end):
            return await self._publish(session_id, end)

    async def _publish(self, session_id: str, end: SessionEnd | None) -> SessionEnd | None:
        if end is None:
            await self._shared.supersede(session_id)
            return None
        newer = await self._feed.publish(end, is_news=session_id in self._latest)
        return newer if isinstance(newer, SessionEnd) else None
