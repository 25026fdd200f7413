"""Where the emulators differ, each answers as the table says."""

from __future__ import annotations

import collections

import pytest
from contract_client import WorkOS
from difference import Difference
from differences import DIFFERENCES


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_emulator_answers_as_the_table_says(workos: WorkOS, difference: Difference):
    assert difference.observe(workos) == difference.answer_of(workos.emulator.name)


def test_table_lists_differences_once_and_with_reasons():
    counts = collections.Counter(difference.name for difference in DIFFERENCES)
    assert [name for name, count in counts.items() if count > 1] == []
    for difference in DIFFERENCES:
        assert difference.ours != difference.official
        assert difference.reason.strip()
