"""A guard that has to wait for something."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from starlette.requests import HTTPConnection

from authkit_asgi.deciding_credential import let_in

_T_co = TypeVar("_T_co", covariant=True)

MARK = "takes_access_tokens"
"""The attribute of guards, dependencies and endpoints for which `issuers` has to be set."""

_Marked = TypeVar("_Marked", bound=Callable[..., object])


def takes_access_tokens(marked: _Marked) -> _Marked:
    """Note that a function needs the setting `issuers`, for the check at start-up."""
    setattr(marked, MARK, True)
    return marked


class AsyncGuard(Generic[_T_co]):
    """An async guard, for `@require` and for FastAPI's `Depends` alike.

    It returns who asks, an `AccessToken`, `APIKey` or `SignedIn`, or raises what the request gets
    instead. A decorator for guards of one's own; a bare async function is none, since FastAPI's
    dependencies look the same.
    """

    def __init__(
        self,
        guard: Callable[[HTTPConnection], Awaitable[_T_co]],
    ) -> None:
        self._guard = guard
        functools.update_wrapper(self, guard)

    async def __call__(self, connection: HTTPConnection) -> _T_co:
        """Return who asks on `connection`, or raise.

        Raises:
            MixedCredentialsError: Another guard has let the request in by another credential (403).
        """
        return let_in(connection, await self._guard(connection))
