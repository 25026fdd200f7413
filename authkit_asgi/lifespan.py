"""The start and the end of an application, during which an `AuthKit` keeps connections open."""

from __future__ import annotations

from typing import NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi.errors import ConfigurationError
from authkit_asgi.service import AuthKit

_ENDS = frozenset(
    {"lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed"}
)


async def fail_start_up(fault: ConfigurationError, receive: Receive, send: Send) -> NoReturn:
    """Refuse to start, with all that is wrong with the settings.

    Raises:
        ConfigurationError: Always, for a server that does not heed the message.
    """
    await receive()
    await send({"type": "lifespan.startup.failed", "message": str(fault)})
    raise ConfigurationError(fault.problems)


async def serve_lifespan(
    authkit: AuthKit, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Pass the lifespan's messages on; `authkit` is open from before the first to the last."""
    await authkit.open()
    is_open = True

    async def close() -> None:
        nonlocal is_open
        if is_open:
            is_open = False
            await authkit.aclose()

    async def observe(message: Message) -> None:
        # Before the server hears that all is done: it may stop the event loop at once.
        if message["type"] in _ENDS:
            await close()
        await send(message)

    try:
        await app(scope, receive, observe)
    finally:
        await close()
