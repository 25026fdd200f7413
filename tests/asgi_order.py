"""The order of messages on one connection, as the ASGI specification has it."""

from __future__ import annotations

from typing import Any, ClassVar

from asgi_breaches import report
from starlette.types import Message, Scope


class Order:
    """What has been given to an application and sent by it; each message is told beforehand."""

    # The stages in which a message may be sent.
    STAGES: ClassVar[dict[str, tuple[str, ...]]]
    # Messages that the server has to announce under the same name.
    EXTENSIONS: ClassVar[dict[str, str]] = {}

    def __init__(self, scope: Scope, stage: str) -> None:
        self.extensions: dict[str, Any] = scope.get("extensions") or {}
        self.stage = stage
        self.gone = False
        """Whether the application may stop where it is: the other side has."""

    def given(self, message: Message) -> None:
        raise NotImplementedError

    def sent(self, message: Message) -> None:
        kind = message["type"]
        stages = self.STAGES.get(kind)
        if stages is None:
            report(f"{kind} is no message that an application sends here")
            return
        extension = self.EXTENSIONS.get(kind)
        if extension is not None and extension not in self.extensions:
            report(f"{kind} needs the extension {extension}, which the scope does not offer")
        if self.stage not in stages:
            report(f"{kind} in the stage {self.stage!r}, but it belongs to {' or '.join(stages)}")
        self._advance(kind, message)

    def _advance(self, kind: str, message: Message) -> None:
        raise NotImplementedError

    def returned(self) -> None:
        """Check that an application that returns without exception has finished its answer."""
        if not self.gone and self.stage in self._unfinished:
            report(f"The application returned in the stage {self.stage!r}")

    _unfinished: ClassVar[frozenset[str]]


class HTTPOrder(Order):
    STAGES: ClassVar = {
        "http.response.debug": ("unstarted",),
        "http.response.early_hint": ("unstarted",),
        "http.response.push": ("unstarted", "body"),
        "http.response.start": ("unstarted",),
        "http.response.body": ("body",),
        "http.response.zerocopysend": ("body",),
        "http.response.pathsend": ("body",),
        "http.response.trailers": ("trailers",),
    }
    EXTENSIONS: ClassVar = {
        kind: kind for kind in STAGES if kind not in {"http.response.start", "http.response.body"}
    }
    _unfinished = frozenset({"unstarted", "body", "trailers"})

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, "unstarted")
        self._request_ended = False
        self._trailers = False

    def given(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.gone = True
        elif message["type"] != "http.request":
            report(f"{message['type']} is no message that an application receives here")
        elif self._request_ended or self.gone:
            report("http.request after the end of the request")
        else:
            self._request_ended = not message.get("more_body", False)

    def _advance(self, kind: str, message: Message) -> None:
        if kind == "http.response.start":
            self.stage = "body"
            self._trailers = message.get("trailers", False)
            if self._trailers and "http.response.trailers" not in self.extensions:
                report("http.response.start announces trailers, which the scope does not offer")
        elif kind == "http.response.trailers":
            self.stage = "trailers" if message.get("more_trailers") else "ended"
        elif self.stage == "body" and kind != "http.response.push" and not message.get("more_body"):
            self.stage = "trailers" if self._trailers else "ended"


class WebSocketOrder(Order):
    STAGES: ClassVar = {
        "websocket.accept": ("handshake",),
        "websocket.send": ("open",),
        "websocket.close": ("handshake", "open"),
        "websocket.http.response.start": ("handshake",),
        "websocket.http.response.body": ("denial",),
    }
    EXTENSIONS: ClassVar = {
        "websocket.http.response.start": "websocket.http.response",
        "websocket.http.response.body": "websocket.http.response",
    }
    _unfinished = frozenset({"handshake", "denial"})  # an open one is closed by the server

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, "handshake")
        self._connected = False

    def given(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.connect":
            if self._connected:
                report("websocket.connect twice")
            self._connected = True
        elif kind not in {"websocket.receive", "websocket.disconnect"}:
            report(f"{kind} is no message that an application receives here")
        elif not self._connected:
            report(f"{kind} before websocket.connect")
        elif kind == "websocket.disconnect":
            self.gone = True
        elif self.gone or self.stage != "open":
            report("websocket.receive while the connection is not open")

    def _advance(self, kind: str, message: Message) -> None:
        if kind == "websocket.accept":
            self.stage = "open"
        elif kind == "websocket.http.response.start":
            self.stage = "denial"
        elif kind == "websocket.close" or (
            kind == "websocket.http.response.body" and not message.get("more_body")
        ):
            self.stage = "closed"


class LifespanOrder(Order):
    STAGES: ClassVar = {
        "lifespan.startup.complete": ("starting",),
        "lifespan.startup.failed": ("starting",),
        "lifespan.shutdown.complete": ("stopping",),
        "lifespan.shutdown.failed": ("stopping",),
    }
    _unfinished = frozenset({"starting", "stopping"})

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, "unstarted")

    def given(self, message: Message) -> None:
        following = {
            ("unstarted", "lifespan.startup"): "starting",
            ("running", "lifespan.shutdown"): "stopping",
        }.get((self.stage, message["type"]))
        if following is None:
            report(f"{message['type']} in the stage {self.stage!r}")
        else:
            self.stage = following

    def _advance(self, kind: str, message: Message) -> None:  # noqa: ARG002  # says it all
        self.stage = "running" if kind == "lifespan.startup.complete" else "ended"


def order_of(scope: Scope) -> Order:
    """Return the order of a new connection of one of the three types."""
    orders = {"http": HTTPOrder, "websocket": WebSocketOrder, "lifespan": LifespanOrder}
    return orders[scope["type"]](scope)
