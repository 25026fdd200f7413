"""What scopes and messages hold: HTTP & WebSocket 2.5, lifespan 2.0, and the extensions of both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from asgi_breaches import report

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2; no pseudo headers
_FORBIDDEN = re.compile(rb"[\r\n\0]")  # RFC 9110, 5.5
_FINAL_STATUSES = range(200, 600)  # those of 1xx precede a response (RFC 9110, 15)

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of a scope or message."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)


def _a(kind: type, *, null: bool = False) -> Check:
    def check(value: Any) -> str | None:
        if (null and value is None) or (
            isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        ):
            return None
        return f"is of type {type(value).__name__}, not {kind.__name__}"

    return check


def _status(value: Any) -> str | None:
    wrong = _a(int)(value)
    return wrong or (None if value in _FINAL_STATUSES else f"is {value}, not from 200 to 599")


def _is_one_shot(value: Any) -> bool:
    """Tell whether looking at it would use it up: that is left to its receiver."""
    return isinstance(value, Iterator)


def _headers(value: Any) -> str | None:
    if _is_one_shot(value):
        return None
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return f"is of type {type(value).__name__}, not an iterable of pairs"
    return next((wrong for item in value if (wrong := _header(item))), None)


def _header(item: Any) -> str | None:
    if not isinstance(item, list | tuple) or [type(part) for part in item] != [bytes, bytes]:
        return "holds something that is not a pair of byte strings"
    name, value = item
    if not _TOKEN.fullmatch(name):
        return f"holds {name!r}, which is no header name"
    if name != name.lower():
        return f"holds {name!r}: the name is not in lower case"
    if _FORBIDDEN.search(value):
        return f"holds a value of {name!r} with CR, LF or NUL"
    return None


def _each(check: Check) -> Check:
    def check_all(value: Any) -> str | None:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            return f"is of type {type(value).__name__}, not an iterable"
        wrong = next((wrong for item in value if (wrong := check(item))), None)
        return f"holds something that {wrong}" if wrong else None

    return check_all


def _one_of(*values: str) -> Check:
    return lambda value: None if value in values else f"is {value!r}, not one of {values}"


def _address(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != len(("host", "port")):
        return "is not a pair of host and port"
    return _a(str)(value[0]) or _a(int, null=True)(value[1])


def _version(value: Any) -> str | None:
    if not isinstance(value, Mapping) or value.get("version") != "3.0":
        return "does not name version 3.0"
    return _a(str)(value.get("spec_version", ""))


def _method(value: Any) -> str | None:
    return _a(str)(value) or (None if value == value.upper() else "is not in upper case")


def _scheme(value: Any) -> str | None:
    return _a(str)(value) or (None if value else "is empty")


def _extensions(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return f"is of type {type(value).__name__}, not a dict"
    return next((w for k, v in value.items() if (w := _a(str)(k) or _a(dict)(v))), None)


def _file(value: Any) -> str | None:
    is_file = isinstance(value, int) or callable(getattr(value, "fileno", None))
    return None if is_file else "is no file descriptor"


_CONNECTION = Shape(
    required={
        "type": _a(str),
        "asgi": _version,
        "http_version": _one_of("1.0", "1.1", "2", "3"),
        "path": _a(str),
        "query_string": _a(bytes),
        "headers": _headers,
    },
    optional={
        "scheme": _scheme,
        "raw_path": _a(bytes, null=True),
        "root_path": _a(str),
        "client": _address,
        "server": _address,
        "state": _a(dict),
        "extensions": _extensions,
    },
)
SCOPES = {
    "http": Shape({**_CONNECTION.required, "method": _method}, _CONNECTION.optional),
    "websocket": Shape(
        {**_CONNECTION.required, "http_version": _one_of("1.1", "2", "3")},
        {**_CONNECTION.optional, "subprotocols": _each(_a(str))},
    ),
    "lifespan": Shape({"type": _a(str), "asgi": _version}, {"state": _a(dict)}),
}

_START = Shape({"status": _status}, {"headers": _headers})
_BODY = Shape(optional={"body": _a(bytes), "more_body": _a(bool)})
_FRAME = Shape(optional={"bytes": _a(bytes, null=True), "text": _a(str, null=True)})
_FAILED = Shape(optional={"message": _a(str)})
MESSAGES = {
    "http.request": _BODY,
    "http.disconnect": Shape(),
    "http.response.start": Shape(_START.required, {**_START.optional, "trailers": _a(bool)}),
    "http.response.body": _BODY,
    "http.response.trailers": Shape({"headers": _headers}, {"more_trailers": _a(bool)}),
    "http.response.early_hint": Shape({"links": _each(_a(bytes))}),
    "http.response.push": Shape({"path": _a(str), "headers": _headers}),
    "http.response.pathsend": Shape({"path": _a(str)}),
    "http.response.zerocopysend": Shape(
        {"file": _file},
        {"offset": _a(int, null=True), "count": _a(int, null=True), "more_body": _a(bool)},
    ),
    "http.response.debug": Shape({"info": _a(dict)}),
    "websocket.connect": Shape(),
    "websocket.receive": _FRAME,
    "websocket.disconnect": Shape(optional={"code": _a(int), "reason": _a(str, null=True)}),
    "websocket.accept": Shape(optional={"subprotocol": _a(str, null=True), "headers": _headers}),
    "websocket.send": _FRAME,
    "websocket.close": Shape(optional={"code": _a(int), "reason": _a(str, null=True)}),
    "websocket.http.response.start": _START,
    "websocket.http.response.body": _BODY,
    "lifespan.startup": Shape(),
    "lifespan.shutdown": Shape(),
    "lifespan.startup.complete": Shape(),
    "lifespan.startup.failed": _FAILED,
    "lifespan.shutdown.complete": Shape(),
    "lifespan.shutdown.failed": _FAILED,
}


def check_scope(scope: Mapping[str, Any]) -> None:
    """Check the keys that the specification names; others are servers' and frameworks' own."""
    name = f"The scope of {scope['type']}"
    if not isinstance(scope, dict):
        report(f"{name} is no dict")
    _check(name, scope, SCOPES[scope["type"]])


def check_message(message: Any) -> None:
    """Check that a message is a dict of a known type with its keys and no others."""
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str):
        report("A message is no dict with a `type`")
    elif (shape := MESSAGES.get(kind)) is None:
        report(f"{kind} is no type of message that the specification knows")
    else:
        _check(kind, message, shape)
        for key in message.keys() - shape.required.keys() - shape.optional.keys() - {"type"}:
            report(f"{kind} has the key {key!r}, which the specification does not know")
        if shape is _FRAME and (message.get("bytes") is None) == (message.get("text") is None):
            report(f"{kind} needs one of bytes and text")


def _check(name: str, values: Mapping[str, Any], shape: Shape) -> None:
    for key in shape.required.keys() - values.keys():
        report(f"{name} lacks {key!r}")
    for key, check in {**shape.required, **shape.optional}.items():
        if key in values and (wrong := check(values[key])):
            report(f"{name}: {key!r} {wrong}")
