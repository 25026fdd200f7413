"""The Node.js process in which the kits run, and what it takes to have one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PATIENCE_SECONDS = 30

KITS = (
    "iron-session",
    "@hapi/iron",
    "iron-webcrypto",
    "@workos/authkit-session",
    "@workos-inc/node",
)
ROTATING_KITS = KITS[:3]
"""Those that take a mapping from password id to password."""
EXPIRING_KITS = KITS[:4]
"""Those whose seals can be given a lifetime."""
NODE_8, NODE_10 = "@workos-inc/node", "workos-node-10"
"""The folders of two releases: only the newer one writes the user's `name`."""


def node_command(modules: Path = MODULES, program: str = "node") -> str:
    """Return where Node.js is; without it, or without the kits, the tests fail."""
    node = shutil.which(program)
    if node is None:
        pytest.fail(
            "These tests need Node.js 20.20 or newer on the path, then: make interop",
            pytrace=False,
        )
    if not modules.is_dir():
        pytest.fail("The JavaScript kits are not installed: run make interop", pytrace=False)
    return node


def clean_environment() -> dict[str, str]:
    """Return the environment without what would configure a kit."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WORKOS_")}


class Bridge:
    """Calls the operations of bridge.mjs, one after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, operation: str, **arguments: Any) -> Any:
        answer = self.attempt(operation, **arguments)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def attempt(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer, which has `value` or `error`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        # JSON in ASCII: so lone surrogates get there as they are.
        stdin.write(json.dumps({"operation": operation, **arguments}) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the bridge has ended; its standard error says why"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def opens(self, kit: str, sealed: str, password: Any, **more: Any) -> bool:
        """Tell whether a kit opens a seal."""
        cases = [{"sealed": sealed, "password": password}]
        (result,) = self("unseal", kit=kit, cases=cases, **more)
        return "payload" in result

    def unseal(self, kit: str, seals: Sequence[tuple[str, Any]], **more: Any) -> list[Any]:
        """Return the payloads of seals, each given with its password; all of them must open."""
        cases = [{"sealed": sealed, "password": password} for sealed, password in seals]
        results = self("unseal", kit=kit, cases=cases, **more)
        assert not [result for result in results if "payload" not in result]
        return [result["payload"] for result in results]


@contextlib.contextmanager
def run_bridge() -> Iterator[Bridge]:
    """Start the process, and end it by closing its standard input."""
    process = subprocess.Popen(
        [node_command(), "bridge.mjs"],
        cwd=HERE,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        try:
            yield Bridge(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
