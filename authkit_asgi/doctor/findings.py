"""What the doctor has found, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "fault", "skipped"]

JSON_VERSION = 1
"""Grows when a program that reads the JSON would have to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. No field ever holds a secret."""

    check: str
    """Its stable name, such as ``api.key``; several findings may have one."""
    status: Status
    """``skipped`` is what could not be looked at, or need not be."""
    message: str
    """What was found, in a sentence without a full stop."""
    advice: str = ""
    """What to do about it."""
    seconds: float | None = None
    """What it took, where something was asked; of ``api.clock`` by how much the clock is ahead."""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the examination."""

    findings: Sequence[Finding]

    @property
    def exit_status(self) -> int:
        """1 where something is at fault, else 0: warnings do not fail."""
        return 1 if self._count("fault") else 0

    def _count(self, status: Status) -> int:
        return sum(finding.status == status for finding in self.findings)

    def as_text(self) -> str:
        """Return a line each, with what to do below it, and the sum at the end."""
        lines: list[str] = []
        for finding in self.findings:
            lines.append(f"{finding.status:<9}{finding.check:<20}{_printable(finding.message)}")
            if finding.advice:
                lines.append(f"{'':<29}-> {_printable(finding.advice)}")
        faults, warnings = self._count("fault"), self._count("warning")
        lines += ["", f"{_number(faults, 'fault')}, {_number(warnings, 'warning')}"]
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """Return the same for programs."""
        content = {
            "version": JSON_VERSION,
            "ok": not self._count("fault"),
            "faults": self._count("fault"),
            "warnings": self._count("warning"),
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }
        return json.dumps(content, indent=2) + "\n"


def _number(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _printable(text: str) -> str:
    """Return text that does nothing to a terminal: a setting may hold anything."""
    return text if text.isprintable() else repr(text)
