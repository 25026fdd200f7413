from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

_ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 30


class Demo:
    """`python -m example_app.demo` as a terminal runs it: leading a process group of its own."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        clean = {name: v for name, v in os.environ.items() if not name.startswith("WORKOS_")}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "example_app.demo", *arguments],
            cwd=folder,
            env={**clean, "PYTHONPATH": str(_ROOT), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until_ready(self) -> tuple[str, str]:
        """Return the addresses of the application and of the emulator."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("Open "):
                emulator = re.search(r"emulator of WorkOS at (\S+),", said)
                return line.split()[1], emulator[1] if emulator else ""
        raise AssertionError(f"the demo ended: {said}{self.finish()}")

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=_TIMEOUT_SECONDS)
        return self.process.returncode, out, err

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.finish()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path, "--port", "0", "--emulator-port", "0")
    yield running
    running.close()


def _is_served(address: str) -> bool:
    try:
        httpx.get(address)
    except httpx.ConnectError:
        return False
    return True


def test_demo_signs_in_and_ends_with_one_ctrl_c(demo: Demo) -> None:
    address, emulator = demo.wait_until_ready()
    assert address.startswith("http://localhost:")
    with httpx.Client(base_url=address, follow_redirects=True) as browser:
        page = browser.get("/login?return_to=/dashboard?a=1&login_hint=ada@example.com")
        assert page.status_code == 200
        assert page.url.path == "/dashboard"
        assert page.url.query == b"a=1"
        assert "Ada Lovelace" in page.text
        # The connections stay open, as a browser's do: the dashboard's WebSocket, too.
        cookie = f"wos-session={browser.cookies['wos-session']}"
        with connect(
            f"ws{address.removeprefix('http')}/ws",
            origin=Origin(address),
            additional_headers={"Cookie": cookie},
        ) as websocket:
            assert "Hello, Ada Lovelace!" in str(websocket.recv(timeout=_TIMEOUT_SECONDS))
            os.killpg(demo.process.pid, signal.SIGINT)
            status, out, err = demo.finish()
    assert (status, err) == (0, "")
    assert out.endswith("Stopped.\n")
    assert not _is_served(address)
    assert not _is_served(emulator)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_demo_ends_with_the_emulator_when_only_its_parent_is_told(
    demo: Demo, number: signal.Signals
) -> None:
    address, emulator = demo.wait_until_ready()
    demo.process.send_signal(number)
    status, _, err = demo.finish()
    assert (status, err) == (0, "")
    assert not _is_served(address)
    assert not _is_served(emulator)


def test_demo_takes_another_port_for_the_emulator(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = Demo(tmp_path, "--port", "0", "--emulator-port", port, "--token-lifetime", "7")
        _, emulator = demo.wait_until_ready()
        assert not emulator.endswith(f":{port}")
        settings = httpx.get(f"{emulator}/_emulator/settings").json()
        assert settings["access_token_lifetime"] == 7
        demo.close()


def test_demo_says_which_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = Demo(tmp_path, "--port", str(port)).finish()
    assert (status, out) == (1, "")
    assert err == (
        f"demo: port {port} cannot be used (Address already in use): choose one with --port\n"
    )


def test_demo_with_half_of_the_credentials_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKOS_CLIENT_ID=\nWORKOS_API_KEY=sk_test_x\n")
    status, _, err = Demo(tmp_path, "--port", "0", WORKOS_API_KEY="").finish()
    assert status == 1
    assert "WORKOS_CLIENT_ID (client_id) is missing" in err
    assert re.search(r"redirect URI\n  http://localhost:\d+/callback\n", err)
    assert "Traceback" not in err
    assert "sk_test_x" not in err


def test_demo_with_credentials_uses_workos_and_prefers_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKOS_CLIENT_ID=client_file\nWORKOS_API_KEY=sk_test_x\n")
    demo = Demo(tmp_path, "--port", "0", WORKOS_CLIENT_ID="client_environment")
    address, emulator = demo.wait_until_ready()
    assert not emulator
    begun = httpx.get(f"{address}/login")
    assert begun.headers["location"].startswith("https://api.workos.com/user_management/authorize?")
    assert "client_id=client_environment" in begun.headers["location"]
    demo.close()


def test_demo_with_an_unreadable_env_file_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"WORKOS_API_KEY=\xff\xfe")
    status, _, err = Demo(tmp_path, "--port", "0").finish()
    assert status == 1
    assert err == "demo: .env cannot be read: it has to be a text file in UTF-8\n"
