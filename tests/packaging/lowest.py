"""Print the lowest versions that pyproject.toml allows the package, as constraints for pip."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_LOWEST = re.compile(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)$")
_OF_TESTS = {"pytest"}  # the plugin works with older ones, the tests of it do not


def lowest(pyproject: Path) -> list[str]:
    """Return ``name==version`` for each dependency, of the extras too.

    Raises:
        ValueError: One has no lower bound, or another as well.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    found = set()
    for requirement in [*project["dependencies"], *(one for extra in extras for one in extra)]:
        match = _LOWEST.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement!r} is not of the form name>=version")
        if match[1] not in _OF_TESTS:
            found.add(f"{match[1]}=={match[2]}")
    return sorted(found)


if __name__ == "__main__":
    sys.stdout.write("\n".join([*lowest(Path(sys.argv[1])), ""]))
