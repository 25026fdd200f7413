"""WorkOS's own emulator, the one of the npm package `workos`, as a process beside the tests."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from example_site import WorkOSAddress
from kit_bridge import MODULES, PATIENCE_SECONDS, clean_environment, node_command

ADA, BOB = "ada@example.com", "bob@example.com"
API_KEY = "sk_test_default"  # the one it knows
_SEED = {
    "users": [
        {
            "email": ADA,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email_verified": True,
            "metadata": {"team": "engines"},
        },
        {"email": BOB, "impersonator": {"email": "eve@example.com", "reason": "a support case"}},
    ],
    "organizations": [{"name": "Acme"}, {"name": "Globex"}],
    "permissions": [{"slug": "data:export", "name": "Export"}],
    "roles": [
        {"slug": "admin", "name": "Admin", "permissions": ["data:export"]},
        {"slug": "member", "name": "Member"},
    ],
}
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class OfficialEmulator:
    """The emulator's own interface. It knows ids only once it runs."""

    address: WorkOSAddress

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Call its API, which allows 1,000 requests a minute."""
        response = httpx.request(
            method,
            f"{self.address.url}{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
        assert response.is_success, response.text
        return response.json()

    def user_id(self, email: str) -> str:
        users = self.call("GET", "/user_management/users")["data"]
        return next(str(user["id"]) for user in users if user["email"] == email)

    def organization_id(self, name: str) -> str:
        found = self.call("GET", "/organizations")["data"]
        return next(str(one["id"]) for one in found if one["name"] == name)

    def sessions(self, email: str) -> list[str]:
        path = f"/user_management/users/{self.user_id(email)}/sessions"
        return [session["id"] for session in self.call("GET", path)["data"]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def run_official_emulator(folder: Path) -> Iterator[OfficialEmulator]:
    """Start the emulator with Ada in Acme (admin) and Globex (member), and Bob in none."""
    seed = folder / "seed.json"
    seed.write_text(json.dumps(_SEED))
    port = free_port()
    command = [node_command(), str(MODULES / ".bin" / "workos"), "emulate", "--json"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--seed", str(seed)],
        cwd=folder,
        env={**clean_environment(), "WORKOS_TELEMETRY": "false"},
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            # It listens on all interfaces; it is spoken to on this one only.
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(url, process)
            emulator = OfficialEmulator(
                WorkOSAddress(url=url, client_id="client_1", api_key=API_KEY)
            )
            for name, role in (("Acme", "admin"), ("Globex", "member")):
                emulator.call(
                    "POST",
                    "/user_management/organization_memberships",
                    user_id=emulator.user_id(ADA),
                    organization_id=emulator.organization_id(name),
                    role_slug=role,
                )
            yield emulator
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_served(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert process.poll() is None, "the emulator has ended; its standard error says why"
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/health").raise_for_status()
            return
        assert time.monotonic() < deadline, "the emulator does not listen"
        time.sleep(_POLL_SECONDS)
