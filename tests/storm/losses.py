"""Why a session was lost: what the workers wrote down, beside what was done to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KILLED = "of a worker killed between the exchange and its publication"
KILLED_WITHOUT_REDIS = "of a worker killed before Redis could be told"
WITHOUT_REDIS = "exchanged by two workers while Redis was down"
EMPTIED = "exchanged before Redis lost its data"
REPEATED = "sent twice by one worker, which had no answer"
UNEXPLAINED = "unexplained"

LATE_SECONDS = 5
"""After Redis is back, in which a worker has told the others what it could not tell them before."""


_SHOWN_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Record:
    """A refresh token that a worker has sent, or has been answered."""

    what: str
    at: float
    worker: int
    key: str
    status: int = 0
    successor: str | None = None


def read_records(path: Path) -> list[Record]:
    """Return what the workers have written so far, in the order of time."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted((Record(**json.loads(line)) for line in lines), key=lambda each: each.at)


@dataclass(kw_only=True)
class Incidents:
    """What was done to the workers and to their Redis."""

    unpublished: dict[int, set[str]] = field(default_factory=dict)
    """The tokens that each worker that was killed had sent, and whose outcome Redis had not."""
    ended: list[tuple[float, int, str]] = field(default_factory=list)
    """When which worker was ended, and how."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """From when to when Redis did not answer."""

    emptied: list[float] = field(default_factory=list)
    """When Redis had lost its data."""

    def overlap(self, begin: float, end: float) -> bool:
        return any(down <= end and begin <= back + LATE_SECONDS for down, back in self.outages)


def open_exchanges(records: Iterable[Record], worker: int) -> set[str]:
    """Return the tokens that a worker has spent, or may have: it was not told."""
    state: dict[str, bool] = {}
    for each in records:
        if each.worker == worker:
            state[each.key] = each.what == "sent" or each.successor is not None
    return {key for key, is_open in state.items() if is_open}


def explain(first: str, records: Sequence[Record], incidents: Incidents) -> str:
    """Return why the session that began with a refresh token was lost."""
    keys = set(_chain(first, records))
    own = [each for each in records if each.key in keys]
    refusal = next((each for each in own if each.what == "answered" and each.status == 400), None)
    if refusal is None:
        return UNEXPLAINED  # WorkOS has refused nothing
    earlier = [each for each in own if each.key == refusal.key and each.at < refusal.at]
    spent_by = _spender(earlier, refusal)
    if spent_by is None:
        return UNEXPLAINED
    since = min(each.at for each in earlier if each.worker == spent_by.worker)
    if any(since <= at <= refusal.at for at in incidents.emptied):
        return EMPTIED
    if refusal.key in incidents.unpublished.get(spent_by.worker, ()):
        killed = next((at for at, pid, _ in incidents.ended if pid == spent_by.worker), since)
        return KILLED_WITHOUT_REDIS if incidents.overlap(since, killed) else KILLED
    if incidents.overlap(since, refusal.at):
        return WITHOUT_REDIS
    return REPEATED if spent_by.worker == refusal.worker else UNEXPLAINED


def timeline(first: str, records: Sequence[Record], incidents: Incidents) -> list[str]:
    """Return what happened to a session in its last half minute, a line each."""
    keys = set(_chain(first, records))
    own = [each for each in records if each.key in keys]
    end = own[-1].at if own else 0.0
    events = [
        (each.at, f"{each.worker} {each.what} {each.key[:8]} {each.status} {each.successor}")
        for each in own
    ]
    events += [(at, f"{worker} was ended by {how}") for at, worker, how in incidents.ended]
    events += [
        (down, f"Redis was down for {back - down:.1f} s") for down, back in incidents.outages
    ]
    events += [(at, "Redis had lost its data") for at in incidents.emptied]
    return [
        f"{at - end:8.2f} s: {what}"
        for at, what in sorted(events)
        if end - _SHOWN_SECONDS < at <= end
    ]


def _chain(first: str, records: Iterable[Record]) -> Iterator[str]:
    successors: Mapping[str, str] = {each.key: each.successor for each in records if each.successor}
    key: str | None = first
    while key is not None:
        yield key
        key = successors.get(key)


def _spender(earlier: Sequence[Record], refusal: Record) -> Record | None:
    """Return who was granted the token before it was refused, or has never been answered."""
    granted = [each for each in earlier if each.successor is not None]
    if granted:
        return granted[0]
    unanswered: list[Record] = []
    last: dict[int, Record] = {}
    for each in earlier:
        before = last.pop(each.worker, None)
        if each.what == "sent":
            last[each.worker] = each
            if before is not None:
                unanswered.append(before)
    last.pop(refusal.worker, None)  # that is what was refused
    return min([*unanswered, *last.values()], key=lambda each: each.at, default=None)
