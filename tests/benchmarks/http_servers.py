"""Servers of the bench site, each a uvicorn of its own on the first core, and wrk on the second."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from in_process import FERNET_KEY
from one_request import PASSWORD, SignedInUser
from redis_server import free_port
from storm_processes import ending, wait_until_served

CONNECTIONS = 16

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Site:
    """What one server serves."""

    framework: str
    check: str
    workers: int = 1


@dataclass(frozen=True)
class Measure:
    """What wrk has counted."""

    rate: float
    p50: float
    p99: float
    busy: float
    """Seconds of the server's processor time that a request took; of its first process alone."""


@dataclass(frozen=True)
class Server:
    """A server that is up."""

    address: str
    process: int

    @property
    def busy(self) -> float:
        """The seconds of processor time that its process has had."""
        stat = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def on_core(number: int, *command: str) -> list[str]:
    """Return a command held to one core, where the machine can do that."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) <= number:
        return list(command)
    return ["taskset", "--cpu-list", str(number), *command]


@contextlib.contextmanager
def served(site: Site, user: SignedInUser) -> Iterator[Server]:
    """Serve a site; several workers take whichever core is free."""
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "http_site:make"]
    uvicorn += ["--port", str(port), "--log-level", "critical", "--no-access-log"]
    uvicorn += ["--workers", str(site.workers)]
    command = on_core(0, *uvicorn) if site.workers == 1 else uvicorn
    environment = {
        **{name: v for name, v in os.environ.items() if not name.startswith("WORKOS_")},
        "WORKOS_CLIENT_ID": user.config.client_id,
        "WORKOS_API_KEY": str(user.config.api_key),
        "WORKOS_REDIRECT_URI": user.config.redirect_uri,
        "WORKOS_COOKIE_PASSWORD": PASSWORD,
        "WORKOS_BASE_URL": user.config.api_base_url,
        "BENCH_FERNET_KEY": FERNET_KEY,
        "BENCH_FRAMEWORK": site.framework,
        "BENCH_CHECK": site.check,
    }
    process = subprocess.Popen(command, cwd=Path(__file__).parent, env=environment, text=True)
    with ending(process):
        wait_until_served(port, process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)


def check_served(server: Server, cookie: str | None, *, is_signed_in: bool) -> None:
    """See that a site answers as it has to; a wrong answer's time means nothing.

    Raises:
        RuntimeError: It does not.
    """
    headers = {} if cookie is None else {"Cookie": cookie}
    status = httpx.get(f"{server.address}/who", headers=headers, trust_env=False).status_code
    if status != (200 if is_signed_in else 401):
        raise RuntimeError(f"status {status}, so the times mean nothing")


def load(server: Server, cookie: str | None, seconds: float) -> Measure:
    """Let wrk ask for as long, over connections that are kept.

    Raises:
        RuntimeError: Not every request was answered with status 200.
    """
    wrk = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--latency"]
    wrk += ["--duration", f"{max(1, round(seconds))}s"]
    if cookie is not None:
        wrk += ["--header", f"Cookie: {cookie}"]
    command = on_core(1, *wrk, f"{server.address}/")
    before = server.busy
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"not every request was answered:\n{said}")
    waits = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+[a-z]+)\s*$", said, re.MULTILINE))
    busy = server.busy - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    number = re.search(r"(\d+) requests in ", said)
    assert rate is not None
    assert number is not None
    return Measure(
        rate=float(rate[1]),
        p50=_seconds(waits["50"]),
        p99=_seconds(waits["99"]),
        busy=busy / int(number[1]),
    )


def wrk_version() -> str:
    """Return what wrk calls itself; it ends with status 1 when asked."""
    said = subprocess.run(["wrk", "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"wrk \S+", said.stdout)
    return found[0] if found else "wrk"


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
