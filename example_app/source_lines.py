"""The application's own lines, for its pages to show beside what they do."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_PACKAGE = f"{__package__}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLines:
    """Lines of one file; `first` is the number of the first."""

    path: str
    first: int
    text: str

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + self.text.count("\n")


@functools.cache
def source_lines(name: str) -> SourceLines:
    """Read the lines of a function, named as in `pages.home`, or of a file, `static/style.css`.

    Raises `AttributeError`, `ModuleNotFoundError` or `FileNotFoundError` where there is none. Names
    are for templates to write down, not for requests to bring.
    """
    if "/" in name:
        text = (_FOLDER / name).read_text(encoding="utf-8")
        return SourceLines(path=f"{_FOLDER.name}/{name}", first=1, text=text.rstrip())
    module_name, _, function_name = name.rpartition(".")
    module = importlib.import_module(f"{_PACKAGE}{module_name}")
    lines, first = inspect.getsourcelines(getattr(module, function_name))
    path = f"{_FOLDER.name}/{module_name.replace('.', '/')}.py"
    return SourceLines(path=path, first=first, text="".join(lines).rstrip())


def name_of(endpoint: Callable[..., Any] | None) -> str | None:
    """Return the name of a function of this application; `None` for what others have written."""
    if not inspect.isfunction(endpoint) or not endpoint.__module__.startswith(_PACKAGE):
        return None
    return f"{endpoint.__module__.removeprefix(_PACKAGE)}.{endpoint.__name__}"
