"""The peers that run in processes of their own: Python's in an environment of their own, Node's."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey
from names import AUTH0, AUTHKIT_SESSION, CLERK, PEERS, WORKOS_NODE
from one_request import PASSWORD, SignedInUser
from rounds import Turn

_HERE = Path(__file__).parent
_NOT_INSTALLED = "not installed"
_END_SECONDS = 30


@dataclass(frozen=True)
class _Host:
    """A program that authenticates by the peers it is asked for."""

    command: tuple[str, ...]
    names: tuple[str, ...]


def _hosts() -> list[_Host]:
    python = Path(sys.prefix) / "peers" / "bin" / "python"
    return [
        _Host((str(python), str(_HERE / "python_peers.py")), (AUTH0, CLERK)),
        _Host(("node", str(_HERE / "node_peers.mjs")), (WORKOS_NODE, AUTHKIT_SESSION)),
    ]


class PeerProcess:
    """A process that does as many authentications as it is told, and says how long that took."""

    def __init__(self, process: subprocess.Popen[str], names: tuple[str, ...]) -> None:
        self._process = process
        self._names = names

    def ask(self, **question: Any) -> Any:
        """Send a line of JSON and return the line it is answered with.

        Raises:
            RuntimeError: The process has ended, or a peer refused the session.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise RuntimeError(f"{' or '.join(self._names)}: {answer['error']}")
        return answer

    def turn(self, name: str) -> Turn:
        return lambda times: float(self.ask(name=name, times=times)["seconds"])


@contextlib.contextmanager
def _running(host: _Host) -> Iterator[PeerProcess | None]:
    if shutil.which(host.command[0]) is None:
        yield None
        return
    with subprocess.Popen(
        host.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield PeerProcess(process, host.names)
        finally:
            process.terminate()
            process.wait(_END_SECONDS)


@contextlib.contextmanager
def peer_turns(user: SignedInUser) -> Iterator[tuple[dict[str, Turn], dict[str, str]]]:
    """Yield the peers that there are, and why the others are not."""
    payload = {
        "answer": dict(user.answer),
        "key": _public_key(user),
        "password": PASSWORD,
        "base_url": user.config.api_base_url,
        "client_id": user.config.client_id,
    }
    turns: dict[str, Turn] = {}
    with contextlib.ExitStack() as stack:
        for host in _hosts():
            process = stack.enter_context(_running(host))
            if process is not None:
                ready = process.ask(payload=payload)["versions"]
                turns |= {name: process.turn(name) for name in host.names if name in ready}
        yield turns, {name: _NOT_INSTALLED for name in PEERS if name not in turns}


def peer_versions() -> list[str]:
    """Return what the peers are, with their versions."""
    versions: list[str] = []
    for host in _hosts():
        with _running(host) as process:
            if process is not None:
                versions += process.ask(payload=None)["versions"].values()
    return versions


def _public_key(user: SignedInUser) -> str:
    key = RSAKey.import_key(user.emulator.jwks["keys"][0])
    return key.as_pem(private=False).decode()
