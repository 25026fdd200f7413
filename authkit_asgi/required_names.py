"""The names that guards ask for: whether they are there, and how to say which are not."""

from __future__ import annotations

from collections.abc import Callable


def missing_names(
    wanted: tuple[str, ...], has: Callable[[str], bool], *, any_of: bool
) -> tuple[str, ...]:
    """Return which of `wanted` somebody has not; with `any_of` none if they have one of them."""
    lacking = tuple(name for name in wanted if not has(name))
    return () if any_of and len(lacking) < len(wanted) else lacking


def lacking_words(kind: str, lacking: tuple[str, ...], *, any_of: bool) -> str:
    """Return the sentence that names what is lacking; `kind` is a plural, such as ``roles``."""
    words = kind.replace("_", " ")
    if len(lacking) == 1:
        return f"This needs the {words.removesuffix('s')} {lacking[0]}"
    joint = " or " if any_of else " and "
    return f"This needs the {words} {joint.join(lacking)}"


def check_names(guard: str, names: tuple[object, ...]) -> None:
    """See that a guard is given names, one at least: asking for nothing would let everybody in.

    Raises:
        TypeError: It is not.
    """
    if not names or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"{guard} takes names, one at least")
