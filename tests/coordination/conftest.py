"""Redis servers: one for all tests that leave it as it is, one each for the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "asgi"))

from redis_server import RedisServer, running

from authkit_asgi import redis, redis_connection


@pytest.fixture(scope="session")
def _common_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(_common_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis that is empty, and fast enough; what a test leaves in it has to expire by itself."""
    for module in (redis, redis_connection):
        monkeypatch.setattr(module, "CALL_SECONDS", 30)
    _common_server.admin.flushall()
    _common_server.admin.config_resetstat()
    yield _common_server
    endless = [name for name in _common_server.contents() if _common_server.admin.ttl(name) == -1]
    assert endless == []


@pytest.fixture
def own_server(tmp_path: object) -> Iterator[RedisServer]:
    """A Redis to kill, stop and spoil."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter waits for a Redis that is down."""
    for module in (redis, redis_connection):
        monkeypatch.setattr(module, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(redis_connection, "_DOWN_SECONDS", 0.02)
