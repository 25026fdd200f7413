"""The processes of the storm: an emulator, and applications of one, three and four workers."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "coordination"))

from caching_front import caching_front, front_ports
from redis_server import RedisServer, running
from soak_browser import Surroundings
from storm_processes import (
    Emulator,
    emulator_process,
    site_variables,
    workers,
    workers_of_one_port,
)


@pytest.fixture(scope="session")
def _workos_process() -> Iterator[Emulator]:
    with emulator_process() as workos:
        yield workos


@pytest.fixture
def workos(_workos_process: Emulator) -> Emulator:
    """A WorkOS in its strictest mode, which takes 300 ms to authenticate."""
    _workos_process.start_afresh()
    _workos_process.delay()
    return _workos_process


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("storm")) as server:
        yield server


@pytest.fixture(scope="session")
def single(_workos_process: Emulator) -> Iterator[list[int]]:
    """The port of one worker that is all there is."""
    with workers(_workos_process, 1) as started:
        yield [worker.port for worker in started]


@pytest.fixture(scope="session")
def trio(_workos_process: Emulator, shared_redis: RedisServer) -> Iterator[list[int]]:
    """The ports of three workers that share a Redis."""
    with workers(_workos_process, 3, redis_url=shared_redis.url) as started:
        yield [worker.port for worker in started]


@pytest.fixture(scope="session")
def single_as_shipped(_workos_process: Emulator) -> Iterator[list[int]]:
    """As `single`, with no timeout changed."""
    with workers(_workos_process, 1, is_patient=False) as started:
        yield [worker.port for worker in started]


@pytest.fixture(scope="session")
def trio_as_shipped(_workos_process: Emulator, shared_redis: RedisServer) -> Iterator[list[int]]:
    """As `trio`, with no timeout changed."""
    redis_url = shared_redis.url
    with workers(_workos_process, 3, redis_url=redis_url, is_patient=False) as started:
        yield [worker.port for worker in started]


@pytest.fixture(scope="session")
def quartet(_workos_process: Emulator) -> Iterator[list[int]]:
    """The one port of `uvicorn --workers 4`, which share nothing but their settings."""
    with workers_of_one_port(_workos_process, 4) as port:
        yield [port]


@pytest.fixture(scope="session")
def soaked_site(
    _workos_process: Emulator, shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Surroundings]:
    """The site of the soak at two workers, behind each kind of cache; nothing happens to them."""
    folder, ports = tmp_path_factory.mktemp("caches"), front_ports()
    origin = f"http://localhost:{ports[0]}"
    variables = site_variables(folder / "evidence", origin)
    with (
        workers(
            _workos_process, 2, redis_url=shared_redis.url, site="soak_site", **variables
        ) as started,
        caching_front(folder, [worker.port for worker in started], ports) as fronts,
    ):
        yield Surroundings(
            fronts=fronts,
            origin=origin,
            workos_port=_workos_process.port,
            user_ids=["user_0", "user_1", "user_2"],
            random=random.Random(8),  # noqa: S311  # no secret
        )
