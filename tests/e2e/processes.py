"""The real processes under the browser: the emulator and the example application."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

TOKEN_LIFETIME_SECONDS = 3
_ROOT = Path(__file__).parents[2]
_DEADLINE_SECONDS = 30


class Emulator:
    """The emulator's own interface, over HTTP."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.base_url = variables["WORKOS_BASE_URL"]

    def control(self, method: str, name: str, **body: Any) -> Any:
        response = httpx.request(method, f"{self.base_url}/_emulator/{name}", json=body)
        response.raise_for_status()
        return response.json()

    def count(self, **match: str) -> int:
        """Count requests, by `endpoint` and `grant_type`."""
        response = httpx.get(f"{self.base_url}/_emulator/requests", params=match)
        count = response.json()["count"]
        assert isinstance(count, int)
        return count


@contextlib.contextmanager
def run_emulator() -> Iterator[Emulator]:
    command = ("-m", "authkit_asgi.cli", "emulate", "--port", "0")
    with _process(*command, "--token-lifetime", str(TOKEN_LIFETIME_SECONDS)) as process:
        assert process.stdout is not None
        yield Emulator(dict(re.findall(r"(WORKOS_\w+)=(\S+)", process.stdout.readline())))


@contextlib.contextmanager
def run_application(emulator: Emulator) -> Iterator[str]:
    """Serve the example application on `localhost` and yield its address."""
    port = free_port()
    address = f"http://localhost:{port}"
    variables = {
        **emulator.variables,
        "WORKOS_REDIRECT_URI": f"{address}/callback",
        "WORKOS_COOKIE_PASSWORD": "a password of at least 32 characters",
    }
    command = ("-m", "uvicorn", "--factory", "strict_app:make", "--port", str(port))
    with _process(*command, "--log-level", "warning", **variables) as process:
        _wait_until_served(address, process)
        yield address


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _process(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    clean = {name: v for name, v in os.environ.items() if not name.startswith("WORKOS_")}
    path = os.pathsep.join((str(_ROOT), str(Path(__file__).parent)))
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**clean, "PYTHONPATH": path, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_served(address: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        assert process.poll() is None, "the application ended"
        with contextlib.suppress(httpx.ConnectError):
            httpx.get(address)
            return
        assert time.monotonic() < deadline, "the application does not answer"
        time.sleep(0.05)
