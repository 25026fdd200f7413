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
from certificate import Certificate

TOKEN_LIFETIME_SECONDS = 3
SECURE_HOST = "app.example"
"""Where the application is with https; the browser is told that it is this machine."""

_ROOT = Path(__file__).parents[2]
_DEADLINE_SECONDS = 60  # an overloaded machine takes that long to start a server


class Emulator:
    """The emulator's own interface, over HTTP."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.base_url = variables["WORKOS_BASE_URL"]

    def control(self, method: str, name: str, **body: Any) -> Any:
        address = f"{self.base_url}/_emulator/{name}"
        response = httpx.request(method, address, json=body, timeout=_DEADLINE_SECONDS)
        response.raise_for_status()
        return response.json()

    def api(self, method: str, path: str, **body: Any) -> Any:
        """Call WorkOS's own API, below /user_management."""
        key = {"Authorization": f"Bearer {self.variables['WORKOS_API_KEY']}"}
        address = f"{self.base_url}/user_management/{path}"
        response = httpx.request(method, address, headers=key, json=body, timeout=_DEADLINE_SECONDS)
        response.raise_for_status()
        return response.json()

    def count(self, **match: str) -> int:
        """Count requests, by `endpoint` and `grant_type`."""
        address = f"{self.base_url}/_emulator/requests"
        response = httpx.get(address, params=match, timeout=_DEADLINE_SECONDS)
        count = response.json()["count"]
        assert isinstance(count, int)
        return count

    def wait_for_exchanges(self, number: int) -> None:
        """Wait until that many refresh tokens have arrived, answered or not."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while self.count(endpoint="authenticate", grant_type="refresh_token") < number:
            assert time.monotonic() < deadline, "the refresh token does not arrive"
            time.sleep(0.05)


@contextlib.contextmanager
def run_emulator() -> Iterator[Emulator]:
    command = ("-m", "authkit_asgi.cli", "emulate", "--port", "0")
    with _process(*command, "--token-lifetime", str(TOKEN_LIFETIME_SECONDS)) as process:
        assert process.stdout is not None
        yield Emulator(dict(re.findall(r"(WORKOS_\w+)=(\S+)", process.stdout.readline())))


@contextlib.contextmanager
def run_application(
    emulator: Emulator,
    *,
    same_site: str = "lax",
    certificate: Certificate | None = None,
    public_port: int | None = None,
    **more: str,
) -> Iterator[str]:
    """Serve the example application and yield its address.

    That is on `localhost`, or with a certificate on `SECURE_HOST`. Browsers may reach it on another
    port, through a proxy. `more` are variables of its own.
    """
    port = free_port()
    address = f"https://{SECURE_HOST}:{port}" if certificate else f"http://localhost:{port}"
    public = f"http://localhost:{public_port}" if public_port else address
    variables = {
        **emulator.variables,
        "WORKOS_REDIRECT_URI": f"{public}/callback",
        "WORKOS_COOKIE_PASSWORD": "a password of at least 32 characters",
        "WORKOS_COOKIE_SAME_SITE": same_site,
        **more,
    }
    with _server("strict_app:make", "--factory", port=port, certificate=certificate, **variables):
        yield address


@contextlib.contextmanager
def run_other_site() -> Iterator[int]:
    """Serve the other site under every name that leads here, and yield its port."""
    port = free_port()
    with _server("other_site:app", port=port):
        yield port


@contextlib.contextmanager
def run_application_at(host: str, emulator: Emulator, **more: str) -> Iterator[str]:
    """Serve the example application under a name of this machine's and yield its address.

    `more` are variables of its own.
    """
    port = free_port()
    address = f"http://{host}:{port}"
    variables = {
        **emulator.variables,
        "WORKOS_REDIRECT_URI": f"{address}/callback",
        "WORKOS_COOKIE_PASSWORD": "a password of at least 32 characters",
        **more,
    }
    with _server("strict_app:make", "--factory", port=port, **variables):
        yield address


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _server(
    app: str, *options: str, port: int, certificate: Certificate | None = None, **variables: str
) -> Iterator[None]:
    arguments = ("-m", "uvicorn", app, *options, "--port", str(port), "--log-level", "warning")
    if certificate is not None:
        arguments = (*arguments, "--ssl-certfile", str(certificate.path))
    with _process(*arguments, **variables) as process:
        _wait_until_served(port, certificate, process)
        yield


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


def _wait_until_served(
    port: int, certificate: Certificate | None, process: subprocess.Popen[str]
) -> None:
    scheme, verify = ("https", certificate.client_context()) if certificate else ("http", True)
    extensions = {"sni_hostname": SECURE_HOST} if certificate else {}
    deadline = time.monotonic() + _DEADLINE_SECONDS
    with httpx.Client(verify=verify, trust_env=False, timeout=_DEADLINE_SECONDS) as client:
        while True:
            assert process.poll() is None, "the application ended"
            with contextlib.suppress(httpx.ConnectError):
                client.get(f"{scheme}://127.0.0.1:{port}", extensions=extensions)
                return
            assert time.monotonic() < deadline, "the application does not answer"
            time.sleep(0.05)
