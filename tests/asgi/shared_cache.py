"""A shared cache in front of an application: as greedy as RFC 9111 lets one be."""

from __future__ import annotations

from dataclasses import dataclass, field

from asgi_driver import Answer, drive
from starlette.types import ASGIApp, Scope

_UNSTORABLE = frozenset({"no-store", "private"})  # RFC 9111, 3


@dataclass
class SharedCache:
    """Keeps what it may, for ever, and serves it to whoever asks."""

    app: ASGIApp
    stored: list[tuple[Scope, Answer]] = field(default_factory=list)
    hits: int = 0

    async def get(self, scope: Scope) -> Answer:
        for asked, answer in self.stored:
            if _fits(scope, asked, answer):
                self.hits += 1
                return answer
        answer = await drive(self.app, scope)
        directives = _fields(answer, "cache-control")
        if not _UNSTORABLE & directives and "no-cache" not in directives:
            self.stored.append((scope, answer))
        return answer


def _fits(scope: Scope, asked: Scope, answer: Answer) -> bool:
    """RFC 9111, 4.1: what Vary names has to be the same in both requests."""
    varies = _fields(answer, "vary")
    return (
        (scope["method"], scope["path"]) == (asked["method"], asked["path"])
        and "*" not in varies
        and all(_values(scope, name) == _values(asked, name) for name in varies)
    )


def _fields(answer: Answer, name: str) -> set[str]:
    return {part.strip().lower() for line in answer.all(name) for part in line.split(",")}


def _values(scope: Scope, name: str) -> list[bytes]:
    return [value for key, value in scope["headers"] if key.decode().lower() == name]
