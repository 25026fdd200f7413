"""Answers made to mislead: redirects, bombs, encodings and JSON that is none."""

from __future__ import annotations

import asyncio
import codecs
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_documents import document, jwk
from key_server import (
    MAX_AGE,
    URL,
    Clock,
    KeyServer,
    let_others_run,
    lookup,
    make_cache,
    warm_cache,
)

from authkit_asgi.errors import KeysUnavailableError
from authkit_asgi.jwks import read_keys

pytestmark = pytest.mark.anyio

GOOD = document(jwk("key_2"))
TEXT = GOOD.decode()
MEGABYTE = 1_000_000


def answer(
    content: bytes | str = GOOD, status: int = 200, headers: dict[str, str] | None = None
) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, content=content, headers=headers)


def coded(name: str, content: bytes) -> Callable[[], httpx.Response]:
    return answer(content, headers={"Content-Encoding": name})


def with_member(raw: str) -> str:
    """Return the good set with one more member, as it is given."""
    return f'{TEXT[:-1]},"x":{raw}}}'


MISLEADING: dict[str, Callable[[], httpx.Response]] = {
    "gzip bomb": coded("gzip", gzip.compress(bytes(50_000_000), 1)),
    "gzip in capitals": coded("GZIP", gzip.compress(GOOD)),
    "x-gzip": coded("x-gzip", gzip.compress(GOOD)),
    "gzip twice": coded("gzip, gzip", gzip.compress(gzip.compress(GOOD))),
    "identity, then gzip": coded("identity, gzip", gzip.compress(GOOD)),
    "deflate": coded("deflate", zlib.compress(GOOD)),
    "br": coded("br", b"\x0b\x02\x80"),
    "zstd": coded("zstd", b"\x28\xb5\x2f\xfd"),
    "gzip without saying so": answer(gzip.compress(GOOD)),
    "plain, said to be gzip": coded("gzip", GOOD),
    "201": answer(status=201),
    "202": answer(status=202),
    "203": answer(status=203),
    "205": answer(status=205),
    "300": answer(status=300),
    "301 on the same host": answer(status=301, headers={"Location": URL + "/"}),
    "302 to plain http": answer(status=302, headers={"Location": URL.replace("https", "http")}),
    "303 to a data address": answer(status=303, headers={"Location": f"data:,{TEXT}"}),
    "304": answer(status=304),
    "308 to the machine's metadata": answer(
        status=308, headers={"Location": "http://169.254.169.254/"}
    ),
    "401": answer(status=401, headers={"WWW-Authenticate": "Basic"}),
    "407": answer(status=407, headers={"Proxy-Authenticate": "Basic"}),
    "429": answer(status=429, headers={"Retry-After": "999999999999"}),
    "error in JSON": answer('{"error":"not_found","keys":null}'),
    "error and no list": answer('{"error":"x","keys":"see /keys"}'),
    "HTML around it": answer(f"<html><body><pre>{TEXT}</pre></body></html>"),
    "guard before it": answer(f")]}}',\n{TEXT}"),
    "callback around it": answer(f"callback({TEXT})"),
    "two documents": answer(TEXT + TEXT),
    "comment": answer(f"{TEXT} // keys"),
    "trailing comma": answer(f"{TEXT[:-1]},}}"),
    "cut by one octet": answer(GOOD[:-1]),
    "NUL after": answer(GOOD + b"\0"),
    "huge integer": answer(with_member("9" * 5000)),
    "list as deep as can be": answer(with_member("[" * 9_000 + "]" * 9_000)),
    "objects as deep as can be": answer(with_member('{"":' * 9_000 + "1" + "}" * 9_000)),
    "101 levels": answer(with_member("[" * 100 + "]" * 100)),
    "100,000 deep": answer(with_member("[" * 100_000 + "]" * 100_000)),
    "a megabyte of numbers": answer(with_member(f"[{'1e-400,' * 130_000}1]")),
    "a megabyte of members": answer(
        json.dumps({"keys": [jwk("key_2")], **{str(n): n for n in range(60_000)}})
    ),
    "a megabyte and an octet": answer(GOOD.ljust(MEGABYTE + 1)),
    "broken UTF-8": answer(GOOD.replace(b"key_2", b"key_2\xff")),
    "overlong UTF-8": answer(GOOD.replace(b"{", b"\xc1\xbb")),
    "UTF-7": answer(TEXT.encode("utf-7").replace(b"{", b"+AHs-")),
    "keys in a key": answer(json.dumps({"jwks": {"keys": [jwk("key_2")]}})),
    "one key, no set": answer(json.dumps(jwk("key_2"))),
    "names of the other case": answer(TEXT.replace("keys", "KEYS")),
}


