"""The command line: ``authkit-asgi emulate``, ``inspect``, ``doctor``, ``generate-password``."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence

from authkit_asgi.doctor.command import add_doctor
from authkit_asgi.errors import ConfigurationError, InvalidSessionError
from authkit_asgi.inspection import MAX_INPUT, CookieSettings, as_json, as_text, inspect_cookie
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.server import base_url, listen, make_server

_DEFAULT_PORT = 8010
_HIGHEST_PORT = 65_535
_PASSWORD_BYTES = 32  # 256 bits, as the keys have that are made from it


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 1 with a sentence on standard error.

    `argv` are the arguments without the program's name; ``None`` takes those of the process.
    Arguments that make no sense end the process with status 2, as `argparse` does.
    """
    arguments = _parser().parse_args(argv)
    status: int = arguments.run(arguments)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authkit-asgi", description="Tools for applications that use authkit_asgi."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_emulate(commands)
    _add_inspect(commands)
    add_doctor(commands)
    generate = commands.add_parser(
        "generate-password",
        help="print a new cookie password",
        description="Print a new random password for WORKOS_COOKIE_PASSWORD.",
    )
    generate.set_defaults(run=_generate_password)
    return parser


def _add_emulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    emulate = commands.add_parser(
        "emulate",
        help="run an in-memory WorkOS with demo users",
        description="Run an in-memory WorkOS with demo users, on 127.0.0.1 only.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    emulate.set_defaults(run=_emulate)
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
    add(
        "--webhook-url",
        default="",
        metavar="URL",
        help="where on this machine to send webhooks: of sessions that end, and of users and "
        "memberships that are deleted",
    )


def _add_inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="show what a session cookie holds",
        description="Open a session cookie with WORKOS_COOKIE_PASSWORD and show whose it is, when "
        "its token expires and where its bytes go; never a token. The signature is not verified.",
    )
    inspect.set_defaults(run=_inspect)
    add = inspect.add_argument
    add(
        "cookie",
        nargs="?",
        default="-",
        help="the cookie's value or a whole Cookie header; - or nothing reads standard input, "
        "which leaves no trace in the shell's history",
    )
    add("--show-claims", action="store_true", help="show the claims of the access token too")
    add("--json", action="store_true", help="print JSON")


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
    try:
        emulator = WorkOSEmulator.demo(
            access_token_lifetime=arguments.token_lifetime,
            replay_window=arguments.replay_window,
            reuse_revokes_session=arguments.reuse_revokes_session,
            error_shape=arguments.error_shape,
            webhook_url=arguments.webhook_url,
        )
    except ValueError as error:
        return _fail(str(error))
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
            f"WORKOS_API_KEY={emulator.api_key} WORKOS_BASE_URL={address}"
        )
        if arguments.webhook_url:
            sys.stdout.write(f" WORKOS_WEBHOOK_SECRET={emulator.settings.webhook_secret}")
        sys.stdout.write("\n")
        sys.stdout.flush()
        try:
            server.run([listener])
        except KeyboardInterrupt:
            # uvicorn has shut down in good order and then repeats the signal.
            return 0
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    text = _standard_input() if arguments.cookie == "-" else arguments.cookie
    if not text.strip():
        return _fail("no cookie was given: as an argument, or on standard input")
    try:
        reading = inspect_cookie(text, CookieSettings.from_env(os.environ))
    except ConfigurationError as error:
        return _fail("; ".join(error.problems))
    except InvalidSessionError as error:
        return _fail(str(error))
    render = as_json if arguments.json else as_text
    _write(render(reading, show_claims=arguments.show_claims))
    return 0


def _standard_input() -> str:
    if sys.stdin is None:  # closed by whoever started this process
        return ""
    return sys.stdin.buffer.read(MAX_INPUT).decode("latin-1")


def _generate_password(_: argparse.Namespace) -> int:
    _write(f"{secrets.token_urlsafe(_PASSWORD_BYTES)}\n")
    return 0


def _write(text: str) -> None:
    # A name may have letters that the terminal's encoding has not.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _fail(message: str) -> int:
    sys.stderr.write(f"authkit-asgi: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
