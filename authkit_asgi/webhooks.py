"""The route that WorkOS tells of sessions that are over."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authkit_asgi.config import WEBHOOK_PATH
from authkit_asgi.connection import get_session
from authkit_asgi.errors import ConfigurationError, StoreUnavailableError
from authkit_asgi.pages import OWN_HEADERS
from authkit_asgi.webhook_events import InvalidWebhookError, apply_event, verified_event

logger = logging.getLogger(__name__)

OnEvent = Callable[[Mapping[str, Any]], Awaitable[None] | None]

_MAX_BODY = 1024 * 1024  # bytes; WorkOS's own have some thousand
_RETRY_AFTER = "5"  # seconds; WorkOS has a schedule of its own


def webhook_route(
    path: str = WEBHOOK_PATH,
    *,
    secret: str | Sequence[str],
    on_event: OnEvent | None = None,
) -> Route:
    """Return the route to enter in the WorkOS dashboard, under Webhooks, with its whole address.

    It ends what `session.revoked`, `user.deleted` and `organization_membership.deleted` tell of,
    here and in all workers that share a Redis. What WorkOS has not signed changes nothing.

    Args:
        path: Its path. Under ``protect=True`` this one is public by itself; `public` of the
            middleware has to name any other.
        secret: The endpoint's, from the dashboard; several, while it is being changed.
        on_event: Called with each event WorkOS has signed, of whatever kind, after that; plain or
            async. What it raises has WorkOS deliver the event again, and it may come twice anyway.

    Raises:
        ConfigurationError: `secret` is empty.
    """
    secrets: tuple[object, ...] = (secret,) if isinstance(secret, str) else tuple(secret)
    known = [each for each in secrets if isinstance(each, str) and each]
    if not known or len(known) < len(secrets):
        problem = "webhook_route takes the endpoint's secret from the WorkOS dashboard"
        raise ConfigurationError([problem])
    endpoint = _Endpoint(known, on_event)
    return Route(path, endpoint.receive, methods=["POST"], name="authkit_webhook")


class _Endpoint:
    def __init__(self, secrets: Sequence[str], on_event: OnEvent | None) -> None:
        self._secrets = secrets
        self._on_event = on_event

    async def receive(self, request: Request) -> Response:
        authkit = get_session(request).service
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _answer(400, "The webhook was not sent to its end")  # nobody reads it
        if body is None:
            return _answer(413, "The webhook is too large")
        signatures = request.headers.getlist("workos-signature")
        event: Mapping[str, Any] = {}
        try:
            event = verified_event(body, signatures, self._secrets)
            is_told = await apply_event(authkit, event)
        except InvalidWebhookError as error:
            logger.warning("A webhook was refused: %s", error)
            return _answer(400, str(error))
        except StoreUnavailableError:
            is_told = False
        if not is_told:
            # It counts in this process, and will in the others; WorkOS is to come again all the
            # same, as this process may end before.
            return _answer(503, "Not all workers could be told", {"Retry-After": _RETRY_AFTER})
        if self._on_event is not None:
            result = self._on_event(event)
            if inspect.isawaitable(result):
                await result
        return Response(status_code=200, headers=OWN_HEADERS)


async def _body(request: Request) -> bytes | None:
    """Return the body; `None` for one that is too large, which is read no further."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(
        problem,
        status_code=status,
        headers={**OWN_HEADERS, **(headers or {})},
        media_type="application/problem+json",
    )
