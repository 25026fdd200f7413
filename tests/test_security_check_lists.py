"""The check lists in docs/security answer each section, by tests that exist or by saying why."""

from __future__ import annotations

import re

import pytest
from named_tests import ROOT, exists

PAGES = ROOT / "docs/security"
ROW = re.compile(r"^\| ([0-9][0-9.]*(?: [A-Za-z0-9]+)?) \| (.+?) \| (.+) \|$", re.MULTILINE)
VERDICT = re.compile(r"\*\*(Held|Held in part|Not held|Not applicable)\*\*[^|]{10,}")
TEST = re.compile(r"`(tests/[^`]*)`")
MODULE = re.compile(r"`([a-z_0-9]+\.py)`")

# How many requirements each section of OWASP ASVS 5.0.0 has, from the first on.
ASVS = {"7": (3, 4, 2, 5, 3, 2), "9": (3, 4), "10": (2, 3, 5, 16, 5, 2, 3)}
NUMBERS = {
    "rfc-9700.md": [
        *["2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6"],
        *[f"3 A{number}" for number in range(1, 6)],
        *[f"4.{number}" for number in range(1, 18)],
    ],
    "rfc-8725.md": [f"3.{number}" for number in range(1, 13)],
    "rfc-9207.md": [
        *["2", "2.1", "2.2", "2.3"],
        *[f"2.4 {letter}" for letter in "abcdef"],
        *["3", "4 a", "4 b"],
    ],
    "asvs-5.md": [
        f"{chapter}.{section}.{number}"
        for chapter, counts in ASVS.items()
        for section, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    ],
}
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
LINES = {f"{page} {row[0]}": row[2] for page, text in TEXTS.items() for row in ROW.findall(text)}


def named(page: str) -> list[str]:
    """Return the tests that a page names."""
    return TEST.findall(TEXTS[page])


@pytest.mark.parametrize("page", NUMBERS)
def test_list_has_every_section_once_and_in_order(page):
    assert [number for number, _, _ in ROW.findall(TEXTS[page])] == NUMBERS[page]
    rows = [line for line in TEXTS[page].splitlines() if line.startswith("|")]
    headings = [line for line in rows if line.startswith(("| § |", "| # |", "| --- |"))]
    assert len(rows) - len(headings) == len(NUMBERS[page])  # none is written so that it is not read


def test_every_list_is_known_and_can_be_found():
    overview = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    assert sorted(TEXTS) == sorted(NUMBERS)
    assert [page for page in TEXTS if f"](security/{page})" not in overview] == []


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_line_says_what_holds_it_or_what_follows(line):
    found = VERDICT.match(line)
    assert found is not None
    verdict = found[1]
    tests, modules = TEST.findall(line), MODULE.findall(line)
    assert [test for test in tests if not exists(test)] == []
    assert line.count("::") == len(tests)
    assert [name for name in modules if not (ROOT / "authkit_asgi" / name).is_file()] == []
    assert verdict not in {"Held", "Held in part"} or (tests and modules)
    assert (verdict in {"Held in part", "Not held"}) == ("Consequence: " in line)
