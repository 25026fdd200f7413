"""What can be counted and traced; `authkit_asgi.opentelemetry` does it with OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeAlias

from authkit_asgi.auth import Auth
from authkit_asgi.errors import AuthKitError

RefreshVerdict: TypeAlias = Literal["refreshed", "denied", "unavailable"]


class Telemetry(Protocol):
    """Is told what happens; what it raises is logged, and changes nothing.

    It is told of no user, token or cookie but in `session_checked`, of which it is to keep whether
    somebody is signed in, and the reason if not.
    """

    def session_checked(self, auth: Auth) -> None:
        """Note who a connection is from, once for each."""
        ...

    def session_looked_up(self, *, is_hit: bool) -> None:
        """Note whether a session had been verified within the last 60 s."""
        ...

    def session_written(self, size: int) -> None:
        """Note how many bytes a session's cookie has, name and value, or its parts together."""
        ...

    def session_refreshed(self, verdict: RefreshVerdict, error: AuthKitError | None = None) -> None:
        """Note how an exchange of a refresh token ended, and of ``unavailable`` the error."""
        ...

    def paused(self, what: str) -> None:
        """Note that WorkOS is not asked for seconds: ``refresh`` or ``API key validation``."""
        ...

    def origin(self) -> Any:
        """Return what `refreshing` is to be told: exchanges run outside of requests' contexts."""
        ...

    def refreshing(self, origin: Any) -> AbstractContextManager[Callable[[RefreshVerdict], None]]:
        """Return what stands around an exchange, and is told its verdict if it has one."""
        ...

    def completing_sign_in(self) -> AbstractContextManager[None]:
        """Return what stands around the exchange of a callback's code."""
        ...
