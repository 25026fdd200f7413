"""The part of `AuthSession` that says which cookies a response takes along."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from authkit_asgi.companion_cookies import CompanionCookies
from authkit_asgi.cookies import SetCookie
from authkit_asgi.errors import SessionTooLargeError


class CookieFlush(CompanionCookies):
    """The cookies of one connection, as its response's headers are being sent."""

    __slots__ = ()

    async def flush(self) -> list[SetCookie]:
        """Return the cookies to write, and allow no more: the response's headers are being sent.

        A response that took its time must not undo what others have done meanwhile: another
        request may have exchanged the session that this one is about to write, or ended it.
        """
        kit, loaded, session = self._authkit, self._loaded, self._loaded.session
        if session is not None and not self._is_settled:
            newest = None
            if not loaded.is_idle:
                self.close()  # what another task asks for meanwhile would be lost
                newest = await (kit.reseal(loaded) if loaded.is_outdated else kit.newest(session))
                self._cookies.reopen()
            if kit.is_over(session) or (newest is None and not kit.is_wanted(loaded)):
                self._cookies.leave()
            elif newest is not None:
                kit.size_warning.note(newest)
                with contextlib.suppress(SessionTooLargeError):  # that request has said so
                    self._cookies.store(newest)
        self._write_companions()
        return self.close()

    def flush_now(self) -> Sequence[SetCookie] | None:
        """Return what `flush` does, where nothing has to be awaited for it; `None` elsewhere."""
        kit = self._authkit
        if self._changes is None and not (kit.has_companions or self._loaded.is_outdated):
            self._has_answered = True  # as nearly all responses: not even a list is made
            return ()
        if not self._is_settled:
            return None
        self._write_companions()
        return self.close()

    @property
    def _is_settled(self) -> bool:
        loaded = self._loaded
        return loaded.session is None or not (loaded.is_outdated or self._cookies.change_session)

    def close(self) -> list[SetCookie]:
        """Return the cookies as they are, and allow no more."""
        return self._cookies.close()
