"""Run mutmut in a copy of the package and of the tests that belong; fail on what it finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from verdict import compare, read_explained, read_results, survivor, table

ROOT = Path(__file__).parents[2]
EXPLAINED = Path(__file__).with_name("explained.toml")
MUTMUT = Path(sys.executable).with_name("mutmut")

COPIED = (
    "pyproject.toml",
    "authkit_asgi/**/*.py",
    "tests/conftest.py",
    "tests/asgi_*.py",
    "tests/emulated.py",
    "tests/outdated.py",
    "tests/user_agent.py",
    "tests/mutants/preload.*",
    "tests/vectors/*.json",
    "tests/seal/*.py",
    "tests/tokens/*.py",
    "tests/test_cookies*.py",
    "tests/test_kit_vectors.py",
    "tests/test_pkce*.py",
    "tests/test_safe_return_path*.py",
    "tests/test_session*.py",
)
"""Of the tests those about the mutated modules; the others would kill few more, and slowly."""


def main(folder: Path, *options: str) -> int:
    """Print what became of the mutants in `folder`, which is made anew; 1 if one must not be."""
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    for pattern in COPIED:
        for path in ROOT.glob(pattern):
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    if subprocess.run([MUTMUT, "run", *options], cwd=folder, check=False).returncode != 0:
        return 1
    mutants = read_results(_ask(folder, "results", "--all", "true"))
    alive = [mutant for mutant in mutants if not mutant.is_killed]
    survivors = [survivor(mutant, _ask(folder, "show", mutant.name)) for mutant in alive]
    lines, complaints = table(mutants)
    complaints += compare(survivors, read_explained(EXPLAINED.read_text(encoding="utf-8")))
    print(f"\n{lines}\n\n{time.monotonic() - started:.0f} s", *complaints, sep="\n\n")
    return 1 if complaints or not mutants else 0


def _ask(folder: Path, *arguments: str) -> str:
    command = [str(MUTMUT), *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
