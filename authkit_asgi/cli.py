"""The command line: ``authkit-asgi emulate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.server import base_url, listen, make_server

_DEFAULT_PORT = 8010
_HIGHEST_PORT = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 1 with a sentence on standard error.

    `argv` are the arguments without the program's name; ``None`` takes those of the process.
    Arguments that make no sense end the process with status 2, as `argparse` does.
    """
    arguments = _parser().parse_args(argv)
    return _emulate(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authkit-asgi", description="Tools for applications that use authkit_asgi."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    emulate = commands.add_parser(
        "emulate",
        help="run an in-memory WorkOS with demo users",
        description="Run an in-memory WorkOS with demo users, on 127.0.0.1 only.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = emulate.add_argument
    add("--port", type=_port, default=_DEFAULT_PORT, help="port; 0 takes a free one")
    add(
        "--token-lifetime",
        type=_seconds,
        default=300,
        metavar="SECONDS",
        help="lifetime of access tokens",
    )
    add(
        "--replay-window",
        type=_seconds,
        default=0,
        metavar="SECONDS",
        help="time in which a used refresh token is answered with the same pair",
    )
    add(
        "--reuse-revokes-session",
        action="store_true",
        help="end the session when a refresh token is used twice",
    )
    add(
        "--error-shape",
        choices=("oauth", "workos"),
        default="oauth",
        help="wording of errors: error and error_description, or code and message",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be between 0 and {_HIGHEST_PORT}")
    return port


def _seconds(text: str) -> int:
    seconds = int(text)
    if seconds < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return seconds


def _emulate(arguments: argparse.Namespace) -> int:
    emulator = WorkOSEmulator.demo(
        access_token_lifetime=arguments.token_lifetime,
        replay_window=arguments.replay_window,
        reuse_revokes_session=arguments.reuse_revokes_session,
        error_shape=arguments.error_shape,
    )
    try:
        server = make_server(emulator.app, on_shutdown=emulator.clear_faults)
    except ImportError:
        return _fail("the emulator needs uvicorn: pip install 'authkit-asgi[cli]'")
    try:
        listener = listen(arguments.port)
    except OSError as exc:
        reason = exc.strerror or "not available"
        return _fail(f"cannot listen on port {arguments.port}: {reason}; choose one with --port")
    with listener:
        address = base_url(listener)
        sys.stdout.write(
            f"WorkOS emulator at {address} - set WORKOS_CLIENT_ID={emulator.client_id} "
            f"WORKOS_API_KEY={emulator.api_key} WORKOS_BASE_URL={address}\n"
        )
        sys.stdout.flush()
        try:
            server.run([listener])
        except KeyboardInterrupt:
            # uvicorn has shut down in good order and then repeats the signal.
            return 0
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"authkit-asgi: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
