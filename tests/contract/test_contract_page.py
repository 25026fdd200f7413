"""The page on the emulator shows the whole table, and its example runs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from difference import Kind
from differences import SECTIONS

PAGE = (Path(__file__).parent.parent.parent / "docs/emulator.md").read_text(encoding="utf-8")


def tables() -> str:
    """Return the table as the page has it."""
    lines = []
    for section, differences in SECTIONS.items():
        lines += [f"### {section}", "", "| | ours | WorkOS's | | why |", "| --- " * 5 + "|"]
        lines += [
            f"| {one.name} | `{one.ours}` | `{one.official}` | {one.kind} | {one.reason} |"
            for one in differences
        ]
        lines.append("")
    return "\n".join(lines)


def test_page_shows_all_differences():
    _, heading, shown = PAGE.partition("### ")
    assert heading + shown == tables()


def test_page_says_what_the_kinds_of_reasons_are():
    explained = re.findall(r"^- \*(.+?)\*: ", PAGE, re.MULTILINE)
    assert explained == list(get_args(Kind))


def test_example_of_the_page_runs(monkeypatch: pytest.MonkeyPatch):
    for name in os.environ:
        if name.startswith("WORKOS_"):
            monkeypatch.delenv(name)
    blocks = r"^```python\n# in_a_test.py\n(.*?)^```"
    (example,) = re.findall(blocks, PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/emulator.md", "exec"), names)  # noqa: S102  # ours
    assert [record.status for record in names["emulator"].requests] == [302, 503, 302, 200, 200]
