"""Break the package on purpose, in a copy, and see the tests go red: `make breakages`.

Arguments, if any, choose: the number of a requirement (R7) or the name of a table (tokens.toml).
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from breakages import ROOT, Breakage, read_breakages

COPIED = ("authkit_asgi", "docs", "example_app", "tests", "Makefile", "README.md", "pyproject.toml")
RUNNING: set[subprocess.Popen[str]] = set()
RED = re.compile(r"^(?:FAILED|ERROR) (tests/[^\s\[]+\.py::\w+)", re.MULTILINE)
SECONDS = 120  # a breakage may make a test hang: that is not red, as nobody has seen it fail
INTERRUPTED_SECONDS = 10  # for pytest to end what it has started
TESTS_FAILED = 1  # pytest's exit status; others mean that it could not even begin


def copy_to(root: Path) -> Path:
    """Copy what the tests need; installed Node packages are only linked."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            skipped = shutil.ignore_patterns("node_modules", "__pycache__", "screenshots")
            shutil.copytree(source, root / name, ignore=skipped)
        else:
            shutil.copy(source, root / name)
    packages = ROOT / "tests/interop/node_modules"
    if packages.is_dir():
        (root / "tests/interop/node_modules").symlink_to(packages)
    return root


class NotFinishedError(Exception):
    """Tests took too long, so it is not known whether they notice a breakage."""


def run_tests(root: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Run tests on the copy; return pytest's exit status and its words.

    Raises:
        NotFinishedError: They took too long. They were ended, with all that they had started.
    """
    command = [sys.executable, "-m", "pytest", "--override-ini=addopts=", "--strict-markers"]
    command += ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *tests]
    # The copy comes before the installed package, in processes that the tests start as well. Byte
    # code is told apart by whole seconds and size: two breakages in one second could be mixed up.
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        RUNNING.add(process)
        try:
            words, _ = process.communicate(timeout=SECONDS)
        except BaseException as error:
            end_session(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise NotFinishedError from None
            raise
        finally:
            RUNNING.remove(process)
    return process.returncode, words


def end_session(leader: subprocess.Popen[str]) -> None:
    """End pytest and whatever its tests have started, which would outlive it otherwise."""
    # It then ends by itself what its fixtures have started, in sessions of their own as well.
    leader.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        leader.communicate(timeout=INTERRUPTED_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)


def unnoticed(root: Path, breakage: Breakage) -> list[str]:
    """Return the tests that stay green although the code is broken.

    Raises:
        NotFinishedError: They took too long to tell.
    """
    sound = breakage.apply(root)
    try:
        status, words = run_tests(root, breakage.tests)
    finally:
        (root / breakage.file).write_text(sound, encoding="utf-8")
    red = set(RED.findall(words)) if status == TESTS_FAILED else set()
    return [test for test in breakage.tests if test not in red]


def chosen(breakages: Sequence[Breakage], names: Sequence[str]) -> list[Breakage]:
    """Return the breakages that the command line names, or all."""
    return [each for each in breakages if not names or {each.requirement, each.table} & {*names}]


def main(names: Sequence[str]) -> int:
    """Try the breakages, print a line for each, and return the exit status."""
    breakages = chosen(read_breakages(), names)
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(workers):
            copies.put(copy_to(Path(folder, str(number))))

        def attempt(breakage: Breakage) -> list[str] | None:
            copy = copies.get()
            try:
                return unnoticed(copy, breakage)
            except NotFinishedError:
                return None
            finally:
                copies.put(copy)

        try:
            return report(breakages, pool.map(attempt, breakages))
        except KeyboardInterrupt:  # which sessions of their own do not hear of
            pool.shutdown(wait=False, cancel_futures=True)
            for process in [*RUNNING]:
                os.killpg(process.pid, signal.SIGINT)
            raise


def report(breakages: Sequence[Breakage], results: Iterable[list[str] | None]) -> int:
    """Print what came of each breakage, `None` for tests that took too long."""
    green = unfinished = 0
    for breakage, missed in zip(breakages, results, strict=True):
        word = "NOT FINISHED" if missed is None else "GREEN" if missed else "red"
        print(f"{word:14}{breakage.requirement:10}{breakage.what}", flush=True)
        for test in breakage.tests if missed is None else missed:
            print(f"{'':24}{test}")
        unfinished += missed is None
        green += bool(missed)
    print(f"\n{len(breakages)} breakages, of which {green} were not noticed")
    if unfinished:
        print(f"{unfinished} runs did not end within {SECONDS} s, which says nothing of the tests")
    return 1 if green or unfinished or not breakages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
