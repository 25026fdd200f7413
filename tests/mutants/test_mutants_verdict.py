"""The verdict on a run of mutmut, from what mutmut prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from groups import GROUPS
from verdict import Mutant, Survivor, compare, read_explained, read_results, survivor, table

RESULTS = """
    authkit_asgi.seal.x_seal__mutmut_1: killed
    authkit_asgi.seal.x__newest_first__mutmut_12: survived
    authkit_asgi.cookies.xǁCookieWriterǁ__init____mutmut_3: no tests
    authkit_asgi.cookies.xǁCookieWriterǁsession__mutmut_4: timeout
"""
DIFF = """# authkit_asgi.seal.x__newest_first__mutmut_12: survived
--- authkit_asgi/seal.py
+++ authkit_asgi/seal.py
@@ -1,4 +1,4 @@
 def _newest_first(password):
     if isinstance(password, str):
-        return {}
+        return None
     -1
"""
FOUND = Survivor("seal", "_newest_first", "- return {}\n+ return None")


def test_results_are_read_with_module_and_function() -> None:
    mutants = read_results(RESULTS)
    assert [(mutant.part("module"), mutant.part("function")) for mutant in mutants] == [
        ("seal", "seal"),
        ("seal", "_newest_first"),
        ("cookies", "CookieWriter.__init__"),
        ("cookies", "CookieWriter.session"),
    ]
    assert [mutant.is_killed for mutant in mutants] == [True, False, False, False]


def test_name_that_is_not_mutmuts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"authkit_asgi\.seal\.seal"):
        Mutant("authkit_asgi.seal.seal", "killed").part("module")


def test_survivor_is_known_by_the_changed_lines_only() -> None:
    assert survivor(read_results(RESULTS)[1], DIFF) == FOUND


def test_table_counts_each_module_and_complains_below_the_threshold() -> None:
    killed = [Mutant(f"authkit_asgi.pkce.x_f__mutmut_{number}", "killed") for number in range(20)]
    text, complaints = table([*read_results(RESULTS), *killed[1:], Mutant(killed[0].name, "x")])
    assert [line.split() for line in text.splitlines()] == [
        ["module", "mutants", "killed", "survived", "timeout"],
        ["cookies", "2", "0", "1", "1", "0.0", "%"],
        ["pkce", "20", "19", "1", "0", "95.0", "%"],
        ["seal", "2", "1", "1", "0", "50.0", "%"],
    ]
    assert [complaint.partition(":")[0] for complaint in complaints] == ["cookies.py", "seal.py"]


def test_explanation_as_it_is_printed_explains() -> None:
    explained = read_explained(f"[[survivor]]\n{FOUND}\nreason = 'r'\n")
    assert explained == {FOUND: "r"}
    assert compare([FOUND, FOUND], explained) == []


def test_survivor_without_explanation_and_explanation_without_survivor_are_complained_of() -> None:
    other = Survivor("seal", "seal", "- a\n+ b")
    (missing, obsolete) = compare([FOUND], [other])
    assert missing.startswith("Killed by no test")
    assert str(FOUND) in missing
    assert obsolete.startswith("Explained")
    assert str(other) in obsolete


def test_each_explanation_of_ours_has_a_reason_and_a_change() -> None:
    text = Path(__file__).with_name("explained.toml").read_text(encoding="utf-8")
    explained = read_explained(text)
    assert len(explained) == text.count("[[survivor]]")  # none is there twice
    for each, reason in explained.items():
        assert reason.strip()
        assert any(each.module in group.modules for group in GROUPS)
        assert {line[:2] for line in each.change.splitlines()} == {"- ", "+ "}
