"""One emulator for all, and one process for each server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import server_processes
from emulated import PASSWORD
from server_kinds import KINDS
from server_processes import API_KEY, Server
from visitors import Visitor, visiting

UNWANTED = ("Traceback", "Warning", "never retrieved", "SpecificationError", PASSWORD, API_KEY)


@pytest.fixture(scope="session")
def workos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator."""
    with server_processes.emulator(tmp_path_factory.mktemp("workos") / "log") as address:
        yield address


@pytest.fixture(scope="session", params=KINDS.values(), ids=KINDS)
def server(
    request: pytest.FixtureRequest, workos: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    with server_processes.site(request.param, workos, log) as server:
        yield server


@pytest.fixture
def visitor(server: Server, workos: str) -> Iterator[Visitor]:
    """Somebody new; nothing that they do leaves an error or a secret in the server's log."""
    before = len(server.process.text)
    with visiting(server, workos) as visitor:
        yield visitor
    logged = server.process.text[before:]
    assert [text for text in UNWANTED if text in logged] == [], logged


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"
