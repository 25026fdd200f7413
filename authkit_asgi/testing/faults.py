"""Faults to order: what goes wrong, where, and how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio
from starlette.responses import Response
from starlette.types import Receive

from authkit_asgi.testing.refusal import ErrorShape, Refusal

Reset: TypeAlias = Literal["before", "after"]

HTML_PAGE = "<!doctype html><title>Bad gateway</title><h1>An answer from some proxy</h1>"
TRUNCATED_JSON = '{"user": {"object": "user", "id": "user_01'
JSON_WITHOUT_TOKENS = '{"object": "nothing"}'
BODIES: Mapping[str, str] = {
    "html": HTML_PAGE,
    "truncated": TRUNCATED_JSON,
    "no_tokens": JSON_WITHOUT_TOKENS,
}

# How often a request that waits looks whether its fault has been cleared.
_LOOK_AGAIN_SECONDS = 0.02
_FIRST_ERROR_STATUS = 400


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order. Everything happens before the request is handled, but for ``reset="after"``.

    Args:
        endpoint: Where; ``"*"`` is everywhere.
        times: How many requests it strikes; ``None`` is until cleared.
        status: The status answered in place of handling the request.
        body: The body answered in place of handling it: text, bytes, or anything JSON takes.
        headers: Headers added to the answer, the fault's own or the real one.
        delay: Seconds to wait first. The request is handled even if its client has left.
        hang: Never answer. The connection is dropped when the faults are cleared.
        reset: Drop the connection before handling the request, or after it: then what the request
            did is done, and the answer is lost.
        content_type: Of ``body``; guessed if absent.
        grant_type: Strike requests with this grant type only.
    """

    endpoint: str
    times: int | None = 1
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    hang: bool = False
    reset: Reset | None = None
    content_type: str | None = None
    grant_type: str | None = None

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or None: until cleared")
        if self.reset not in {None, "before", "after"}:
            raise ValueError("reset must be 'before' or 'after'")

    @property
    def replaces_answer(self) -> bool:
        """Whether the request is answered without being handled."""
        return self.status is not None or self.body is not None

    def response(self, shape: ErrorShape) -> Response:
        """Return the answer in place of the real one."""
        status = self.status or 200
        if self.body is None and status >= _FIRST_ERROR_STATUS:
            body: Any = Refusal(status, "emulated_fault", "This fault was ordered.").as_json(shape)
        else:
            body = self.body
        content, content_type = _render(body)
        return Response(
            content,
            status,
            headers=dict(self.headers),
            media_type=self.content_type or content_type,
        )


def _render(body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "text/plain"
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes):
        return body, "text/html" if body.startswith(b"<") else "application/json"
    return json.dumps(body).encode(), "application/json"


class Faults:
    """The orders that stand. Safe to use from several threads."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._generation = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Put an order at the end of the queue: earlier ones strike first."""
        with self._lock:
            self._orders.append(fault)

    def clear(self, *orders: Fault) -> None:
        """Cancel these orders, or all, and let go of the requests that wait."""
        with self._lock:
            cancelled = [id(order) for order in orders or self._orders]
            self._orders = [order for order in self._orders if id(order) not in cancelled]
            self._generation += 1

    def release(self) -> None:
        """Let go of the requests that wait; the orders stand."""
        with self._lock:
            self._generation += 1

    def take(self, endpoint: str, grant_type: str | None) -> Fault | None:
        """Return the order that strikes this request, if there is one, and count it."""
        with self._lock:
            for fault in self._orders:
                if fault.endpoint not in {endpoint, "*"}:
                    continue
                if fault.grant_type not in {None, grant_type}:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self._orders.remove(fault)
                return fault
            return None

    def watch(self) -> Callable[[], bool]:
        """Return a function that tells whether waiting requests have been let go since."""
        generation = self._generation
        return lambda: self._generation != generation


async def wait_seconds(seconds: float, released: Callable[[], bool]) -> None:
    """Wait that long, or until released."""
    deadline = anyio.current_time() + seconds
    # Polled: whoever releases may be in another thread, where an anyio.Event cannot be set.
    while not released() and (left := deadline - anyio.current_time()) > 0:  # noqa: ASYNC110
        await anyio.sleep(min(left, _LOOK_AGAIN_SECONDS))


async def wait_for_disconnect(receive: Receive, released: Callable[[], bool]) -> None:
    """Wait until the client has left or the request is released."""
    while not released():
        with anyio.move_on_after(_LOOK_AGAIN_SECONDS):
            if (await receive())["type"] == "http.disconnect":
                return
