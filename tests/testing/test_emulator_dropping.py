"""Dropping the connection of a client that has left by itself."""

from __future__ import annotations

import httpx
import pytest

from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.server import serve_in_thread

JWKS = "/sso/jwks/client_emulator"


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_client_that_left_while_the_emulator_hung_raises_nothing_there(
    emulator: WorkOSEmulator, http: str, loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.fail("jwks", hang=True)
    served = serve_in_thread(
        emulator.app, port=0, on_shutdown=emulator.clear_faults, http=http, loop=loop
    )
    with served as base_url, pytest.raises(httpx.ReadTimeout):
        httpx.get(base_url + JWKS, timeout=httpx.Timeout(30, read=0.1))
    assert emulator.count("jwks", status=None) == 1
    assert [record.exc_text or record.message for record in caplog.records] == []
