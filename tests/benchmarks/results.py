"""What a run of the benchmarks came to: sections of one table, and whether goals were reached."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = float | str | None

_FORMATS = {
    "µs": "{:,.1f}",
    "ms": "{:,.2f}",
    "MB": "{:,.1f}",
    "KB": "{:,.0f}",
    "1/s": "{:,.0f}",
    "x": "{:.2f} x",
    "%": "{:.1%}",
    "": "{:,g}",
}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A bound on a figure, which the table puts beside it."""

    wanted: str
    measured: float
    bound: float
    is_least: bool = False
    """Whether the figure is to be at least the bound; else at most."""

    @property
    def is_reached(self) -> bool:
        return self.measured >= self.bound if self.is_least else self.measured <= self.bound

    def __str__(self) -> str:
        return f"{self.wanted}: {'yes' if self.is_reached else 'NO'}"


@dataclass(frozen=True)
class Column:
    """What a column holds; its unit decides how a figure is written."""

    title: str
    unit: str

    def show(self, value: Value) -> str:
        if value is None:
            return ""
        return value if isinstance(value, str) else _FORMATS[self.unit].format(value)

    @property
    def heading(self) -> str:
        return f"{self.title}, {self.unit}" if self.unit not in {"", "x", "%"} else self.title


@dataclass(frozen=True)
class Row:
    name: str
    values: Sequence[Value]
    goals: Sequence[Goal] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the table."""

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    notes: Sequence[str] = ()

    def figure(self, name: str, column: int = 0) -> float | None:
        """Return a row's figure, if the run has it."""
        for row in self.rows:
            value = row.values[column] if row.name == name else None
            if isinstance(value, float | int):
                return value
        return None

    @property
    def lines(self) -> list[list[str]]:
        """The headings and the rows as text; the goals only where there are any."""
        has_goals = any(row.goals for row in self.rows)
        titles = ["", *(column.heading for column in self.columns)]
        lines = [[*titles, "reach"] if has_goals else titles]
        for row in self.rows:
            shown = [column.show(v) for column, v in zip(self.columns, row.values, strict=True)]
            goals = ["; ".join(map(str, row.goals))] if has_goals else []
            lines.append([row.name, *shown, *goals])
        return lines


def as_text(section: Section) -> str:
    """Return a section for a terminal."""
    lines = section.lines
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(section.columns)
    body = [
        "  ".join(
            cell.rjust(width) if 0 < number <= last else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([section.title.upper(), *body, *(f"  {note}" for note in section.notes)])


def as_markdown(section: Section) -> str:
    """Return a section for a page."""
    headings, *rows = section.lines
    last = len(section.columns)
    rule = ["---:" if 0 < number <= last else "---" for number in range(len(headings))]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))
    notes = "".join(f"\n\n{note}" for note in section.notes)
    return f"### {section.title}\n\n{table}{notes}"


@dataclass(frozen=True, kw_only=True)
class Results:
    """A whole run, on one machine, of certain versions."""

    about: Sequence[str]
    sections: Mapping[str, Section]

    def goals(self) -> Iterator[tuple[str, Goal]]:
        """Yield each goal with the name of its row."""
        for section in self.sections.values():
            for row in section.rows:
                yield from ((f"{section.title}: {row.name}", goal) for goal in row.goals)

    def as_json(self) -> dict[str, Any]:
        return {
            "about": list(self.about),
            "sections": [dataclasses.asdict(section) for section in self.sections.values()],
        }


def results_from_json(content: Mapping[str, Any]) -> Results:
    """Return what `Results.as_json` was made of."""
    sections = [
        Section(
            key=each["key"],
            title=each["title"],
            columns=[Column(**column) for column in each["columns"]],
            rows=[
                Row(row["name"], row["values"], [Goal(**goal) for goal in row["goals"]])
                for row in each["rows"]
            ],
            notes=each["notes"],
        )
        for each in content["sections"]
    ]
    return Results(about=content["about"], sections={each.key: each for each in sections})
