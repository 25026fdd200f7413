"""The emulator of WorkOS as a process beside the demo."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

_STOP_SECONDS = 5  # how long the emulator may take to end before it is killed


@contextlib.contextmanager
def emulator(port: int, *, token_lifetime: int, webhook_url: str) -> Iterator[Mapping[str, str]]:
    """Run the emulator, which sends its webhooks to `webhook_url`; yield the `WORKOS_*` variables.

    They are empty if it did not start; it has said why on standard error then. Where `port` is
    taken a free one is used.
    """
    command = (
        *(sys.executable, "-m", "authkit_asgi.cli", "emulate"),
        *("--port", str(port if _is_free(port) else 0)),
        *("--token-lifetime", str(token_lifetime)),
        *("--webhook-url", webhook_url),
    )
    process = subprocess.Popen(  # noqa: S603  # a fixed command; its arguments are ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        # A group of its own: Ctrl-C ends the application first, which then ends the emulator.
        process_group=0,
    )
    with process:
        try:
            # It prints one line, once it listens: "WorkOS emulator at … - set NAME=value …".
            line = process.stdout.readline() if process.stdout else ""
            yield dict(re.findall(r"(WORKOS_\w+)=(\S+)", line))
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    # An impatient second Ctrl-C must not leave the emulator behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
