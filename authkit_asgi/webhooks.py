"""The route that WorkOS tells of sessions that are over."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authkit_asgi.config import WEBHOOK_PATH
from authkit_asgi.connection import get_session
from authkit_asgi.errors import ConfigurationError, StoreUnavailableError
from authkit_asgi.log_events import named_logger
from authkit_asgi.pages import OWN_HEADERS
from authkit_asgi.webhook_events import (
    InvalidWebhookError,
    apply_event,
    readable_signature,
    verified_event,
)

logger: logging.Logger = named_logger(__name__)

OnEvent = Callable[[Mapping[str, Any]], Awaitable[None] | None]

_MAX_BODY = 1024 * 1024  # bytes; WorkOS's own have some thousand
_MAX_LENGTH_DIGITS = 15
_BODY_SECONDS = 10  # WorkOS sends its own at once
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
        event: Mapping[str, Any] = {}
        try:
            signature = readable_signature(request.headers.getlist("workos-signature"))
            body = await _body(request)
            if isinstance(body, Response):
                return body
            event = verified_event(body, signature, self._secrets)
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


async def _body(request: Request) -> bytes | Response:
    """Return the body, or the answer to one that is too large or too slow: it is read no further.

    Until it has been read nobody knows who sends it, so that strangers may not have it held long.
    """
    too_large = _answer(413, "The webhook is too large")
    if _declares_more(request.headers.get("content-length", "")):
        return too_large
    chunks: list[bytes] = []
    size = 0
    try:
        with anyio.fail_after(_BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > _MAX_BODY:
                    return too_large
                chunks.append(chunk)
    except TimeoutError:
        return _answer(408, "The webhook was not sent in time")
    except ClientDisconnect:
        return _answer(400, "The webhook was not sent to its end")  # nobody reads it
    return b"".join(chunks)


def _declares_more(length: str) -> bool:
    # Servers refuse what is no number; of a long one the digits say enough.
    if not (length.isascii() and length.isdecimal()):
        return False
    return len(length) > _MAX_LENGTH_DIGITS or int(length) > _MAX_BODY


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
