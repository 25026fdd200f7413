"""The pause: after five failures in a row nobody asks WorkOS for five seconds."""

from __future__ import annotations

import logging

import pytest
from emulated import Clock

from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.pause import Pause


@pytest.fixture
def pause(clock: Clock) -> Pause:
    return Pause(clock)


def is_on(pause: Pause) -> bool:
    try:
        pause.check()
    except WorkOSUnavailableError:
        return True
    return False


def fail(pause: Pause, times: int) -> None:
    for _ in range(times):
        pause.note_failure()


def test_four_failures_are_no_pause_and_five_are(pause):
    assert not is_on(pause)
    fail(pause, 4)
    assert not is_on(pause)
    fail(pause, 1)
    assert is_on(pause)


def test_answer_in_between_begins_the_count_anew(pause):
    fail(pause, 4)
    pause.end()
    fail(pause, 4)
    assert not is_on(pause)


@pytest.mark.parametrize(("seconds", "retry_after"), [(0, 5), (0.1, 5), (3, 2), (4.9, 1)])
def test_pause_says_how_long_it_still_lasts(pause, clock, seconds, retry_after):
    fail(pause, 5)
    clock.now += seconds
    with pytest.raises(WorkOSUnavailableError) as caught:
        pause.check()
    assert caught.value.retry_after == retry_after


def test_pause_is_over_after_five_seconds_and_on_again_after_the_next_failure(pause, clock):
    fail(pause, 5)
    clock.now += 5
    assert not is_on(pause)
    fail(pause, 1)
    assert is_on(pause)
    clock.now += 5
    assert not is_on(pause)
    pause.end()
    fail(pause, 4)
    assert not is_on(pause)


def test_answer_of_one_under_way_ends_the_pause(pause):
    fail(pause, 5)
    pause.end()
    assert not is_on(pause)


def test_clock_that_is_set_back_does_not_make_the_pause_longer(pause, clock):
    fail(pause, 5)
    clock.now -= 3600
    assert not is_on(pause)


def test_pause_is_logged(pause, caplog):
    caplog.set_level(logging.DEBUG, "authkit_asgi")
    fail(pause, 4)
    assert caplog.messages == []
    fail(pause, 1)
    assert caplog.messages == ["Paused: no refresh for 5 s, 5 failures"]
    assert caplog.records[0].levelno == logging.WARNING
