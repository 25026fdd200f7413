"""The ASGI servers that the package is tested under, and what of them is their own affair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKind:
    """A server with its options, run as ``python -m …``."""

    name: str
    arguments: tuple[str, ...]
    """The site is `{site}`, its port `{port}`."""

    breaches: tuple[str, ...] = ()
    """What it does against the ASGI specification."""

    sends_headers_on_accept: bool = True
    """Whether headers of `websocket.accept` reach the client."""

    speaks_http2: bool = False
    """Whether it takes HTTP/2 without TLS, from clients that know it to."""

    tells_failed_startup: bool = True
    """Whether its exit status differs from 0 when the start-up has failed."""

    def command(self, site: str, port: int) -> tuple[str, ...]:
        return tuple(part.format(site=site, port=port) for part in ("-m", *self.arguments))


_UVICORN = ("uvicorn", "--factory", "{site}:make", "--port", "{port}")

KINDS = {
    kind.name: kind
    for kind in (
        ServerKind(
            name="uvicorn-h11",
            arguments=(*_UVICORN, "--http", "h11", "--ws", "wsproto", "--loop", "asyncio"),
        ),
        ServerKind(
            name="uvicorn-httptools",
            arguments=(*_UVICORN, "--http", "httptools", "--ws", "auto", "--loop", "uvloop"),
        ),
        ServerKind(
            name="hypercorn",
            arguments=("hypercorn", "{site}:make()", "--bind", "127.0.0.1:{port}"),
            speaks_http2=True,
            tells_failed_startup=False,  # it forgets the status of its worker
        ),
        ServerKind(
            name="granian",
            arguments=(
                *("granian", "--interface", "asgi", "--factory", "{site}:make"),
                *("--host", "127.0.0.1", "--port", "{port}"),
            ),
            breaches=("'client' is of type str", "'server' is of type str"),  # the ports
            speaks_http2=True,
            sends_headers_on_accept=False,
        ),
    )
}
