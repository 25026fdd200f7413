"""nginx on loopback, with a configuration of its own; ended by its own handle."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_DEADLINE_SECONDS = 60
_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  {places}
  {http}
}}
"""


def nginx_executable() -> str:
    path = shutil.which("nginx")
    if path is None:
        raise RuntimeError("the tests need nginx: apt-get install nginx-light")
    return path


@contextlib.contextmanager
def running_nginx(folder: Path, http: str, *, port: int) -> Iterator[None]:
    """Run nginx with what is to stand in its `http` block, and wait until a port is served."""
    with subprocess.Popen([*_command(folder, http)]) as process:
        try:
            _wait_until_open(port, process)
            yield
        finally:
            process.terminate()


def check_nginx(folder: Path, http: str) -> int:
    """Return what nginx's own check says of what stands in `http`: 0 for good."""
    return subprocess.run([*_command(folder, http), "-t", "-q"], check=False).returncode


def _command(folder: Path, http: str) -> tuple[str, ...]:
    places = "".join(f"{place}_temp_path {folder}/{place};" for place in _PLACES)
    file = folder / "nginx.conf"
    file.write_text(
        _CONFIGURATION.format(folder=folder, places=places, http=http), encoding="utf-8"
    )
    return nginx_executable(), "-e", f"{folder}/error.log", "-c", str(file)


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        assert process.poll() is None, "nginx ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline, "nginx does not answer"
        time.sleep(0.05)
