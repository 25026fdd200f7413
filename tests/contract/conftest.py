"""The suite runs against ours; ``--emulator`` names others, once for each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from contract_client import WorkOS
from emulators import RUNNERS


def pytest_addoption(parser: pytest.Parser) -> None:
    # pytest calls this only where the folder is named on the command line.
    parser.addoption("--emulator", action="append", choices=sorted(RUNNERS), dest="emulators")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "workos" in metafunc.fixturenames:
        names = metafunc.config.getoption("emulators", None) or ["ours"]
        metafunc.parametrize("workos", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def workos(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkOS]:
    with (
        RUNNERS[request.param](tmp_path_factory.mktemp("emulator")) as emulator,
        httpx.Client() as http,
    ):
        yield WorkOS(emulator, http)
