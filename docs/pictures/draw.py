"""Draw the sequence diagrams: ``python docs/pictures/draw.py`` writes an SVG beside each text.

A text has a line for each of: ``title …``, ``actor …``, ``A -> B: …`` (a request), ``A --> B: …``
(an answer) and ``note A: …``.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

_FOLDER = Path(__file__).parent
_STEP = re.compile(r"(?P<source>.+?) (?P<arrow>-->|->) (?P<target>.+?): (?P<text>.+)")
_NOTE = re.compile(r"note (?P<source>.+?): (?P<text>.+)")

_CHARACTER = 6.9  # width of one at 13 px, rather more than less
_LINE = 16  # height of one
_WRAP = 30  # characters
_MARGIN = 24
_ACTOR_HEIGHT = 34
_PADDING = 14

# With a ground of its own a picture can be read on any page, whatever that takes its colours from.
_STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; }
  .actor { fill: #eef1fb; stroke: #4051b5; }
  .note { fill: #fff8dc; stroke: #bf8700; }
  .life { stroke: #8c959f; stroke-dasharray: 4 4; }
  .step { stroke: #1f2328; fill: none; stroke-width: 1.3; }
  .answer { stroke-dasharray: 5 3; }
  .head { fill: #1f2328; }
  text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif;
    text-anchor: middle; }
  .name { font-weight: 600; }
  .said { stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #161b22; stroke: #3d444d; }
    .actor { fill: #232b4a; stroke: #8c9eff; }
    .note { fill: #33290d; stroke: #d29922; }
    .life { stroke: #6e7681; }
    .step { stroke: #e6edf3; }
    .head { fill: #e6edf3; }
    text { fill: #e6edf3; }
    .said { stroke: #161b22; }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An arrow from one actor to another, or a note at one, whose `target` is `None`."""

    source: int
    target: int | None
    text: str
    is_answer: bool = False

    @property
    def lines(self) -> list[str]:
        """The text as it is drawn."""
        return textwrap.wrap(self.text, _WRAP)

    @property
    def width(self) -> float:
        """What the text takes, with some air."""
        return max(map(len, self.lines)) * _CHARACTER + 2 * _PADDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What a text says."""

    title: str
    actors: list[str]
    steps: list[Step]


def read(text: str) -> Diagram:
    """Read a diagram; `ValueError` names a line that is none."""
    title, actors, steps = "", list[str](), list[Step]()
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "title":
            title = rest
        elif kind == "actor":
            actors.append(rest)
        elif match := _NOTE.fullmatch(line):
            steps.append(
                Step(source=actors.index(match["source"]), target=None, text=match["text"])
            )
        elif match := _STEP.fullmatch(line):
            source, target = actors.index(match["source"]), actors.index(match["target"])
            is_answer = match["arrow"] == "-->"
            steps.append(
                Step(source=source, target=target, text=match["text"], is_answer=is_answer)
            )
        else:
            raise ValueError(f"not a line of a diagram: {line}")
    return Diagram(title=title, actors=actors, steps=steps)


def _columns(diagram: Diagram) -> list[float]:
    """Return where the actors stand: as near as the texts between them allow."""
    names = [len(name) * _CHARACTER * 1.1 + 2 * _PADDING for name in diagram.actors]
    gaps = [(one + other) / 2 + _PADDING for one, other in itertools.pairwise(names)]
    for step in sorted(diagram.steps, key=_span):
        if step.target is None:
            continue
        between = range(*sorted((step.source, step.target)))
        missing = step.width - sum(gaps[gap] for gap in between)
        for gap in between:
            gaps[gap] += max(0, missing / len(between))
    left = max([names[0], *(one.width for one in diagram.steps if _is_note(one, 0))]) / 2
    return list(itertools.accumulate(gaps, initial=_MARGIN + left))


def _span(step: Step) -> int:
    return 0 if step.target is None else abs(step.target - step.source)


def _is_note(step: Step, actor: int) -> bool:
    return step.target is None and step.source == actor


def draw(diagram: Diagram) -> str:
    """Return the diagram as SVG."""
    columns = _columns(diagram)
    last = len(columns) - 1
    widths = [one.width for one in diagram.steps if _is_note(one, last)]
    right = max([len(diagram.actors[last]) * _CHARACTER * 1.1 + 2 * _PADDING, *widths]) / 2
    width = columns[last] + right + _MARGIN
    body, y = [], float(_MARGIN + _ACTOR_HEIGHT + _PADDING)
    for step in diagram.steps:
        y += len(step.lines) * _LINE + _PADDING
        if step.target is None:
            body += _note(step, columns[step.source], y)
            y += _PADDING
        else:
            body += _arrow(step, columns[step.source], columns[step.target], y)
    height = y + _MARGIN
    lives = [
        f'<line class="life" x1="{x:.1f}" y1="{_MARGIN + _ACTOR_HEIGHT}" x2="{x:.1f}" '
        f'y2="{height - _PADDING:.1f}"/>'
        for x in columns
    ]
    names = [
        line for name, x in zip(diagram.actors, columns, strict=True) for line in _actor(name, x)
    ]
    told = "; ".join(_sentence(step, diagram.actors) for step in diagram.steps)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
                f'width="{width:.0f}" height="{height:.0f}" role="img" '
                'aria-labelledby="title desc">'
            ),
            f'<title id="title">{escape(diagram.title)}</title>',
            f'<desc id="desc">{escape(told)}</desc>',
            f"<style>{_STYLE}</style>",
            (
                f'<rect class="ground" x="0.5" y="0.5" width="{width - 1:.1f}" '
                f'height="{height - 1:.1f}" rx="8"/>'
            ),
            *lives,
            *names,
            *body,
            "</svg>\n",
        ]
    )


def _sentence(step: Step, actors: list[str]) -> str:
    if step.target is None:
        return f"{actors[step.source]}: {step.text}"
    return f"{actors[step.source]} to {actors[step.target]}: {step.text}"


def _actor(name: str, x: float) -> list[str]:
    width = len(name) * _CHARACTER * 1.1 + 2 * _PADDING
    return [
        (
            f'<rect class="actor" x="{x - width / 2:.1f}" y="{_MARGIN}" width="{width:.1f}" '
            f'height="{_ACTOR_HEIGHT}" rx="5"/>'
        ),
        (
            f'<text class="name" x="{x:.1f}" y="{_MARGIN + _ACTOR_HEIGHT / 2 + 5:.1f}">'
            f"{escape(name)}</text>"
        ),
    ]


def _text(lines: list[str], x: float, last: float, kind: str) -> list[str]:
    first = last - (len(lines) - 1) * _LINE
    return [
        f'<text class="{kind}" x="{x:.1f}" y="{first + number * _LINE:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]


def _note(step: Step, x: float, bottom: float) -> list[str]:
    height = len(step.lines) * _LINE + 10
    return [
        (
            f'<rect class="note" x="{x - step.width / 2:.1f}" y="{bottom - height + 9:.1f}" '
            f'width="{step.width:.1f}" height="{height}" rx="3"/>'
        ),
        *_text(step.lines, x, bottom, "noted"),
    ]


def _arrow(step: Step, start: float, end: float, y: float) -> list[str]:
    kind = "step answer" if step.is_answer else "step"
    back = -8 if end > start else 8
    return [
        *_text(step.lines, (start + end) / 2, y - 6, "said"),
        f'<line class="{kind}" x1="{start:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{y:.1f}"/>',
        f'<path class="head" d="M{end:.1f} {y:.1f}l{back} -4v8z"/>',
    ]


def main() -> None:
    """Draw every text of this folder."""
    for file in sorted(_FOLDER.glob("*.txt")):
        picture = draw(read(file.read_text(encoding="utf-8")))
        file.with_suffix(".svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
