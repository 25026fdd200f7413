"""What the key cache logs."""

from __future__ import annotations

import logging

import httpx
import pytest
from key_server import Clock, KeyServer, lookup, make_cache, raiser, warm_cache

from authkit_asgi.errors import KeysUnavailableError

pytestmark = pytest.mark.anyio


async def test_log_warns_once_for_each_failed_fetch_and_tells_when_it_is_over(caplog):
    caplog.set_level(logging.DEBUG, logger="authkit_asgi")
    server, clock = KeyServer(), Clock()
    cache = await warm_cache(server, clock)
    assert caplog.records == []
    server.break_down()
    for _ in range(100):
        with pytest.raises(KeysUnavailableError):
            await lookup(cache, "kid-of-a-token")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("authkit_asgi.jwks", "WARNING")
    assert "status 503" in record.getMessage()
    server.publish("key_1")
    clock.now += 2
    await lookup(cache, "kid-of-a-token")
    clock.now += 30
    await lookup(cache, "kid-of-a-token")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "kid-of-a-token" not in caplog.text


async def test_log_escapes_what_the_server_says(caplog):
    server = KeyServer()
    server.answer = raiser(httpx.RemoteProtocolError("bad\r\nINFO forged" + "x" * 10_000))
    with pytest.raises(KeysUnavailableError):
        await lookup(make_cache(server))
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 400
    assert record.exc_info is None
