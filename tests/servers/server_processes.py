"""The emulator and a server with the site, each a process on a loopback port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from emulated import PASSWORD
from server_kinds import ServerKind

API_KEY = "sk_test_emulator"

_PATIENCE_SECONDS = 60  # until a test gives up; nothing waits for so long
_POLL_SECONDS = 0.05
_SITE = "server_site"


@dataclass(frozen=True)
class Process:
    """A process, the whole group of those it has started, and where they write."""

    handle: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to end, wait until it has with all that it has started; return its status."""
        self.handle.terminate()
        status = self.handle.wait(_PATIENCE_SECONDS)
        until(lambda: not self.has_children())
        return status

    def has_children(self) -> bool:
        """Tell whether something it has started is still there, after its own end."""
        try:
            os.killpg(self.handle.pid, 0)
        except ProcessLookupError:
            return False
        return True


@dataclass(frozen=True)
class Server:
    """A running server with the site."""

    kind: ServerKind
    address: str
    process: Process


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again until something holds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def emulator(log: Path) -> Iterator[str]:
    """Run the emulator and yield its address."""
    emulate = ("-m", "authkit_asgi.cli", "emulate", "--port", "0")
    with _process(*emulate, log=log) as process:
        yield _first_line(process).split()[3]


@contextlib.contextmanager
def site(kind: ServerKind, emulator_url: str, log: Path) -> Iterator[Server]:
    """Run the site under a server of that kind, which answers by then."""
    port = _free_port()
    with server(kind, port, log, WORKOS_BASE_URL=emulator_url) as process:
        address = f"http://127.0.0.1:{port}"
        until(lambda: _answers(process, address))
        yield Server(kind, address, process)


@contextlib.contextmanager
def server(kind: ServerKind, port: int, log: Path, **variables: str) -> Iterator[Process]:
    """Run a server of that kind, which may end by itself if the `variables` are wrong."""
    settings = {
        "WORKOS_CLIENT_ID": "client_emulator",
        "WORKOS_API_KEY": API_KEY,
        "WORKOS_COOKIE_PASSWORD": PASSWORD,
        "WORKOS_REDIRECT_URI": f"http://127.0.0.1:{port}/callback",
        "ASGI_BREACHES": "|".join(kind.breaches),
    }
    with _process(*kind.command(_SITE, port), log=log, **{**settings, **variables}) as process:
        yield process


def wait_for_end(process: Process) -> int:
    """Wait until a process has ended by itself, and return its status."""
    return process.handle.wait(_PATIENCE_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(process: Process, address: str) -> bool:
    assert process.handle.poll() is None, process.text
    with contextlib.suppress(httpx.TransportError):
        httpx.get(f"{address}/me", trust_env=False, timeout=_PATIENCE_SECONDS)
        return True
    return False


def _first_line(process: Process) -> str:
    def has_one() -> bool:
        assert process.handle.poll() is None, process.text
        return "\n" in process.text

    until(has_one)
    return process.text.partition("\n")[0]


@contextlib.contextmanager
def _process(*arguments: str, log: Path, **variables: str) -> Iterator[Process]:
    """Run Python in a process group of its own, of which nothing is left after the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKOS_")}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-X", "dev", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**kept, "PYTHONUNBUFFERED": "1", **variables},
            cwd=Path(__file__).parent,
            start_new_session=True,
        ) as running,
    ):
        process = Process(running, log)
        try:
            yield process
            if running.poll() is None:
                process.stop()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
