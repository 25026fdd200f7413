"""nginx in front of workers as a cache, in ways that people set it up, of which none is careful.

The key of a response is its address: no cookie stands in it. So it depends on what the response
says of caches who else is given it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nginx_process import running_nginx
from redis_server import free_port

SHIPPED = "as shipped"
GREEDY = "after RFC 9111"
WITHOUT_VARY = "without Vary"
CACHES = {
    # Obeys Cache-Control and Vary, and keeps nothing with Set-Cookie.
    SHIPPED: "",
    # Set-Cookie keeps nothing out (RFC 9111, 7.3), and what says nothing lives for a while (4.2.2).
    GREEDY: "proxy_ignore_headers Set-Cookie; proxy_cache_valid 200 301 404 410 60s;",
    # As delivery networks do; and requests wait for one another, or get what is old meanwhile.
    WITHOUT_VARY: """
      proxy_ignore_headers Set-Cookie Vary;
      proxy_cache_lock on;
      proxy_cache_use_stale updating error timeout;
      proxy_cache_background_update on;""",
}
"""By name, with the settings in which they differ."""

OWN_WORKER = "x-browser"
"""The request header that chooses a worker where each browser has its own."""

_HTTP = """
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
upstream any_worker {{ {any_worker} }}
upstream own_worker {{ hash $http_{header}; {own_worker} }}
proxy_cache_key $scheme$host$request_uri;
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
proxy_buffer_size 16k;
proxy_buffers 8 16k;
add_header X-Cache-Status $upstream_cache_status always;
add_header X-Workers $upstream_addr always;
{caches}
"""
_CACHE = """
proxy_cache_path {folder}/cache-{number} keys_zone=zone_{number}:4m;
server {{
  listen 127.0.0.1:{port};
  {settings}
  proxy_cache zone_{number};
  location / {{ proxy_pass http://any_worker; }}
}}
server {{
  listen 127.0.0.1:{own_port};
  {settings}
  proxy_cache zone_{number};
  proxy_next_upstream off;
  location / {{ proxy_pass http://own_worker; }}
}}
"""


@dataclass(frozen=True)
class Front:
    """The two ports of one cache."""

    name: str
    port: int
    """Where any worker answers; where one is gone, nginx sends a GET to the next."""
    own_port: int
    """Where the same worker always answers the same browser, or nobody."""


@contextlib.contextmanager
def caching_front(
    folder: Path, workers: Sequence[int], ports: Sequence[int]
) -> Iterator[list[Front]]:
    """Run nginx with each of `CACHES` in front of the workers of some ports, at `front_ports`."""
    fronts = [
        Front(name, port, own_port)
        for name, port, own_port in zip(CACHES, ports[::2], ports[1::2], strict=True)
    ]
    caches = "".join(
        _CACHE.format(
            folder=folder,
            number=number,
            port=front.port,
            own_port=front.own_port,
            settings=CACHES[front.name],
        )
        for number, front in enumerate(fronts)
    )
    http = _HTTP.format(
        header=OWN_WORKER.replace("-", "_"),
        any_worker="".join(f"server 127.0.0.1:{port};" for port in workers),
        # None is ever taken for gone: its place is kept until it is back.
        own_worker="".join(f"server 127.0.0.1:{port} max_fails=0;" for port in workers),
        caches=caches,
    )
    with running_nginx(folder, http, port=fronts[0].port):
        yield fronts


def front_ports() -> list[int]:
    """Return ports that nobody uses, of which workers have to know the first: their origin's."""
    return [free_port() for _ in range(2 * len(CACHES))]
