"""Guards on endpoints of Starlette's: checked before the endpoint is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar, cast

from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import HTTPConnection

from authkit_asgi.access_token import AccessToken
from authkit_asgi.api_key import APIKey
from authkit_asgi.async_guard import MARK, AsyncGuard
from authkit_asgi.auth import SignedIn
from authkit_asgi.callers import require_signed_in
from authkit_asgi.deciding_credential import let_in

Guard: TypeAlias = Callable[[HTTPConnection], SignedIn]
"""Returns who is signed in, or raises what the request gets instead."""

_AnyGuard: TypeAlias = Guard | AsyncGuard[SignedIn | AccessToken | APIKey]
_T = TypeVar("_T")

_CONNECTIONS = frozenset({"request", "websocket", "connection"})


def require(*guards: _AnyGuard) -> Callable[[_T], _T]:
    """Decorate an endpoint of Starlette's: all `guards` have to pass before it is called.

    They have to go by the same credential. It takes functions with a `request` or `websocket`,
    plain or async, methods of `HTTPEndpoint`, and the classes `HTTPEndpoint` and
    `WebSocketEndpoint`. A WebSocket is denied before it is accepted. Without guards, somebody has
    to be signed in. Of several decorators it stands below those that register the endpoint. Below
    an `AsyncGuard`, such as one with ``bearer=True``, a plain function becomes an async one that
    runs in a thread.

    Raises:
        TypeError: What it decorates is none of these, or a guard is a dependency of FastAPI's.
    """
    checks = guards or (require_signed_in,)
    if any(inspect.iscoroutinefunction(guard) for guard in checks):
        raise TypeError(
            "require takes the guards of authkit_asgi, not those of .fastapi; "
            "AsyncGuard makes one of an async function"
        )

    def decorate(endpoint: Any) -> Any:
        guarding = _guarded_class if inspect.isclass(endpoint) else _guarded_function
        guarded = guarding(endpoint, checks)
        if any(getattr(guard, MARK, False) for guard in checks):
            setattr(guarded, MARK, True)
        return guarded

    return cast("Callable[[_T], _T]", decorate)


def _check(connection: HTTPConnection, checks: tuple[Guard, ...]) -> None:
    for guard in checks:
        # Whatever else comes back is no verdict: one made by a function that was not called first.
        who = guard(connection)
        if not isinstance(who, SignedIn):
            raise TypeError("A guard returns who is signed in, or raises")
        let_in(connection, who)


async def _check_awaiting(connection: HTTPConnection, checks: tuple[_AnyGuard, ...]) -> None:
    for guard in checks:
        if not isinstance(guard, AsyncGuard):
            _check(connection, (guard,))
        elif not isinstance(await guard(connection), SignedIn | AccessToken | APIKey):
            raise TypeError("An AsyncGuard returns who asks, or raises")


def _plain(checks: tuple[_AnyGuard, ...]) -> tuple[Guard, ...] | None:
    """Return the guards if none of them has to wait for something."""
    plain = tuple(guard for guard in checks if not isinstance(guard, AsyncGuard))
    return plain if len(plain) == len(checks) else None


def _guarded_function(function: Callable[..., Any], checks: tuple[_AnyGuard, ...]) -> Any:
    if _CONNECTIONS.isdisjoint(inspect.signature(function).parameters):
        raise TypeError(f"{function!r} has no parameter request or websocket")
    plain = _plain(checks)

    def connection_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection:
        values = (*args, *kwargs.values())
        connection = next((one for one in values if isinstance(one, HTTPConnection)), None)
        if connection is None:
            raise TypeError(f"{function!r} was called without a request or websocket")
        return connection

    if plain is not None and not inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        def guarded_in_thread(*args: Any, **kwargs: Any) -> Any:
            _check(connection_of(args, kwargs), plain)
            return function(*args, **kwargs)

        return guarded_in_thread

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        await _check_awaiting(connection_of(args, kwargs), checks)
        if inspect.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        return await run_in_threadpool(function, *args, **kwargs)

    return guarded


def _guarded_class(endpoint: Any, checks: tuple[_AnyGuard, ...]) -> Any:
    if not issubclass(endpoint, HTTPEndpoint | WebSocketEndpoint):
        raise TypeError(f"{endpoint!r} is no endpoint of Starlette's")
    # Where everything begins: a subclass with a `dispatch` of its own is guarded as well.
    begin = endpoint.__await__

    def guarded(self: Any) -> Generator[Any, None, None]:
        yield from _check_awaiting(HTTPConnection(self.scope), checks).__await__()
        yield from begin(self)

    endpoint.__await__ = guarded
    return endpoint
