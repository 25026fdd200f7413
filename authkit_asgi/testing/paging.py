"""Lists of the API, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from authkit_asgi.testing.refusal import Refusal

_DEFAULT_LIMIT = 10
_HIGHEST_LIMIT = 100


class _Entry(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_Entry)


def one_page(
    found: Sequence[_T], query: Mapping[str, str]
) -> tuple[Sequence[_T], dict[str, str | None]]:
    """Return one page and the cursors to its neighbours, ``None`` where there is none."""
    limit = _limit(query)
    ids = [entry.id for entry in found]
    first, end = 0, len(ids)
    if "after" in query:
        first = _position(ids, query["after"]) + 1
    if "before" in query:
        end = _position(ids, query["before"])
    if "before" in query and "after" not in query:
        first = max(first, end - limit)
    else:
        end = min(end, first + limit)
    page = found[first:end]
    before = page[0].id if page and first > 0 else None
    after = page[-1].id if page and end < len(ids) else None
    return page, {"before": before, "after": after}


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(_DEFAULT_LIMIT))
    # Three digits at most: Python refuses to read very long numbers.
    limit = int(text) if text.isdecimal() and len(text) <= len(str(_HIGHEST_LIMIT)) else 0
    if not 1 <= limit <= _HIGHEST_LIMIT:
        raise unprocessable(f"limit must be between 1 and {_HIGHEST_LIMIT}.")
    return limit


def _position(ids: Sequence[str], cursor: str) -> int:
    if cursor not in ids:
        raise unprocessable("before and after must be ids of the list.")
    return ids.index(cursor)


def unprocessable(message: str) -> Refusal:
    """Return the refusal of a query that makes no sense."""
    return Refusal(422, "unprocessable_entity", message)