@pytest.mark.parametrize("misleading", MISLEADING.values(), ids=MISLEADING)
async def test_cache_misleading_answer_evicts_no_key_and_brings_none(misleading, caplog):
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock, http_client=server.client(follow_redirects=True))
    server.answer = misleading
    clock.now += MAX_AGE
    assert cache.get("key_1") is not None
    await let_others_run()
    assert [str(request.url) for request in server.requests] == [URL]
    assert cache.get("key_1") is not None
    assert cache.get("key_2") is None
    with pytest.raises(KeysUnavailableError) as caught:
        await lookup(cache, "key_2")
    assert 1 <= caught.value.retry_after <= 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize("misleading", MISLEADING.values(), ids=MISLEADING)
async def test_cache_misleading_answer_before_any_key_is_unavailable(misleading):
    server = KeyServer()
    server.answer = misleading
    with pytest.raises(KeysUnavailableError) as caught:
        await lookup(make_cache(server), "key_2")
    assert caught.value.__context__ is None
    assert server.fetches == 1


ODD_BUT_READ: dict[str, bytes] = {
    "byte order mark": codecs.BOM_UTF8 + GOOD,
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "NaN": with_member("NaN").encode(),
    "-Infinity": with_member("[-Infinity,1e999]").encode(),
    "half of a surrogate pair": with_member('"\\ud800"').encode(),
    "a megabyte with its blanks": GOOD.ljust(MEGABYTE),
    "a megabyte of text": with_member('"' + "x" * 900_000 + '"').encode(),
    "repeated members": with_member('1,"x":2').encode(),
    "repeated keys, the last good": f'{{"keys":[],{TEXT[1:]}'.encode(),
    "100 levels": with_member("[" * 99 + "]" * 99).encode(),
}


@pytest.mark.parametrize("content", ODD_BUT_READ.values(), ids=ODD_BUT_READ)
async def test_cache_odd_answer_that_python_reads_brings_its_key_and_no_other(content):
    """RFC 8259 lets readers be lenient; nothing but what is in `keys` comes of it."""
    server = KeyServer()
    server.answer = answer(content)
    cache = make_cache(server)
    assert await lookup(cache, "key_2") is not None
    assert list(cache._held[0]) == ["key_2"]


class Endless(httpx.AsyncByteStream):
    """A body that never ends, and counts what was taken of it."""

    def __init__(self, chunk: bytes) -> None:
        self.chunk, self.taken, self.closed = chunk, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += len(self.chunk)
            yield self.chunk

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("chunk", [b" " * 99, b"[" * 1000, b"x" * 999_999])
@pytest.mark.parametrize("length", [None, "10", "99999999999999999999"])
async def test_cache_takes_a_megabyte_and_a_chunk_whatever_the_length_says(chunk, length):
    body = Endless(chunk)
    headers = {} if length is None else {"Content-Length": length}
    server = KeyServer()
    server.answer = lambda: httpx.Response(200, stream=body, headers=headers)
    with pytest.raises(KeysUnavailableError):
        await lookup(make_cache(server))
    assert body.taken <= MEGABYTE + len(chunk)
    assert body.closed


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "identity, gzip", "br", "x"])
async def test_cache_unfolds_nothing_of_a_bomb(coding):
    body = Endless(gzip.compress(bytes(1_000_000)))
    server = KeyServer()
    server.answer = lambda: httpx.Response(200, stream=body, headers={"Content-Encoding": coding})
    with pytest.raises(KeysUnavailableError):
        await lookup(make_cache(server))
    assert body.taken == 0
    assert body.closed


async def test_cache_lets_others_run_between_the_chunks_of_an_answer():
    server = KeyServer()
    server.answer = lambda: httpx.Response(200, stream=Endless(b" " * 99))
    waiting = asyncio.create_task(lookup(make_cache(server)))
    turns = 0
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > MEGABYTE // 99
    assert isinstance(waiting.exception(), KeysUnavailableError)


@given(st.data())
def test_read_keys_of_a_document_cut_or_spoiled_anywhere_is_that_set_or_refused(data):
    place = data.draw(st.integers(0, len(GOOD) - 1))
    spoiled = data.draw(
        st.sampled_from([GOOD[:place], GOOD[place + 1 :], GOOD[:place] + GOOD[place + 1 :]])
        | st.binary(min_size=1, max_size=3).map(lambda new: GOOD[:place] + new + GOOD[place + 1 :])
    )
    try:
        keys = read_keys(spoiled)
    except ValueError:
        return
    assert len(keys) == 1
    assert all(key.public_key.key_size >= 2048 for key in keys.values())


@pytest.mark.parametrize("part", ["1", '""', "null", "1e-400", "[]", "{}"])
def test_read_keys_refuses_a_document_of_too_many_values(part):
    assert read_keys(document(jwk())[:-2] + f"{f',{part}' * 9_900}]}}".encode())
    with pytest.raises(ValueError, match="too many"):
        read_keys(document(jwk())[:-2] + f"{f',{part}' * 10_000}]}}".encode())
