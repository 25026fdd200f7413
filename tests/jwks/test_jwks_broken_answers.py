"""Answers that are no key set: they never evict good keys."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest
from key_documents import UNFIT, document, jwk
from key_server import (
    MAX_AGE,
    URL,
    Clock,
    KeyServer,
    let_others_run,
    lookup,
    make_cache,
    raiser,
    warm_cache,
)

from authkit_asgi.errors import KeysUnavailableError

pytestmark = pytest.mark.anyio

BROKEN: dict[str, Callable[[], httpx.Response]] = {
    "empty": lambda: httpx.Response(200),
    "HTML": lambda: httpx.Response(200, html="<html>login</html>"),
    "truncated": lambda: httpx.Response(200, content=document(jwk("key_2"))[:-9]),
    "keys is text": lambda: httpx.Response(200, json={"keys": "x"}),
    "keys is an object": lambda: httpx.Response(200, json={"keys": {"key_2": jwk("key_2")}}),
    "keys is null": lambda: httpx.Response(200, json={"keys": None}),
    "no keys": lambda: httpx.Response(200, json={}),
    "empty set": lambda: httpx.Response(200, json={"keys": []}),
    "bare list": lambda: httpx.Response(200, json=[jwk("key_2")]),
    "text": lambda: httpx.Response(200, json="keys"),
    "no usable key": lambda: httpx.Response(200, content=document(*UNFIT.values())),
    "nested deep": lambda: httpx.Response(200, content=b'{"keys":' + b"[" * 500_000),
    "huge integer": lambda: httpx.Response(200, content=b'{"keys":' + b"9" * 500_000 + b"}"),
    "not UTF-8": lambda: httpx.Response(200, content=b'{"keys": "\xff"}'),
    "too long": lambda: httpx.Response(200, content=document(jwk("key_2"), "x" * 1_000_000)),
    "gzipped": lambda: httpx.Response(
        200,
        content=gzip.compress(document(jwk("key_2"))),
        headers={"Content-Encoding": "gzip"},
    ),
    "204": lambda: httpx.Response(204),
    "206": lambda: httpx.Response(206, content=document(jwk("key_2"))),
    "302": lambda: httpx.Response(302, headers={"Location": URL + "/elsewhere"}),
    "307 elsewhere": lambda: httpx.Response(307, headers={"Location": "https://evil.example/"}),
    "404": lambda: httpx.Response(404, content=document(jwk("key_2"))),
    "500": lambda: httpx.Response(500, content=document(jwk("key_2"))),
}

BROKEN |= {
    type(error).__name__: raiser(error)
    for error in (
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("nonsense"),
        OSError("no route"),
        TypeError("a transport's own bug"),
        RecursionError("too deep"),
    )
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_cache_broken_answer_never_evicts_good_keys(answer, caplog):
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    server.answer = answer
    clock.now += MAX_AGE
    assert cache.get("key_1") is not None
    await let_others_run()
    assert server.fetches == 1
    assert cache.get("key_1") is not None
    with pytest.raises(KeysUnavailableError):
        await lookup(cache, "key_2")
    assert len(caplog.records) == 1


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_cache_broken_answer_at_the_cold_start_is_unavailable(answer):
    server = KeyServer()
    server.answer = answer
    with pytest.raises(KeysUnavailableError) as caught:
        await lookup(make_cache(server))
    assert caught.value.__context__ is None
