"""The whole way under uvicorn, a process of its own; `make servers` has the other servers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "servers"))

import server_processes
from server_kinds import ServerKind
from visitors import visiting
from whole_way import go_the_whole_way

COMMAND = ("uvicorn", "--factory", "{site}:make", "--port", "{port}", "--lifespan")


@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_sign_in_outlives_its_access_token_and_ends_with_sign_out(tmp_path, lifespan):
    kind = ServerKind(name="uvicorn", arguments=(*COMMAND, lifespan))
    with (
        server_processes.emulator(tmp_path / "workos") as workos,
        server_processes.site(kind, workos, tmp_path / "log") as server,
        visiting(server, workos) as visitor,
    ):
        go_the_whole_way(visitor)
        logged = server.process.text
    assert "Traceback" not in logged, logged
