"""The pages of the documentation, and the examples in them as modules."""

from __future__ import annotations

import re
import textwrap
import types
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.]+\.py)\b")
_FIRST = "main.py"


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: what stands between two fences."""

    language: str
    text: str


class Page:
    """A page, by its path below docs, or README.md.

    Python blocks that begin with the name of a file begin that file, and those that follow go on
    with it. So an example may be told in parts.
    """

    def __init__(self, name: str) -> None:
        self.path = ROOT / name if name == "README.md" else ROOT / "docs" / name
        self.text = self.path.read_text(encoding="utf-8")
        self.all_blocks = [
            Block(language, textwrap.dedent(text))
            for _, language, text in _FENCE.findall(self.text)
        ]

    @property
    def words(self) -> str:
        """The text without its line breaks."""
        return " ".join(self.text.split())

    def blocks(self, language: str) -> list[str]:
        """Return the blocks of a language."""
        return [block.text for block in self.all_blocks if block.language == language]

    def files(self) -> dict[str, list[str]]:
        """Return the Python files of the page, each as its blocks."""
        files: dict[str, list[str]] = {}
        name = _FIRST
        for block in self.blocks("python"):
            if match := _FILE.match(block):
                name = match[1]
                assert name not in files, f"{name} is begun a second time on {self.path}"
            files.setdefault(name, []).append(block)
        return files

    def file(self, name: str) -> str:
        """Return one of the files."""
        return "\n\n".join(self.files()[name])

    def run(self, name: str = _FIRST, *, first: int | None = None) -> types.ModuleType:
        """Run a file, or the first so many blocks of it, and return its module."""
        module = types.ModuleType(name.removesuffix(".py"))
        for block in self.files()[name][:first]:
            self.go_on(module, block)
        return module

    def go_on(self, module: types.ModuleType, block: str) -> None:
        """Run one more block in a module."""
        exec(compile(block, str(self.path), "exec"), vars(module))  # noqa: S102  # ours

    def follow(self, module: types.ModuleType, name: str = _FIRST, *, number: int) -> None:
        """Run one more block of a file, by its number, in a module."""
        self.go_on(module, self.files()[name][number])
