"""docs/doctor.md names every check, and every field of the JSON."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from authkit_asgi.doctor import findings

PACKAGE = Path(findings.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs/doctor.md").read_text(encoding="utf-8")


def test_page_has_a_line_for_each_check_and_for_nothing_else():
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py"))
    made = set(re.findall(r'check="([a-z_.]+)"', code))
    rows = re.findall(r"^\| (`[a-z_.`, ]+`) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall("`([^`]+)`", row)} == made


def test_page_names_the_fields_of_the_json():
    fields = {field.name for field in dataclasses.fields(findings.Finding)}
    section = PAGE.partition("## As JSON")[2]
    assert fields | {"version", "ok", "faults", "warnings", "findings"} <= set(
        re.findall("`([a-z_]+)`", section)
    )
    assert f"`version` ({findings.JSON_VERSION})" in section
