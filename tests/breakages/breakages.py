"""Read the table of breakages: changes to the package under which named tests have to fail."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """One deliberate fault, and the tests that have to notice it."""

    requirement: str
    what: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    table: str
    """The name of the TOML file it stands in."""

    def apply(self, root: Path) -> str:
        """Break the code below `root` and return the text to restore.

        Raises:
            ValueError: The text to be replaced is not there exactly once, or nothing would change.
        """
        path = root / self.file
        sound = path.read_text(encoding="utf-8")
        if sound.count(self.find) != 1 or self.find == self.replace:
            raise ValueError(f"{self.table}: {self.what}: the code in {self.file} has changed")
        path.write_text(sound.replace(self.find, self.replace), encoding="utf-8")
        return sound


def read_breakages() -> list[Breakage]:
    """Return all breakages, in the order of their files."""
    return [
        Breakage(**{**entry, "tests": tuple(entry["tests"])}, table=path.name)
        for path in sorted((ROOT / "tests/breakages").glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["breakage"]
    ]
