"""Put a run into the documentation: its tables between two marks of a page, its plot beside it.

`python page.py RESULTS.json docs` does so with a run of before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from plot import draw
from results import Results, as_markdown, results_from_json

BEGIN, END = "<!-- a run of make bench -->", "<!-- the end of that run -->"


def write_page(results: Results, folder: Path) -> None:
    """Write `performance.svg`, and what stands between the marks of `performance.md`.

    Raises:
        ValueError: The page lacks a mark.
    """
    page = folder / "performance.md"
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has lost one of its marks: {BEGIN} and {END}")
    about = "\n".join(f"- {line}" for line in results.about)
    tables = "\n\n".join(as_markdown(section) for section in results.sections.values())
    page.write_text(f"{before}{BEGIN}\n\n{about}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
    (folder / "performance.svg").write_text(draw(results), encoding="utf-8")


if __name__ == "__main__":
    content = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    write_page(results_from_json(content), Path(sys.argv[2]))
