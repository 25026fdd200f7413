"""``python -m example_app.demo``: the application, with WorkOS or with an emulator of it.

Without `WORKOS_API_KEY` and `WORKOS_CLIENT_ID`, in the environment or in ``.env``, it starts the
emulator beside it, so that everything can be tried at once. One Ctrl-C ends both.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import uvicorn
from dotenv import dotenv_values

from authkit_asgi import AuthKitConfig, ConfigurationError
from example_app.emulator_process import emulator
from example_app.main import WEBHOOK_PATH, create_app

_PREFIX = "WORKOS_"
_HIGHEST_PORT = 65_535
_SHUTDOWN_SECONDS = 3  # open requests are waited for so long


class DemoError(Exception):
    """The demo cannot run; the message says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until it is interrupted; 0, or 1 with a sentence on standard error."""
    arguments = _parser().parse_args(argv)
    # SIGTERM, or closing the terminal, ends the demo as Ctrl-C does: together with the emulator.
    # A shell starts background jobs with interrupts switched off.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        _run(arguments)
    except KeyboardInterrupt:
        _say("Stopped.")
    except DemoError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m example_app.demo",
        description="Run the example application, with an emulator of WorkOS if need be.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=_port, default=8000, help="port of the application")
    add(
        "--emulator-port", type=_port, default=8010, help="port of the emulator; 0 takes a free one"
    )
    add(
        "--token-lifetime",
        type=int,
        default=300,
        metavar="SECONDS",
        help="lifetime of the emulator's access tokens",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"must be between 0 and {_HIGHEST_PORT}")
    return port


def _run(arguments: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(one) for one in _listen(arguments.port)]
        address = f"http://localhost:{listeners[0].getsockname()[1]}"
        _read_env_file(Path(".env"))
        if os.environ.get("WORKOS_API_KEY") or os.environ.get("WORKOS_CLIENT_ID"):
            _use_workos(address)
        else:
            process = emulator(
                arguments.emulator_port,
                token_lifetime=arguments.token_lifetime,
                webhook_url=f"{address}{WEBHOOK_PATH}",
            )
            _use_emulator(address, stack.enter_context(process))
        _serve(address, listeners)


def _listen(port: int) -> Iterator[socket.socket]:
    """Listen on both addresses that browsers know `localhost` by."""
    try:
        first = socket.create_server(("127.0.0.1", port))
        yield first
        if _has_ipv6():
            port = first.getsockname()[1]
            yield socket.create_server(("::1", port), family=socket.AF_INET6)
    except OSError as error:
        reason = os.strerror(error.errno or 0)  # the error's own text repeats the address
        raise DemoError(f"port {port} cannot be used ({reason}): choose one with --port") from None


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _read_env_file(path: Path) -> None:
    """Add the WORKOS_* variables of `path` to the environment, which wins where it has one."""
    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        raise DemoError(f"{path} cannot be read: it has to be a text file in UTF-8") from None
    for name, value in values.items():
        if name.startswith(_PREFIX) and value and not os.environ.get(name):
            os.environ[name] = value


def _use_workos(address: str) -> None:
    redirect_uri = os.environ.get("WORKOS_REDIRECT_URI") or f"{address}/callback"
    os.environ["WORKOS_REDIRECT_URI"] = redirect_uri
    if not os.environ.get("WORKOS_COOKIE_PASSWORD"):
        os.environ["WORKOS_COOKIE_PASSWORD"] = secrets.token_urlsafe(32)
        _say("WORKOS_COOKIE_PASSWORD is not set: sessions end with this run.")
    advice = (
        "The WorkOS dashboard must list, under Redirects, the redirect URI\n"
        f"  {redirect_uri}\nand the sign-out redirect\n  {address}/"
    )
    try:
        AuthKitConfig.from_env()
    except ConfigurationError as error:
        raise DemoError(f"{error}\n{advice}") from None
    _say(f"Using WorkOS. {advice}")


def _use_emulator(address: str, variables: Mapping[str, str]) -> None:
    if not variables:
        raise DemoError("the emulator did not start")
    for name in [name for name in os.environ if name.startswith(_PREFIX)]:
        del os.environ[name]  # whatever is there is not meant for the emulator
    os.environ.update(variables)
    os.environ["WORKOS_REDIRECT_URI"] = f"{address}/callback"
    os.environ["WORKOS_COOKIE_PASSWORD"] = secrets.token_urlsafe(32)
    _say(
        f"Using an emulator of WorkOS at {variables['WORKOS_BASE_URL']}, as WORKOS_API_KEY and "
        "WORKOS_CLIENT_ID are not set.\nIts people need no password. Sessions end with this run."
    )


def _serve(address: str, listeners: list[socket.socket]) -> None:
    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _say(f"\nOpen {address}\n\nCtrl-C ends the demo.")

    app = create_app(redis_url=os.environ.get("REDIS_URL"))  # now that the environment is complete
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_SHUTDOWN_SECONDS)
    Server(config).run(listeners)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
