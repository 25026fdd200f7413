"""What these tests take from the folders beside this one: the parts of a site, a Redis server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for folder in ("asgi", "coordination"):
    path = str(Path(__file__).parent.parent / folder)
    if path not in sys.path:
        sys.path.append(path)

from redis_server import RedisServer, running  # noqa: E402  # of a folder added above

from authkit_asgi import redis, redis_connection  # noqa: E402


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """A Redis that is empty, and fast enough."""
    for module in (redis, redis_connection):
        monkeypatch.setattr(module, "CALL_SECONDS", 30)
    _server.admin.flushall()
    return _server
