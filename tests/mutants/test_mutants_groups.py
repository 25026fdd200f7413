"""What the mutation run copies is all that its tests need, and all of a module is mutated."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from groups import GROUPS, ROOT, Group
from plain_functions import APPLIED_AFTERWARDS, decorators, plain

MODULES = [module for group in GROUPS for module in group.modules]
NEVER_MUTATED = {"overload"}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: " ".join(group.modules))
def test_helpers_of_the_copied_tests_are_copied(group: Group) -> None:
    copied = {path for path in group.files() if path.suffix == ".py"}
    helpers = {path.stem: path for path in (ROOT / "tests").glob("*/*.py")} | {
        path.stem: path for path in (ROOT / "tests").glob("*.py")
    }
    tests = {path for path in copied if path.name.startswith("test_")}
    needed, looked_at = set(tests), set[Path]()
    while left := needed - looked_at:
        looked_at |= left
        needed |= {helpers[name] for path in left for name in imported(path) if name in helpers}
    assert len(tests) > 4
    assert needed - copied == set()


def test_each_pattern_finds_tests() -> None:
    for group in GROUPS:
        for pattern in group.tests:
            assert any(path.name.startswith("test_") for path in ROOT.glob(pattern)), pattern


def test_modules_are_there_and_named_once() -> None:
    assert len(set(MODULES)) == len(MODULES)
    for module in MODULES:
        assert (ROOT / "authkit_asgi" / f"{module}.py").is_file()


@pytest.mark.parametrize("module", MODULES)
def test_no_decorator_keeps_a_function_from_being_mutated(module: str) -> None:
    source = (ROOT / "authkit_asgi" / f"{module}.py").read_text(encoding="utf-8")
    assert decorators(source) <= {*APPLIED_AFTERWARDS, *NEVER_MUTATED}
    assert decorators(plain(source)) <= NEVER_MUTATED


def test_plain_functions_do_what_decorated_ones_do() -> None:
    source = '''
import functools

def called_first(function):
    return lambda: ["called first", function()]

class Thing:
    @property
    def name(self):
        """Name."""
        return "thing"

    @functools.cache
    def other(self):
        return "other"

@called_first
def whole():
    return (
        "whole"
    )
'''
    made: dict[str, dict[str, object]] = {"decorated": {}, "plain": {}}
    exec(source, made["decorated"])  # noqa: S102  # written above
    exec(plain(source), made["plain"])  # noqa: S102
    for names in made.values():
        thing = names["Thing"]
        assert isinstance(thing, type)
        assert thing().name == "thing"
        assert isinstance(inspect.getattr_static(thing, "name"), property)
        assert thing().other() == "other"
        whole = names["whole"]
        assert callable(whole)
        assert whole() == ["called first", "whole"]
    assert decorators(source) == {"property", "functools.cache", "called_first"}
    assert decorators(plain(source)) == {"functools.cache"}
