"""The command, run as people run it."""

from __future__ import annotations

import builtins
import errno
import os
import runpy
import signal
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest

from authkit_asgi import cli
from authkit_asgi.testing import server as server_module

TIMEOUT_SECONDS = 60


def test_emulate_serves_until_interrupted() -> None:
    options = ["--port", "0", "--token-lifetime", "7", "--replay-window", "3"]
    more = ["--reuse-revokes-session", "--error-shape", "workos"]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "authkit_asgi.cli", "emulate", *options, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test runner in the background may have its interrupts switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads started in between
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.split()[3]
        assert line == (
            f"WorkOS emulator at {address} - set WORKOS_CLIENT_ID=client_emulator "
            f"WORKOS_API_KEY=sk_test_emulator WORKOS_BASE_URL={address}\n"
        )
        assert address.startswith("http://127.0.0.1:")
        settings = httpx.get(f"{address}/_emulator/settings").json()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0
    assert output == errors == ""
    assert settings["access_token_lifetime"] == 7
    assert settings["replay_window"] == 3
    assert settings["reuse_revokes_session"] is True
    assert settings["error_shape"] == "workos"


def test_emulate_returns_when_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(self: Any, sockets: Any) -> None:
        del self, sockets
        raise KeyboardInterrupt

    monkeypatch.setattr("uvicorn.Server.run", run)
    assert cli.main(["emulate", "--port", "0", "--token-lifetime", "7"]) == 0
    assert "WORKOS_BASE_URL=http://127.0.0.1:" in capsys.readouterr().out


def test_emulate_returns_when_the_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: None)  # noqa: ARG005  # its signature
    assert cli.main(["emulate", "--port", "0"]) == 0


def test_emulate_with_webhooks_prints_their_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: None)  # noqa: ARG005  # its signature
    url = "http://localhost:8000/webhooks/workos"
    assert cli.main(["emulate", "--port", "0", "--webhook-url", url]) == 0
    assert " WORKOS_WEBHOOK_SECRET=" in capsys.readouterr().out
    assert cli.main(["emulate", "--port", "0"]) == 0
    assert "WEBHOOK" not in capsys.readouterr().out


def test_emulate_on_a_taken_port_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["emulate", "--port", str(port)]) == 1
    errors = capsys.readouterr().err
    assert f"cannot listen on port {port}: {os.strerror(errno.EADDRINUSE)}" in errors
    assert "--port" in errors


def test_emulate_without_uvicorn_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real_import = builtins.__import__

    def without_uvicorn(name: str, *rest: Any, **more: Any) -> Any:
        if name == "uvicorn":
            raise ModuleNotFoundError(name=name)
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_uvicorn)
    assert cli.main(["emulate"]) == 1
    assert "pip install 'authkit-asgi[cli]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["emulate", "--port", "65536"],
        ["emulate", "--port", "http"],
        ["emulate", "--host", "0.0.0.0"],  # noqa: S104  # an option that does not exist
        ["emulate", "--token-lifetime=-1"],
        ["emulate", "--error-shape", "xml"],
    ],
)
def test_arguments_that_make_no_sense_end_with_status_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: authkit-asgi" in capsys.readouterr().err


def test_module_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["authkit-asgi"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(cli.__file__, run_name="__main__")
    assert stopped.value.code == 2


def test_server_listens_on_loopback_only() -> None:
    with server_module.listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
