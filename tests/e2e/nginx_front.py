"""nginx in front of an application, as people put it there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from nginx_process import running_nginx

DEFAULTS = ""
DOCUMENTED = "proxy_buffer_size 16k; proxy_buffers 8 16k;"
"""What docs/guides/proxy.md asks for, beside nginx's defaults."""


@contextlib.contextmanager
def run_nginx(
    folder: Path, *, port: int, backend: int, settings: str = DOCUMENTED
) -> Iterator[None]:
    """Pass on what comes to one port to another; `settings` differ from nginx's own."""
    http = f"""
    server {{
      listen 127.0.0.1:{port};
      {settings}
      location / {{ proxy_pass http://127.0.0.1:{backend}; }}
    }}"""
    with running_nginx(folder, http, port=port):
        yield
