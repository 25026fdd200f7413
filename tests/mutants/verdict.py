"""What a run of mutmut shows: a table of the modules, and what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

THRESHOLD = 95
"""Percent of a module's mutants that the tests have to kill."""

_RESULT = re.compile(r"\s*(?P<name>\S+__mutmut_\d+): (?P<status>[a-z ]+)")
_NAME = re.compile(r".*\.(?P<module>\w+)\.x[_ǁ](?P<function>\w+?)__mutmut_\d+")
_CHANGED = re.compile(r"^([-+])(?!\1\1) *(.*?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One mutant by mutmut's name, which ends in a running number, and how it fared."""

    name: str
    status: str

    @property
    def is_killed(self) -> bool:
        """Whether a test failed; where none came to its end, mutmut itself may have failed."""
        return self.status == "killed"

    def part(self, group: str) -> str:
        """Return its "module", or its "function" with the class of a method before it."""
        match = _NAME.fullmatch(self.name)
        if match is None:
            raise ValueError(f"This is not mutmut's name of a mutant: {self.name}")
        return match[group].replace("ǁ", ".")


@dataclass(frozen=True, order=True)
class Survivor:
    """A mutant that no test kills, by what stays the same when others come or go."""

    module: str
    function: str
    change: str
    """The lines of the diff, each without its indentation."""

    def __str__(self) -> str:
        return (
            f'module = "{self.module}"\nfunction = "{self.function}"\n'
            f"change = '''\n{self.change}\n'''"
        )


def read_results(output: str) -> list[Mutant]:
    """Return the mutants in what `mutmut results --all true` printed."""
    found = map(_RESULT.fullmatch, output.splitlines())
    return [Mutant(match["name"], match["status"]) for match in found if match]


def survivor(mutant: Mutant, diff: str) -> Survivor:
    """Return a mutant as the diff that `mutmut show` printed identifies it."""
    change = "\n".join(f"{sign} {line}" for sign, line in _CHANGED.findall(diff))
    return Survivor(mutant.part("module"), mutant.part("function"), change)


def read_explained(text: str) -> dict[Survivor, str]:
    """Return the reason for each survivor in the tables `[[survivor]]` of a TOML file."""
    return {
        Survivor(entry["module"], entry["function"], entry["change"].strip()): entry["reason"]
        for entry in tomllib.loads(text).get("survivor", [])
    }


def table(mutants: Iterable[Mutant]) -> tuple[str, list[str]]:
    """Return one line for each module, and a complaint for each below the threshold."""
    modules: dict[str, Counter[str]] = {}
    for mutant in mutants:
        status = mutant.status if mutant.status in {"killed", "timeout"} else "survived"
        modules.setdefault(mutant.part("module"), Counter())[status] += 1
    lines = [f"{'module':10}{'mutants':>9}{'killed':>9}{'survived':>10}{'timeout':>9}"]
    complaints = []
    for module, counts in sorted(modules.items()):
        percentage = 100 * counts["killed"] / counts.total()
        lines.append(
            f"{module:10}{counts.total():9}{counts['killed']:9}{counts['survived']:10}"
            f"{counts['timeout']:9}{percentage:9.1f} %"
        )
        if percentage < THRESHOLD:
            complaints.append(f"{module}.py: less than {THRESHOLD} % of the mutants are killed")
    return "\n".join(lines), complaints


def compare(survivors: Iterable[Survivor], explained: Iterable[Survivor]) -> list[str]:
    """Return a complaint for each survivor without a reason, and each reason without survivor."""
    found, known = set(survivors), set(explained)
    return [
        *(f"Killed by no test, and not explained:\n{each}" for each in sorted(found - known)),
        *(f"Explained, but killed by now, or gone:\n{each}" for each in sorted(known - found)),
    ]
