"""The command ``authkit-asgi doctor``."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import sys
from pathlib import Path

from authkit_asgi.doctor.examination import examine
from authkit_asgi.doctor.subject import Subject, from_application, from_environment, with_env_file


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of a parser."""
    doctor = commands.add_parser(
        "doctor",
        help="check the settings, WorkOS and Redis, and say what to mend",
        description="Check the settings in WORKOS_*, reach the WorkOS API, its signing keys and "
        "Redis, and say of each what is right, or what to do about it; never a secret. "
        "The exit status is 1 where something is at fault; warnings do not count.",
    )
    doctor.set_defaults(run=_run)
    add = doctor.add_argument
    source = doctor.add_mutually_exclusive_group()
    source.add_argument(
        "--app",
        type=_application,
        metavar="MODULE:NAME",
        help="the settings of this application's middleware, for instance main:app; it is imported",
    )
    source.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="read WORKOS_* from this file too; the environment wins",
    )
    add("--redis", metavar="URL", help="the Redis to check; of an --app its redis_url if not given")
    add("--json", action="store_true", help="print JSON")


def _application(text: str) -> str:
    module, separator, name = text.partition(":")
    if not (module and separator and name):
        raise argparse.ArgumentTypeError("must be MODULE:NAME, such as main:app")
    return text


def _run(arguments: argparse.Namespace) -> int:
    try:
        subject = _subject(arguments)
    except ImportError:
        return _fail("--env-file needs python-dotenv: pip install 'authkit-asgi[cli]'")
    except (OSError, UnicodeDecodeError):
        return _fail(f"{arguments.env_file} cannot be read: it has to be a text file in UTF-8")
    if arguments.redis:
        subject = dataclasses.replace(subject, redis_url=arguments.redis)
    report = asyncio.run(examine(subject))
    # A setting may have letters that the terminal's encoding has not.
    text = report.as_json() if arguments.json else report.as_text()
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    return report.exit_status


def _subject(arguments: argparse.Namespace) -> Subject:
    if arguments.app:
        return from_application(arguments.app)
    if arguments.env_file:
        environ = with_env_file(os.environ, arguments.env_file)
        return from_environment(environ, origin=f"the environment and {arguments.env_file}")
    return from_environment(os.environ, origin="the environment")


def _fail(message: str) -> int:
    sys.stderr.write(f"authkit-asgi: {message}\n")
    return 2
