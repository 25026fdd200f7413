"""WorkOS broken to order, and mended again."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from authkit_asgi.testing.emulator import WorkOSEmulator
from authkit_asgi.testing.faults import Fault, Reset


class Outage:
    """A fault that stands until it is mended, at the end of a ``with`` block or by `mend`."""

    def __init__(self, emulator: WorkOSEmulator, fault: Fault) -> None:
        self._emulator = emulator
        self._fault = fault

    def mend(self) -> None:
        """End it; requests that wait in it are let go."""
        self._emulator.clear_faults(self._fault)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.mend()


class BreakWorkOS:
    """The fixture `break_workos`."""

    def __init__(self, emulator: WorkOSEmulator) -> None:
        self._emulator = emulator

    def __call__(
        self,
        endpoint: str = "authenticate",
        *,
        status: int | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        delay: float = 0,
        hang: bool = False,
        reset: Reset | None = None,
        grant_type: str | None = None,
        times: int | None = None,
    ) -> Outage:
        """Have WorkOS fail, by default where tokens come from and with status 503.

        The fault stands to the end of the test, or of a ``with`` block. What each argument does
        `Fault` says; ``body`` may be `HTML_PAGE`, `TRUNCATED_JSON` or `JSON_WITHOUT_TOKENS`.

        Args:
            endpoint: Where, as in `WorkOSEmulator.fail`; ``"*"`` is everywhere. An application that
                could not fetch the signing keys (``"jwks"``) tries again only seconds later.
            status: The status answered.
            body: The body answered, with status 200 unless another is given.
            headers: Headers added to the answer.
            delay: Seconds to wait first.
            hang: Never answer.
            reset: Drop the connection ``"before"`` or ``"after"`` the request is handled.
            grant_type: Strike requests with this grant type only.
            times: How many requests it strikes; all when `None`.

        Raises:
            ValueError: There is no such endpoint, or an argument makes no sense.
        """
        if (status, body, reset) == (None, None, None) and not (delay or hang or headers):
            status = 503
        fault = self._emulator.fail(
            endpoint,
            status=status,
            body=body,
            headers=headers,
            delay=delay,
            hang=hang,
            reset=reset,
            grant_type=grant_type,
            times=times,
        )
        return Outage(self._emulator, fault)
