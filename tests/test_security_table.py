"""Each promise in docs/security.md names tests that exist, or says that it is not kept yet."""

from __future__ import annotations

import re

import pytest
from named_tests import ROOT, exists

ROW = re.compile(r"^\| (R\d+) \|(.*)\|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[^`]*)`")
NUMBERS = [f"R{number}" for number in range(1, 70)]
ROWS = ROW.findall((ROOT / "docs/security.md").read_text(encoding="utf-8"))


def test_table_has_each_promise_once_and_in_order():
    assert [number for number, _, _ in ROWS] == NUMBERS


@pytest.mark.parametrize(("promise", "tests"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_promise_names_tests_that_exist_or_is_not_kept_yet(promise, tests):
    named = TEST.findall(tests)
    assert promise.strip()
    assert named or "not yet" in tests
    assert [test for test in named if not exists(test)] == []
    assert tests.count("::") == len(named)  # none is written so that it is not looked for
