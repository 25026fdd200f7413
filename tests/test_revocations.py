"""What a process notes of users whose sessions are over: when it counts, and for how long."""

from __future__ import annotations

import pytest
from emulated import Clock

from authkit_asgi.revocations import Revocations, UserRevocation

ADA = {"sub": "user_ada", "org_id": "org_acme", "iat": 1000}
OF_ADA = UserRevocation(user_id="user_ada", before=1000.5)


def test_notes_of_users_end_after_an_hour_and_the_later_time_counts():
    clock = Clock()
    revocations = Revocations(clock)
    revocations.add(OF_ADA)
    revocations.add(UserRevocation(user_id="user_ada", before=1))
    assert len(revocations) == 1
    assert revocations.cover(ADA)
    clock.now += 3599
    assert revocations.cover(ADA)
    clock.now += 1
    assert not revocations.cover(ADA)


def test_notes_of_users_are_bounded(monkeypatch):
    monkeypatch.setattr("authkit_asgi.revocations._MAX_ENTRIES", 3)
    revocations = Revocations(Clock())
    for number in range(5):
        revocations.add(UserRevocation(user_id=f"user_{number}", before=1))
    covered = [revocations.cover({"sub": f"user_{number}", "iat": 1}) for number in range(5)]
    assert covered == [False, False, True, True, True]


def test_what_is_known_already_is_told_from_what_is_news():
    clock = Clock()
    revocations = Revocations(clock)
    revocations.add(OF_ADA)
    assert OF_ADA in revocations
    assert UserRevocation(user_id="user_ada", before=999) in revocations
    assert UserRevocation(user_id="user_ada", before=1001) not in revocations
    assert UserRevocation(user_id="user_bob", before=1) not in revocations
    assert revocations.known() == [OF_ADA]
    clock.now += 3600
    assert OF_ADA not in revocations
    assert revocations.known() == []


def test_note_about_one_organization_counts_there_alone():
    revocations = Revocations(Clock())
    note = UserRevocation(user_id="user_ada", organization_id="org_acme", before=1000)
    revocations.add(note)
    assert revocations.cover(ADA)
    assert note.covers(ADA)
    for other in ({**ADA, "org_id": "org_globex"}, {"sub": "user_ada", "iat": 1000}):
        assert not revocations.cover(other)
        assert not note.covers(other)


@pytest.mark.parametrize(
    ("claims", "is_over"),
    [
        ({"sub": "user_ada"}, True),
        ({"sub": "user_ada", "iat": "1001"}, True),
        ({"sub": "user_ada", "iat": 1001, "org_id": ["org_acme"]}, False),
        ({"sub": "user_ada", "iat": 1000, "org_id": {}}, True),
        ({"sub": ["user_ada"], "iat": 1}, False),
        ({"iat": 1}, False),
        ({}, False),
    ],
)
def test_odd_claims_are_judged_without_an_error(claims, is_over):
    revocations = Revocations(Clock())
    revocations.add(OF_ADA)
    assert revocations.cover(claims) is is_over


@pytest.mark.parametrize("before", [-1, float("nan"), float("inf"), 1_700_000_000_000, 10**400])
def test_what_is_no_time_in_seconds_is_refused(before):
    with pytest.raises(ValueError, match="seconds since the epoch"):
        UserRevocation(user_id="user_ada", before=before)
