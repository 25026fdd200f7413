"""nginx in front of an application, as people put it there."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DEFAULTS = ""
DOCUMENTED = "proxy_buffer_size 16k; proxy_buffers 8 16k;"
"""What docs/guides/proxy.md asks for, beside nginx's defaults."""

_DEADLINE_SECONDS = 60
_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {settings}
    location / {{
      proxy_pass http://127.0.0.1:{backend};
    }}
  }}
}}
"""


@contextlib.contextmanager
def run_nginx(
    folder: Path, *, port: int, backend: int, settings: str = DOCUMENTED
) -> Iterator[None]:
    """Pass on what comes to one port to another; `settings` differ from nginx's own."""
    path = shutil.which("nginx")
    if path is None:
        pytest.fail("The browser tests need nginx: apt-get install nginx", pytrace=False)
    file = folder / "nginx.conf"
    text = _CONFIGURATION.format(folder=folder, port=port, backend=backend, settings=settings)
    file.write_text(text, encoding="utf-8")
    with subprocess.Popen([path, "-e", f"{folder}/error.log", "-c", str(file)]) as process:
        try:
            _wait_until_open(port, process)
            yield
        finally:
            process.terminate()


def check_nginx(folder: Path, block: str) -> int:
    """Return what nginx's own check says of what stands in `http`: 0 for good."""
    path = shutil.which("nginx")
    assert path is not None
    file = folder / "checked.conf"
    start = f"pid {folder}/pid; error_log {folder}/error.log; events {{}}"
    places = "".join(f"{one}_temp_path {folder}/{one};" for one in _PLACES)
    file.write_text(f"{start} http {{ access_log off; {places} {block} }}", encoding="utf-8")
    command = [path, "-t", "-q", "-e", f"{folder}/error.log", "-c", str(file)]
    return subprocess.run(command, check=False).returncode


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        assert process.poll() is None, "nginx ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline, "nginx does not answer"
        time.sleep(0.05)
