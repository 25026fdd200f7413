"""The log of requests, for tests to count: no query, no body, no header, so no secret."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

# Old entries go when a flood would fill the memory.
_MAXIMUM_ENTRIES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request. ``status`` is ``None`` as long as, or if, no answer has been sent."""

    number: int
    at: float
    method: str
    path: str
    endpoint: str
    grant_type: str | None = None
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return asdict(self)


class Journal:
    """The requests in the order they arrived. Safe to use from several threads."""

    def __init__(self) -> None:
        self._records: dict[int, RequestRecord] = {}
        self._next = 1
        self._lock = threading.Lock()

    def open(
        self, *, at: float, method: str, path: str, endpoint: str, grant_type: str | None
    ) -> int:
        """Write down a request that has arrived and return its number."""
        with self._lock:
            number = self._next
            self._next += 1
            self._records[number] = RequestRecord(
                number=number,
                at=at,
                method=method,
                path=path,
                endpoint=endpoint,
                grant_type=grant_type,
            )
            if len(self._records) > _MAXIMUM_ENTRIES:
                del self._records[next(iter(self._records))]
            return number

    def close(self, number: int, status: int) -> None:
        """Write down the status that was answered; a record cleared meanwhile stays away."""
        with self._lock:
            if number in self._records:
                self._records[number] = replace(self._records[number], status=status)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._records.clear()

    def records(self) -> tuple[RequestRecord, ...]:
        """Return all records."""
        with self._lock:
            return tuple(self._records.values())

    def count(self, endpoint: str | None = None, **match: Any) -> int:
        """Count the requests to an endpoint (``None``: any) whose fields equal `match`."""
        unknown = match.keys() - {field.name for field in fields(RequestRecord)}
        if unknown:
            raise TypeError(f"a request record has no {', '.join(sorted(unknown))}")
        if endpoint is not None:
            match["endpoint"] = endpoint
        return sum(
            all(getattr(record, name) == value for name, value in match.items())
            for record in self.records()
        )
