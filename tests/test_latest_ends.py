"""What one process keeps of sessions' ends: which of two counts, how many, and for how long."""

from __future__ import annotations

import pytest
from emulated import Clock

from authkit_asgi.latest_ends import LatestEnds, SessionEnd


def test_later_counts_and_of_two_at_once_the_end():
    latest = LatestEnds(Clock())
    assert latest.note(SessionEnd("s", 10, is_over=False))
    assert latest.note(SessionEnd("s", 10))
    for older in (SessionEnd("s", 10, is_over=False), SessionEnd("s", 9), SessionEnd("s", 10)):
        assert not latest.note(older)
    assert latest.note(SessionEnd("s", 11, is_over=False))
    assert latest.note(SessionEnd("another", 1))


def test_what_happens_now_is_later_than_all_that_is_known():
    clock = Clock()
    latest = LatestEnds(clock)
    assert latest.now("s", is_over=True) == SessionEnd("s", clock.now)
    latest.note(SessionEnd("s", clock.now + 5))
    begun = latest.now("s", is_over=False)
    assert clock.now + 5 < begun.at < clock.now + 5.001
    assert latest.note(begun)
    assert clock.now + 7 < latest.now("s", is_over=True, after=clock.now + 7).at < clock.now + 7.001


def test_sessions_over_are_those_of_the_hour():
    clock = Clock()
    latest = LatestEnds(clock)
    latest.note(latest.now("over", is_over=True))
    latest.note(latest.now("begun", is_over=False))
    clock.now += 3599
    assert [end.session_id for end in latest.over()] == ["over"]
    clock.now += 1
    assert latest.over() == []


def test_the_first_noted_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authkit_asgi.latest_ends._MAX_ENTRIES", 2)
    latest = LatestEnds(Clock())
    for at, session_id in enumerate(("a", "b", "a", "c")):
        latest.note(SessionEnd(session_id, at))
    assert [session_id in latest for session_id in "abc"] == [True, False, True]
    assert len(latest) == 2
