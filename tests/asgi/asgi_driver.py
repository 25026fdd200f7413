"""An ASGI server reduced to one request: gives the application a scope, keeps every message."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

import anyio
from asgi_spec import checked
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = Iterable[tuple[str, str]]

# What a browser sends when somebody clicks a link, and what a script's fetch() sends.
NAVIGATION = (
    ("accept", "text/html,application/xhtml+xml"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
)
FETCH = (
    ("accept", "*/*"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-site", "same-origin"),
)


@dataclass
class Answer:
    """What the application sent."""

    messages: list[Message] = field(default_factory=list)

    @property
    def start(self) -> Message:
        starts = [m for m in self.messages if m["type"].endswith("http.response.start")]
        assert len(starts) == 1, f"{len(starts)} response starts"
        return starts[0]

    @property
    def status(self) -> int:
        return self.start["status"]

    @property
    def headers(self) -> dict[str, str]:
        """The headers but Set-Cookie, each of which may stand there once only."""
        pairs = [(k.decode(), v.decode("latin-1")) for k, v in self.start.get("headers", ())]
        plain = [(name.lower(), value) for name, value in pairs if name.lower() != "set-cookie"]
        assert len(dict(plain)) == len(plain), f"a header twice: {plain}"
        return dict(plain)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in any message that carries headers."""
        return [
            value.decode("latin-1")
            for message in self.messages
            for key, value in message.get("headers", ())
            if key.lower() == name.encode()
        ]

    @property
    def set_cookies(self) -> dict[str, str]:
        """The Set-Cookie lines by cookie name, of which there may be one a name."""
        lines = self.all("set-cookie")
        cookies = {line.partition("=")[0]: line for line in lines}
        assert len(cookies) == len(lines), f"a cookie twice: {sorted(cookies)}"
        return cookies

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def http_scope(method: str, target: str, headers: Headers = (), **more: Any) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "root_path": "",
        "query_string": query.encode("latin-1"),
        "headers": _encoded(headers),
        "client": ("192.0.2.1", 50000),
        "server": ("app.example.com", 443),
        "state": {},
        **more,
    }


def websocket_scope(target: str, headers: Headers = (), *, denial: bool = True) -> Scope:
    scope = http_scope("GET", target, headers, subprotocols=[])
    del scope["method"]
    extensions: dict[str, Any] = {"websocket.http.response": {}} if denial else {}
    return {**scope, "type": "websocket", "scheme": "wss", "extensions": extensions}


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers]


def receive_of(*messages: Message) -> Receive:
    queue = list(messages)

    async def receive() -> Message:
        assert queue, "the application asked for more than there is"
        return queue.pop(0)

    return receive


async def answer_briefly(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with nothing, and refuse a WebSocket."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        await receive()
        await send({"type": "websocket.close", "code": 1000})


async def drive(
    app: ASGIApp, scope: Scope, *, body: bytes = b"", answer: Answer | None = None
) -> Answer:
    """Serve one http or websocket connection and return what was sent, all held to ASGI 3.

    An `answer` that is given has it also when the application raises.
    """
    answer = Answer() if answer is None else answer
    if scope["type"] == "http":
        request: Message = {"type": "http.request", "body": body, "more_body": False}
        await checked(app)(scope, *_patient_client(answer, request))
    else:
        connect: Message = {"type": "websocket.connect"}
        receive = receive_of(connect, {"type": "websocket.disconnect"})
        await checked(app)(scope, receive, collect(answer))
    return answer


def _patient_client(answer: Answer, *request: Message) -> tuple[Receive, Send]:
    """Return the ends of a client that sends its request and goes when it has its answer."""
    rest, answered = list(request), anyio.Event()

    async def receive() -> Message:
        if rest:
            return rest.pop(0)
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    return receive, send


def collect(answer: Answer) -> Callable[[Message], Awaitable[None]]:
    async def send(message: Message) -> None:
        answer.messages.append(message)

    return send


class Browser:
    """Cookies by name, in front of an application. Follows nothing by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    async def request(
        self, method: str, target: str, headers: Headers = NAVIGATION, **more: Any
    ) -> Answer:
        answer = await drive(
            self.app, http_scope(method, target, [*headers, *self._cookie_header()], **more)
        )
        self._keep(answer)
        return answer

    async def get(self, target: str, headers: Headers = NAVIGATION, **more: Any) -> Answer:
        return await self.request("GET", target, headers, **more)

    async def post(self, target: str, headers: Headers = NAVIGATION, **more: Any) -> Answer:
        return await self.request("POST", target, headers, **more)

    async def websocket(self, target: str, headers: Headers = (), *, denial: bool = True) -> Answer:
        scope = websocket_scope(target, [*headers, *self._cookie_header()], denial=denial)
        answer = await drive(self.app, scope)
        self._keep(answer)
        return answer

    def _cookie_header(self) -> list[tuple[str, str]]:
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return [("cookie", line)] if line else []

    def _keep(self, answer: Answer) -> None:
        for line in answer.all("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
