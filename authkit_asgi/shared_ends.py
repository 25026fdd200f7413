"""Ends of sessions on their way to the other workers, however long Redis cannot be used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from authkit_asgi.redis_connection import RedisDownError
from authkit_asgi.redis_outcomes import SIGNED_OUT, SUPERSEDED, RedisOutcomes
from authkit_asgi.redis_revocations import RevocationFeed, SessionEnd
from authkit_asgi.revocations import UserRevocation

_MAX_WAITING = 10_000


class SharedEnds:
    """Tells the workers, those that ask before they refresh and those that listen.

    Args:
        shared: What they ask.
        feed: What they listen to.
    """

    def __init__(self, shared: RedisOutcomes, feed: RevocationFeed) -> None:
        self._shared = shared
        self._feed = feed
        # By what they are about. Of a session: how it has ended, and whether listeners are to hear.
        self._waiting: OrderedDict[Hashable, tuple[str | None, bool] | UserRevocation] = (
            OrderedDict()
        )

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, subject: Hashable) -> bool:
        return subject in self._waiting

    async def tell(self, session_id: str, how: str | None, *, is_news: bool = True) -> bool:
        """Tell how a session has ended, or with `None` that it has not; return whether by now.

        Without `is_news` nobody has heard anything else of it.
        """
        known = self._waiting.get(session_id)
        if how == SUPERSEDED and isinstance(known, tuple) and known[0] == SIGNED_OUT:
            return False
        return await self._tell(session_id, (how, is_news and how != SUPERSEDED))

    async def tell_revocation(self, revocation: UserRevocation) -> bool:
        """Tell that a user's sessions are over; return whether by now."""
        return await self._tell((revocation.user_id, revocation.organization_id), revocation)

    async def tell_late(self) -> None:
        """Tell what could not be told yet.

        Raises:
            RedisDownError: It still cannot.
        """
        while self._waiting:
            subject, what = self._waiting.popitem(last=False)
            try:
                await self._publish(subject, what)
            except BaseException:  # an event loop that ends, too: another one tells it
                self._waiting.setdefault(subject, what)
                raise

    async def _tell(
        self, subject: Hashable, what: tuple[str | None, bool] | UserRevocation
    ) -> bool:
        self._waiting[subject] = what
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.popitem(last=False)
        try:
            await self._publish(subject, what)
        except RedisDownError:
            return False
        self._waiting.pop(subject, None)
        return True

    async def _publish(
        self, subject: Hashable, what: tuple[str | None, bool] | UserRevocation
    ) -> None:
        if isinstance(what, UserRevocation):
            await self._feed.publish(what)
            return
        session_id, (how, is_news) = str(subject), what
        await self._shared.end(session_id, how)
        if is_news:
            await self._feed.publish(SessionEnd(session_id, is_over=how is not None))
