"""The emulator and the workers of an application, each a process on a loopback port."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from emulated import PASSWORD, sealed
from redis_server import free_port

DELAY = 0.3  # seconds that WorkOS takes to authenticate
SITE = "storm_site"
ISSUER = "https://api.workos.com/user_management/client_emulator"
ORGANIZATIONS = ("org_first", "org_second", "org_third")

_OPEN_FILES = 4096  # room for a thousand connections to one process
_START_SECONDS = 60  # an overloaded machine takes that long to start a server
_PATIENT = {
    "STORM_API_TIMEOUT": "60",
    "STORM_REFRESH_TIMEOUT": "60",
    "STORM_REDIS_TIMEOUT": "30",
}


@dataclass(frozen=True)
class Member:
    """Somebody who has signed in, and what the browser was given then."""

    user_id: str
    cookie: str = field(repr=False)


class Emulator:
    """The emulator's own interface, over HTTP."""

    def __init__(self, variables: dict[str, str], client: httpx.Client) -> None:
        self.variables = variables
        self._client = client

    def control(self, method: str, name: str, /, **body: Any) -> Any:
        response = self._client.request(method, f"/_emulator/{name}", json=body)
        response.raise_for_status()
        return response.json()

    def start_afresh(self) -> None:
        """Forget everything, and be as strict as at the start."""
        self.control("DELETE", "faults")
        self.control("POST", "reset")
        for name in ORGANIZATIONS:
            self.control("POST", "organizations", name=name, organization_id=name)

    def delay(self) -> None:
        """Take some time to authenticate, in place of any faults."""
        self.control("DELETE", "faults")
        self.control("POST", "faults", endpoint="authenticate", delay=DELAY, times=None)

    def members(self, number: int, *organizations: str, lifetime: int = -60) -> list[Member]:
        """Sign new users in; unless a lifetime is given, their access tokens have expired."""
        return [
            self._member(f"user_{index}", organizations or ORGANIZATIONS[:1], lifetime)
            for index in range(number)
        ]

    def _member(self, user_id: str, organizations: Sequence[str], lifetime: int) -> Member:
        self.control("POST", "users", email=f"{user_id}@example.com", user_id=user_id)
        for name in organizations:
            self.control("POST", "memberships", user_id=user_id, organization_id=name)
        return self.sign_in(user_id, lifetime)

    def sign_in(self, user_id: str, lifetime: int) -> Member:
        answer = self.control("POST", "sign-in", user_id=user_id, lifetime=lifetime)
        return Member(user_id, sealed(answer))

    def exchanges(self) -> list[int | None]:
        """Return the status that each refresh token was answered with."""
        return [
            record["status"]
            for record in self._client.get(
                "/_emulator/requests",
                params={"endpoint": "authenticate", "grant_type": "refresh_token"},
            ).json()["data"]
        ]

    def sessions(self, members: list[Member]) -> int:
        """Return how many sessions the members have that have not ended."""
        return sum(len(self._sessions_of(member.user_id)) for member in members)

    def session_ids(self, user_id: str) -> set[str]:
        """Return the ids of a user's sessions that have not ended."""
        return {session["id"] for session in self._sessions_of(user_id)}

    def revoke(self, member: Member) -> None:
        """End a member's sessions, as WorkOS's dashboard does."""
        for session in self._sessions_of(member.user_id):
            address = "/user_management/sessions/revoke"
            body = {"session_id": session["id"]}
            self._client.post(address, headers=self._key, json=body).raise_for_status()

    def _sessions_of(self, user_id: str) -> list[dict[str, Any]]:
        address = f"/user_management/users/{user_id}/sessions"
        return self._client.get(address, headers=self._key).json()["data"]

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return urlsplit(self.variables["WORKOS_BASE_URL"]).port or 80

    @property
    def _key(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.variables['WORKOS_API_KEY']}"}


@dataclass
class Worker:
    """A worker and its port, which one started in its place takes over."""

    port: int
    process: subprocess.Popen[str]


@contextlib.contextmanager
def emulator_process(*options: str) -> Iterator[Emulator]:
    """Run a WorkOS that takes each refresh token once, else ends the session."""
    command = ("authkit_asgi.cli", "emulate", "--port", "0", "--reuse-revokes-session", *options)
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(ending(start(*command, stdout=subprocess.PIPE)))
        assert process.stdout is not None
        variables = dict(re.findall(r"(WORKOS_\w+)=(\S+)", process.stdout.readline()))
        client = httpx.Client(
            base_url=variables["WORKOS_BASE_URL"], trust_env=False, timeout=_START_SECONDS
        )
        yield Emulator(variables, stack.enter_context(client))


@contextlib.contextmanager
def workers(
    workos: Emulator,
    number: int,
    *,
    redis_url: str | None = None,
    is_patient: bool = True,
    site: str = SITE,
    **variables: str,
) -> Iterator[list[Worker]]:
    """Run workers, each a uvicorn on a port of its own.

    Patient ones wait for longer than a machine may take; the others have the timeouts shipped.
    """
    if is_patient:
        variables = {**_PATIENT, **variables}
    with contextlib.ExitStack() as stack:
        started = [
            Worker(port, start_worker(workos, port, redis_url=redis_url, site=site, **variables))
            for port in (free_port() for _ in range(number))
        ]
        for worker in started:
            stack.callback(lambda worker=worker: end(worker.process))
        for worker in started:
            wait_until_served(worker.port, worker.process)
        yield started


def start_worker(
    workos: Emulator,
    port: int,
    *options: str,
    redis_url: str | None = None,
    site: str = SITE,
    **variables: str,
) -> subprocess.Popen[str]:
    environment = {
        **workos.variables,
        "WORKOS_REDIRECT_URI": f"http://localhost:{port}/callback",
        "WORKOS_COOKIE_PASSWORD": PASSWORD,
        **variables,
        **({"STORM_REDIS_URL": redis_url} if redis_url else {}),
    }
    arguments = (f"{site}:app", "--port", str(port), "--log-level", "critical", *options)
    return start("uvicorn", *arguments, **environment)


def site_variables(evidence: Path, origin: str) -> dict[str, str]:
    """Return what the site of the soak has to be told beside its Redis."""
    return {
        "STORM_EVIDENCE": str(evidence),
        "STORM_ISSUER": ISSUER,
        "WORKOS_REDIRECT_URI": f"{origin}/callback",
    }


@contextlib.contextmanager
def workers_of_one_port(workos: Emulator, number: int) -> Iterator[int]:
    """Run `uvicorn --workers` and yield the port."""
    port = free_port()
    options = ("--workers", str(number))
    with ending(start_worker(workos, port, *options, **_PATIENT)) as process:
        wait_until_served(port, process)
        yield port


def start(module: str, *arguments: str, stdout: Any = None, **variables: str) -> Any:
    _allow_open_files()
    clean = {name: v for name, v in os.environ.items() if not name.startswith("WORKOS_")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=Path(__file__).parent,
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        stdout=stdout,
        text=True,
    )


def _allow_open_files() -> None:
    """Raise the limit of this process, which those that it starts inherit, if it is low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with process:
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process in good order, with the workers it may have."""
    process.terminate()
    process.wait(_START_SECONDS)


def wait_until_served(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, "the application has ended"
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert time.monotonic() < deadline, "the application does not answer"
        time.sleep(0.02)
