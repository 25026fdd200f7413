"""An emulated WorkOS served over HTTP, a Redis, and an environment without settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "coordination"))

from examined import environment
from redis_server import RedisServer, running

from authkit_asgi.testing import WorkOSEmulator


@pytest.fixture
def api(emulator: WorkOSEmulator) -> Iterator[str]:
    """The address of `emulator`, which is served."""
    with emulator.serve() as address:
        yield address


@pytest.fixture
def environ(api: str) -> dict[str, str]:
    """Variables with which nothing is wrong."""
    return environment(WORKOS_BASE_URL=api)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis to spoil."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WORKOS_")]:
        monkeypatch.delenv(name)
