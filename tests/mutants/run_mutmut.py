"""Run mutmut in copies of the package and of the tests that belong; fail on what it finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from groups import GROUPS, ROOT, Group
from plain_functions import plain
from verdict import Mutant, Survivor, compare, read_explained, read_results, survivor, table

EXPLAINED = Path(__file__).with_name("explained.toml")
MUTMUT = Path(sys.executable).with_name("mutmut")


def main(folder: Path, *chosen: str) -> int:
    """Print what became of the mutants of all modules, or of those chosen; 1 if one must not be.

    `folder` is made anew.
    """
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    known = {module for group in GROUPS for module in group.modules}
    if unknown := set(chosen) - known:
        raise SystemExit(f"No mutants are made of {', '.join(sorted(unknown))}")
    wanted = set(chosen) or known
    mutants: list[Mutant] = []
    survivors: list[Survivor] = []
    for number, group in enumerate(GROUPS):
        if modules := wanted.intersection(group.modules):
            copy = folder / str(number)
            _copy(group, modules, copy)
            if subprocess.run([MUTMUT, "run"], cwd=copy, check=False).returncode != 0:
                return 1
            found = read_results(_ask(copy, "results", "--all", "true"))
            alive = [mutant for mutant in found if not mutant.is_killed]
            mutants += found
            survivors += [survivor(mutant, _ask(copy, "show", mutant.name)) for mutant in alive]
    lines, complaints = table(mutants)
    explained = read_explained(EXPLAINED.read_text(encoding="utf-8"))
    complaints += compare(survivors, [each for each in explained if each.module in wanted])
    print(f"\n{lines}\n\n{time.monotonic() - started:.0f} s", *complaints, sep="\n\n")
    return 1 if complaints or not mutants else 0


def _copy(group: Group, modules: set[str], folder: Path) -> None:
    for path in group.files():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    mutated = [f"authkit_asgi/{module}.py" for module in sorted(modules)]
    for name in mutated:
        source = folder / name
        source.write_text(plain(source.read_text(encoding="utf-8")), encoding="utf-8")
    settings = folder / "pyproject.toml"
    (before, after) = settings.read_text(encoding="utf-8").split("[tool.mutmut]\n")
    chosen = f"[tool.mutmut]\nonly_mutate = {mutated}\n"
    settings.write_text(f"{before}{chosen}{after}", encoding="utf-8")


def _ask(folder: Path, *arguments: str) -> str:
    command = [str(MUTMUT), *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
