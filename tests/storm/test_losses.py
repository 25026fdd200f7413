"""Of what the workers wrote down, the soak tells why a session was lost."""

from __future__ import annotations

import json

import pytest
from losses import (
    EMPTIED,
    KILLED,
    KILLED_WITHOUT_REDIS,
    REPEATED,
    UNEXPLAINED,
    WITHOUT_REDIS,
    Incidents,
    Record,
    explain,
    open_exchanges,
    read_records,
    timeline,
)


def sent(at: float, worker: int, key: str) -> Record:
    return Record(what="sent", at=at, worker=worker, key=key)


def answered(at: float, worker: int, key: str, result: int | str) -> Record:
    """Return an answer: a status, or the successor that was granted."""
    if isinstance(result, int):
        return Record(what="answered", at=at, worker=worker, key=key, status=result)
    return Record(what="answered", at=at, worker=worker, key=key, status=200, successor=result)


RENEWED = [sent(1, 1, "a"), answered(2, 1, "a", "b")]
REFUSED = [sent(30, 2, "b"), answered(31, 2, "b", 400)]
GRANTED_TO_1 = [*RENEWED, sent(10, 1, "b"), answered(11, 1, "b", "c"), *REFUSED]
SLOWLY_GRANTED = [*RENEWED, sent(10, 1, "b"), answered(25, 1, "b", "c"), *REFUSED]
NEVER_ANSWERED = [*RENEWED, sent(10, 1, "b"), *REFUSED]
FAILED_AT_1 = [*RENEWED, sent(10, 1, "b"), answered(11, 1, "b", 500), *REFUSED]
SENT_AGAIN = [*RENEWED, sent(10, 2, "b"), *REFUSED]
DOWN = Incidents(outages=[(12, 15)])
TOOK_ALONG = Incidents(unpublished={1: {"b"}}, outages=[(12, 15)])

CASES = {
    "granted": (GRANTED_TO_1, TOOK_ALONG, KILLED),
    "killed meanwhile": (
        GRANTED_TO_1,
        Incidents(unpublished={1: {"b"}}, ended=[(14, 1, "SIGKILL")], outages=[(12, 15)]),
        KILLED_WITHOUT_REDIS,
    ),
    "killed before": (
        GRANTED_TO_1,
        Incidents(unpublished={1: {"b"}}, ended=[(11, 1, "SIGKILL")], outages=[(12, 15)]),
        KILLED,
    ),
    "emptied since": (GRANTED_TO_1, Incidents(emptied=[20]), EMPTIED),
    "emptied before": (GRANTED_TO_1, Incidents(emptied=[9]), UNEXPLAINED),
    "emptied afterwards": (GRANTED_TO_1, Incidents(emptied=[32]), UNEXPLAINED),
    "on its way": (NEVER_ANSWERED, TOOK_ALONG, KILLED),
    "another's": (GRANTED_TO_1, Incidents(unpublished={1: {"a"}, 2: {"b"}}), UNEXPLAINED),
    "without Redis": (GRANTED_TO_1, DOWN, WITHOUT_REDIS),
    "begun before it was back": (SLOWLY_GRANTED, Incidents(outages=[(4, 8)]), WITHOUT_REDIS),
    "before it was back": (GRANTED_TO_1, Incidents(outages=[(2, 8)]), WITHOUT_REDIS),
    "long before": (GRANTED_TO_1, Incidents(outages=[(2, 4)]), UNEXPLAINED),
    "afterwards": (GRANTED_TO_1, Incidents(outages=[(32, 33)]), UNEXPLAINED),
    "all was well": (GRANTED_TO_1, Incidents(), UNEXPLAINED),
    "refused at once": ([*RENEWED, *REFUSED], DOWN, UNEXPLAINED),
    "failed before": (FAILED_AT_1, DOWN, UNEXPLAINED),
    "sent again": (SENT_AGAIN, Incidents(), REPEATED),
    "never refused": (RENEWED, DOWN, UNEXPLAINED),
    "never sent": ([], DOWN, UNEXPLAINED),
}


@pytest.mark.parametrize(("records", "incidents", "reason"), CASES.values(), ids=CASES)
def test_loss_is_explained_by_what_happened_to_its_token(records, incidents, reason):
    others = [sent(30, 3, "x"), answered(30.5, 3, "x", 400)]
    assert explain("a", sorted([*records, *others], key=lambda each: each.at), incidents) == reason


def test_timeline_tells_what_was_done_to_whom():
    incidents = Incidents(
        ended=[(0, 8, "SIGTERM"), (29, 1, "SIGKILL")], outages=[(12, 15)], emptied=[15]
    )
    lines = timeline("a", GRANTED_TO_1, incidents)
    assert lines[0] == "  -29.00 s: 1 answered a 200 b"
    assert lines[3:] == [
        "  -19.00 s: Redis was down for 3.0 s",
        "  -16.00 s: Redis had lost its data",
        "   -2.00 s: 1 was ended by SIGKILL",
        "   -1.00 s: 2 sent b 0 None",
        "    0.00 s: 2 answered b 400 None",
    ]


def test_token_is_open_while_its_worker_may_have_spent_it():
    records = [
        *RENEWED,
        sent(3, 1, "on its way"),
        sent(4, 1, "failed"),
        answered(5, 1, "failed", 500),
        sent(6, 2, "another's"),
    ]
    assert open_exchanges(records, 1) == {"a", "on its way"}


def test_records_of_several_workers_come_in_the_order_of_time(tmp_path):
    path = tmp_path / "evidence"
    lines = [{"what": "sent", "at": at, "worker": at, "key": "a"} for at in (2, 1)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert read_records(path) == [sent(1, 1, "a"), sent(2, 2, "a")]
