"""Find out whether a test that a table names exists."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def _names_in(path: Path) -> frozenset[str]:
    """Return the names of a file's test functions, which pytest collects at its top level."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = {node.name for node in body if isinstance(node, functions)}
    return frozenset(name for name in names if name.startswith("test_"))


def exists(test: str) -> bool:
    """Tell whether ``tests/…/test_….py::test_…`` is a test function."""
    name, separator, function = test.partition("::")
    path = ROOT / name
    is_test_file = path.name.startswith("test_") and path.suffix == ".py" and path.is_file()
    return bool(separator) and is_test_file and function in _names_in(path)
