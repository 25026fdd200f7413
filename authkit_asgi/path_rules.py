"""Rules that say which paths of an application are meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

# Ways of writing a path that routers and proxies may read differently.
_AMBIGUOUS = re.compile(r"//|/\.{1,2}(/|\Z)|[\\;%\x00-\x1f\x7f]")


class PathRules:
    """Paths of the application: each whole, or ``/assets/*`` for all that is below it.

    Args:
        rules: What to match. A path matches as the router sees it, decoded, and in whole segments;
            one that can be read in two ways (``//``, ``/../``, an encoded slash before a proxy)
            matches none.
    """

    def __init__(self, rules: Iterable[str]) -> None:
        rules = tuple(rules)
        self._paths = frozenset(rule for rule in rules if not rule.endswith("/*"))
        self._prefixes = tuple(rule[:-1] for rule in rules if rule.endswith("/*"))

    def __contains__(self, path: str) -> bool:
        matches = path in self._paths or path.startswith(self._prefixes)
        return matches and not _AMBIGUOUS.search(path)


def rule_problems(name: str, rules: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the rules of a setting."""
    for rule in rules:
        plain = rule.removesuffix("/*")
        if not rule.startswith("/") or "*" in plain or _AMBIGUOUS.search(rule):
            yield f"{name} holds {rule!r}, which is neither a path nor all below one: /assets/*"
