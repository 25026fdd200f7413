"""Where breaches of the ASGI specification are reported, and kept for the end of the test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

# What is let pass, and what has been found: of the innermost `collecting` last.
_collections: list[tuple[tuple[str, ...], list[str]]] = [((), [])]


class SpecificationError(AssertionError):
    """A scope or message that the ASGI specification does not allow."""


def report(text: str) -> None:
    """Raise `SpecificationError`, and note it, for applications and servers swallow exceptions."""
    allowed, found = _collections[-1]
    if not any(part in text for part in allowed):
        found.append(text)
        raise SpecificationError(text)


@contextlib.contextmanager
def collecting(*allowed: str) -> Iterator[list[str]]:
    """Yield the list of breaches within the block; those with one of `allowed` in them are none."""
    found: list[str] = []
    _collections.append((allowed, found))
    try:
        yield found
    finally:
        _collections.pop()
