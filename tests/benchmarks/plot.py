"""Draw a run as an SVG: bars that are read in a light page as in a dark one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from names import HIT, MISS, NO_COOKIE, PEERS, SESSIONS, WORKOS
from results import Results, Section

WIDTH = 760
_LABELS, _VALUES = 250, 90  # pixels beside the bars
_BAR, _STEP, _HEAD, _GAP = 16, 24, 34, 22
_OWN = (NO_COOKIE, HIT, MISS)

# A page that is dark says so; without it, ink on white. Both colours differ in lightness, too.
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.paper { fill: #ffffff }
.ours { fill: #0a6ebd }
.other { fill: #a3adb8 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .paper { fill: #0d1117 }
  .ours { fill: #58a6ff }
  .other { fill: #5c6672 }
}
"""


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    shown: str
    is_ours: bool


@dataclass(frozen=True)
class Panel:
    """Some bars to one scale."""

    title: str
    bars: Sequence[Bar]
    least: float = 0
    """What the scale reaches to at least."""

    @property
    def height(self) -> int:
        return _HEAD + len(self.bars) * _STEP + _GAP


def draw(results: Results) -> str:
    """Return the SVG of what a session check costs, and what it leaves of a server."""
    panels = [panel for panel in _panels(results) if panel.bars]
    height = sum(panel.height for panel in panels)
    parts: list[str] = []
    top = 0
    for panel in panels:
        parts += _drawn(panel, top)
        top += panel.height
    described = "; ".join(f"{bar.label}: {bar.shown}" for panel in panels for bar in panel.bars)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
                f' width="{WIDTH}" height="{height}" role="img" aria-labelledby="t d">'
            ),
            '<title id="t">What a session check costs</title>',
            f'<desc id="d">{escape(described)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _panels(results: Results) -> Iterator[Panel]:
    request, http = results.sections.get("request"), results.sections.get("http")
    if request is not None:
        yield Panel("A session check in process, µs (less is better)", _checks(request))
    if http is not None:
        title = "Requests/s of FastAPI that are left, % of bare (more is better)"
        yield Panel(title, _rates(http), least=1)


def _checks(section: Section) -> list[Bar]:
    bars: list[Bar] = []
    for name in (*_OWN, SESSIONS, WORKOS, *PEERS):
        # Of what stands around an application, the application is not a part.
        column = 1 if name in _OWN or name == SESSIONS else 0
        value = section.figure(name, column)
        if value is not None:
            label = name.replace("middleware", "authkit_asgi")
            bars.append(Bar(label, value, f"{value:,.1f}", name in _OWN))
    return bars


def _rates(section: Section) -> list[Bar]:
    bars: list[Bar] = []
    for name in ("no cookie", "hit", "miss", "SessionMiddleware", "workos-python"):
        value = section.figure(f"FastAPI: {name}", 1)
        if value is not None:
            is_ours = name in {"no cookie", "hit", "miss"}
            label = f"authkit_asgi: {name}" if is_ours else name
            bars.append(Bar(label, value, f"{value:.0%}", is_ours))
    return bars


def _drawn(panel: Panel, top: int) -> Iterator[str]:
    yield f'<text class="title" x="12" y="{top + 24}">{escape(panel.title)}</text>'
    room = WIDTH - _LABELS - _VALUES
    longest = max(panel.least, *(bar.value for bar in panel.bars))
    for number, bar in enumerate(panel.bars):
        y = top + _HEAD + number * _STEP
        width = max(1.0, bar.value / longest * room)
        kind = "ours" if bar.is_ours else "other"
        yield (
            f'<text x="{_LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{kind}" x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}"'
            f' rx="2"/><text x="{_LABELS + width + 8:.1f}" y="{y + 13}">{escape(bar.shown)}</text>'
        )
