"""Telemetry that fails without consequences: no count is worth a request, or a rotated token."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from authkit_asgi.auth import Auth
from authkit_asgi.errors import AuthKitError
from authkit_asgi.log_events import named_logger
from authkit_asgi.telemetry import RefreshVerdict, Telemetry

logger: logging.Logger = named_logger(__name__)


class SteadyTelemetry:
    """Passes everything on to a `Telemetry`; what that raises is logged, and goes no further."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def session_checked(self, auth: Auth) -> None:
        """See `Telemetry.session_checked`."""
        _call(self._telemetry.session_checked, auth)

    def session_looked_up(self, *, is_hit: bool) -> None:
        """See `Telemetry.session_looked_up`."""
        _call(self._telemetry.session_looked_up, is_hit=is_hit)

    def session_written(self, size: int) -> None:
        """See `Telemetry.session_written`."""
        _call(self._telemetry.session_written, size)

    def session_refreshed(self, verdict: RefreshVerdict, error: AuthKitError | None = None) -> None:
        """See `Telemetry.session_refreshed`."""
        _call(self._telemetry.session_refreshed, verdict, error)

    def paused(self, what: str) -> None:
        """See `Telemetry.paused`."""
        _call(self._telemetry.paused, what)

    def origin(self) -> Any:
        """See `Telemetry.origin`."""
        return _call(self._telemetry.origin)

    @contextlib.contextmanager
    def refreshing(self, origin: Any) -> Iterator[Callable[[RefreshVerdict], None]]:
        """See `Telemetry.refreshing`."""
        with _within(lambda: self._telemetry.refreshing(origin)) as tell:
            yield lambda verdict: _call(tell, verdict)

    @contextlib.contextmanager
    def completing_sign_in(self) -> Iterator[None]:
        """See `Telemetry.completing_sign_in`."""
        with _within(self._telemetry.completing_sign_in):
            yield


def _call(method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    try:
        return method(*arguments, **more)
    except Exception as error:  # noqa: BLE001  # of a program that is not ours
        logger.error("Telemetry failed with %s", type(error).__name__)  # noqa: TRY400  # its traceback is not ours
        return None


@contextlib.contextmanager
def _within(make: Callable[[], AbstractContextManager[Any]]) -> Iterator[Any]:
    manager = _call(make) or contextlib.nullcontext()
    entered = _call(manager.__enter__)
    try:
        yield entered or _nothing
    except BaseException as error:
        # It may not keep the error back, either.
        _call(manager.__exit__, type(error), error, error.__traceback__)
        raise
    else:
        _call(manager.__exit__, None, None, None)


def _nothing(*_: object) -> None:
    """Take what would have been told."""
