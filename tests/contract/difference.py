"""One thing that the emulators answer differently, and why ours answers as it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from contract_client import WorkOS

Kind = Literal["as WorkOS", "stricter", "by design"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is looked at, how, what each answers to it, and the reason."""

    name: str
    observe: Callable[[WorkOS], str]
    ours: str
    official: str
    kind: Kind
    reason: str

    def answer_of(self, emulator: str) -> str:
        return {"ours": self.ours, "official": self.official}[emulator]
