"""Decorated functions as mutmut mutates them: it leaves alone what stands under a decorator."""

from __future__ import annotations

import ast
from collections.abc import Iterator

APPLIED_AFTERWARDS = frozenset({"called_first", "property"})
"""Decorators that do the same to a function when its name is bound anew."""


def plain(source: str) -> str:
    """Return a module with each `@decorator` of those as `name = decorator(name)` below instead."""
    lines = source.splitlines(keepends=True)
    for function in _functions(ast.parse(source)):
        match function.decorator_list:
            case [ast.Name(decorator) as name] if decorator in APPLIED_AFTERWARDS:
                bound = f"{function.name} = {decorator}({function.name})\n"
                lines[(function.end_lineno or 0) - 1] += " " * function.col_offset + bound
                lines[name.lineno - 1] = ""
    return "".join(lines)


def decorators(source: str) -> set[str]:
    """Return the decorators of a module's functions, each as it is written."""
    functions = _functions(ast.parse(source))
    return {ast.unparse(each) for function in functions for each in function.decorator_list}


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in module.body:
        members = statement.body if isinstance(statement, ast.ClassDef) else [statement]
        yield from (
            each for each in members if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        )
