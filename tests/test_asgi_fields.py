"""The checker of the tests refuses scopes and messages with wrong keys and values."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_breaches import SpecificationError, collecting
from asgi_script import (
    ACCEPT,
    BODY,
    CLOSE,
    FILE,
    HINT,
    HTTP,
    LIFESPAN,
    REQUEST,
    SAY,
    SCOPES,
    START,
    TRAILING,
    UP,
    WEBSOCKET,
    offering,
    play,
)
from starlette.types import Message, Scope

pytestmark = pytest.mark.anyio

SCOPE_BREACHES: dict[str, tuple[str, dict[str, Any], str]] = {
    "asgi 2": ("http", {"asgi": {"version": "2.0"}}, "'asgi' does not name version 3.0"),
    "version": ("http", {"http_version": "1"}, "'http_version' is '1', not one of"),
    "websocket over 1.0": ("websocket", {"http_version": "1.0"}, "'http_version' is '1.0'"),
    "method": ("http", {"method": "get"}, "'method' is not in upper case"),
    "method as bytes": ("http", {"method": b"GET"}, "'method' is of type bytes, not str"),
    "scheme": ("http", {"scheme": ""}, "'scheme' is empty"),
    "path": ("http", {"path": b"/"}, "'path' is of type bytes, not str"),
    "raw path": ("http", {"raw_path": "/"}, "'raw_path' is of type str, not bytes"),
    "query": ("http", {"query_string": ""}, "'query_string' is of type str, not bytes"),
    "root path": ("http", {"root_path": None}, "'root_path' is of type NoneType, not str"),
    "header in upper case": ("http", {"headers": [(b"Host", b"x")]}, "not in lower case"),
    "header as text": ("http", {"headers": [("host", "x")]}, "not a pair of byte strings"),
    "client": ("http", {"client": "192.0.2.1"}, "'client' is not a pair of host and port"),
    "server": ("http", {"server": ("x", "443")}, "'server' is of type str, not int"),
    "state": ("http", {"state": None}, "'state' is of type NoneType, not dict"),
    "extensions": ("http", {"extensions": []}, "'extensions' is of type list, not a dict"),
    "extension": ("http", {"extensions": {"tls": None}}, "is of type NoneType, not dict"),
    "subprotocols": ("websocket", {"subprotocols": "a"}, "'subprotocols' is of type str"),
    "subprotocol": ("websocket", {"subprotocols": [b"a"]}, "something that is of type bytes"),
    "lifespan": ("lifespan", {"state": 1}, "'state' is of type int, not dict"),
}


@pytest.mark.parametrize(("kind", "changes", "text"), SCOPE_BREACHES.values(), ids=SCOPE_BREACHES)
async def test_checker_refuses_a_scope(kind, changes, text):
    with collecting() as breaches, pytest.raises(SpecificationError) as raised:
        await play({**SCOPES[kind], **changes})
    assert text in str(raised.value)
    assert breaches == [str(raised.value)]


@pytest.mark.parametrize("kind", SCOPES)
async def test_checker_refuses_a_scope_that_lacks_something(kind):
    for key in SCOPES[kind].keys() - {"type", "extensions"}:
        scope = {name: value for name, value in SCOPES[kind].items() if name != key}
        with collecting(), pytest.raises(SpecificationError, match=f"lacks '{key}'"):
            await play(scope)


def start_with(*headers: Any) -> list[Message]:
    return [{**START, "headers": list(headers)}]


MESSAGE_BREACHES: dict[str, tuple[Scope, list[Any], str]] = {
    "no dict": (HTTP, [[("type", "x")]], "no dict with a `type`"),
    "no type": (HTTP, [{"status": 200}], "no dict with a `type`"),
    "unknown type": (HTTP, [{"type": "http.response.begin"}], "no type of message that"),
    "unknown key": (HTTP, [{**START, "reason": "OK"}], "has the key 'reason'"),
    "unknown key received": (HTTP, [{**REQUEST, "x": 1}], "has the key 'x'"),
    "no status": (HTTP, [{"type": "http.response.start"}], "lacks 'status'"),
    "status as text": (HTTP, [{**START, "status": "200"}], "'status' is of type str, not int"),
    "status as bool": (HTTP, [{**START, "status": True}], "'status' is of type bool, not int"),
    "status of 1xx": (HTTP, [{**START, "status": 103}], "'status' is 103, not from 200"),
    "status 600": (HTTP, [{**START, "status": 600}], "'status' is 600, not from 200"),
    "headers as dict": (HTTP, [{**START, "headers": {b"a": b"1"}}], "not an iterable of pairs"),
    "header of text": (HTTP, start_with(("a", "1")), "not a pair of byte strings"),
    "header of three": (HTTP, start_with((b"a", b"1", b"2")), "not a pair of byte strings"),
    "header in upper case": (HTTP, start_with((b"Vary", b"x")), "not in lower case"),
    "pseudo header": (HTTP, start_with((b":status", b"200")), "which is no header name"),
    "blank in a name": (HTTP, start_with((b"a b", b"1")), "which is no header name"),
    "empty name": (HTTP, start_with((b"", b"1")), "which is no header name"),
    "CR": (HTTP, start_with((b"a", b"1\r")), "a value of b'a' with CR, LF or NUL"),
    "LF": (HTTP, start_with((b"a", b"1\nx: y")), "a value of b'a' with CR, LF or NUL"),
    "NUL": (HTTP, start_with((b"a", b"\0")), "a value of b'a' with CR, LF or NUL"),
    "trailers as int": (TRAILING, [{**START, "trailers": 1}], "'trailers' is of type int"),
    "body as text": (HTTP, [START, {**BODY, "body": "x"}], "'body' is of type str, not bytes"),
    "more as int": (HTTP, [START, {**BODY, "more_body": 1}], "'more_body' is of type int"),
    "body received as text": (HTTP, [{**REQUEST, "body": ""}], "'body' is of type str"),
    "links as text": (
        offering(HINT["type"]), [{**HINT, "links": ["</a>"]}], "something that is of type str"
    ),
    "links as one": (offering(HINT["type"]), [{**HINT, "links": b"</a>"}], "not an iterable"),
    "no file": (offering(FILE["type"]), [START, {**FILE, "file": "/a"}], "no file descriptor"),
    "empty frame": (WEBSOCKET, [ACCEPT, {"type": "websocket.send"}], "needs one of"),
    "both frames": (WEBSOCKET, [ACCEPT, {**SAY, "bytes": b"x"}], "needs one of bytes and text"),
    "text as bytes": (WEBSOCKET, [ACCEPT, {**SAY, "text": b"x"}], "'text' is of type bytes"),
    "code as text": (WEBSOCKET, [{**CLOSE, "code": "1000"}], "'code' is of type str, not int"),
    "subprotocol": (WEBSOCKET, [{**ACCEPT, "subprotocol": b"x"}], "'subprotocol' is of type bytes"),
    "message": (
        LIFESPAN, [UP, {"type": "lifespan.startup.failed", "message": b"x"}], "is of type bytes"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "script", "text"), MESSAGE_BREACHES.values(), ids=MESSAGE_BREACHES
)
async def test_checker_refuses_a_message(scope, script, text):
    with collecting() as breaches, pytest.raises(SpecificationError) as raised:
        await play(scope, *script)
    assert text in str(raised.value)
    assert breaches == [str(raised.value)]
