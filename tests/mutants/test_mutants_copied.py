"""What the mutation run copies is all that its tests need."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from run_mutmut import COPIED, ROOT


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_helpers_of_the_copied_tests_are_copied() -> None:
    copied = {path for pattern in COPIED for path in ROOT.glob(pattern) if path.suffix == ".py"}
    helpers = {path.stem: path for path in (ROOT / "tests").glob("*.py")}
    missing = {
        name
        for path in copied
        for name in imported(path)
        if name in helpers and helpers[name] not in copied
    }
    assert len(copied) > 100
    assert missing == set()
