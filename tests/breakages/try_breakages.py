"""Break the package on purpose, in a copy, and see the tests go red: `make breakages`.

Arguments, if any, choose: the number of a requirement (R7) or the name of a table (tokens.toml).
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from breakages import ROOT, Breakage, read_breakages

COPIED = ("authkit_asgi", "docs", "example_app", "tests", "Makefile", "README.md", "pyproject.toml")
RED = re.compile(r"^(?:FAILED|ERROR) (tests/[^\s\[]+\.py::\w+)", re.MULTILINE)
SECONDS = 120  # a breakage may make a test hang: that is red, too
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


def run_tests(root: Path, tests: Iterable[str]) -> tuple[int | None, str]:
    """Run tests on the copy; return pytest's exit status, `None` when it hangs, and its words."""
    command = [sys.executable, "-m", "pytest", "--override-ini=addopts=", "--strict-markers"]
    command += ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *tests]
    # The copy comes before the installed package, in processes that the tests start as well. Byte
    # code is told apart by whole seconds and size: two breakages in one second could be mixed up.
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def unnoticed(root: Path, breakage: Breakage) -> list[str]:
    """Return the tests that stay green although the code is broken."""
    sound = breakage.apply(root)
    try:
        status, words = run_tests(root, breakage.tests)
    finally:
        (root / breakage.file).write_text(sound, encoding="utf-8")
    if status is None:
        return []
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

        def attempt(breakage: Breakage) -> list[str]:
            copy = copies.get()
            try:
                return unnoticed(copy, breakage)
            finally:
                copies.put(copy)

        green = 0
        for breakage, missed in zip(breakages, pool.map(attempt, breakages), strict=True):
            print(f"{'GREEN' if missed else 'red':6}{breakage.requirement:10}{breakage.what}")
            for test in missed:
                print(f"{'':16}{test}")
            green += bool(missed)
    print(f"\n{len(breakages)} breakages, of which {green} were not noticed")
    return 1 if green or not breakages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
