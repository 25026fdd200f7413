"""What the application wants to hear of refreshes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from authkit_asgi.auth import SignedIn
from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import AuthKitError
from authkit_asgi.log_events import named_logger

logger: logging.Logger = named_logger(__name__)

RefreshSuccessHook: TypeAlias = Callable[[SignedIn], Awaitable[None] | None]
RefreshErrorHook: TypeAlias = Callable[[AuthKitError], Awaitable[None] | None]


class RefreshHooks:
    """Calls the application's hooks, whose errors are logged and change nothing.

    What a hook returns to be awaited runs beside the requests: no refresh waits for it.

    Args:
        on_success: Called with who is signed in by the new session, once an exchange.
        on_error: Called with the error: WorkOS refused, or cannot be asked.
    """

    def __init__(
        self,
        on_success: RefreshSuccessHook | None = None,
        on_error: RefreshErrorHook | None = None,
    ) -> None:
        self._on_success = on_success
        self._on_error = on_error
        self._tasks = BackgroundTasks()

    def tell_success(self, auth: SignedIn) -> None:
        """Tell of a session refreshed."""
        self._call(self._on_success, auth)

    def tell_error(self, error: AuthKitError) -> None:
        """Tell of a refresh that failed."""
        self._call(self._on_error, error)

    def _call(self, hook: Callable[[Any], Awaitable[None] | None] | None, subject: object) -> None:
        if hook is None:
            return
        try:
            result = hook(subject)
        except (Exception, asyncio.CancelledError):  # the latter of a task that it has asked
            logger.exception("A refresh hook failed")
            return
        if result is not None:
            self._tasks.start(_await(result))

    async def aclose(self, seconds: float) -> None:
        """Wait at most `seconds` for hooks under way in the running event loop."""
        await self._tasks.aclose(seconds)


async def _await(result: Awaitable[None]) -> None:
    try:
        await result
    except Exception:
        logger.exception("A refresh hook failed")
