"""`checked(app)`: every scope and message between a server and an application is held to ASGI 3."""

from __future__ import annotations

import functools

from asgi_breaches import report
from asgi_fields import SCOPES, check_message, check_scope
from asgi_order import order_of
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def checked(app: ASGIApp) -> ASGIApp:
    """Return `app` with a checker between it and the server; breaches raise, on either side."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await call_checked(app, scope, receive, send)

    return application


async def call_checked(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] not in SCOPES:
        await app(scope, receive, send)
        return
    check_scope(scope)
    order = order_of(scope)

    @functools.wraps(receive)
    async def checked_receive() -> Message:
        message = await receive()
        check_message(message)
        order.given(message)
        return message

    @functools.wraps(send)
    async def checked_send(message: Message) -> None:
        check_message(message)
        order.sent(message)
        try:
            returned = await send(message)
        except BaseException:
            order.gone = True  # as servers say it that follow version 2.4: by an OSError
            raise
        if returned is not None:
            report("send() returned something")

    # The emulator finds the connection to drop through it, and so does this one's `send`.
    checked_send.__self__ = getattr(send, "__self__", None)
    await app(scope, checked_receive, checked_send)
    order.returned()
