"""What is remembered of refresh tokens and sessions, for how long, and how much of it."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable

import pytest
from emulated import Clock
from exchanges import AT, key, outcome, refusal

from authkit_asgi import outcomes
from authkit_asgi.outcomes import OutcomeMemory, Tombstones


@pytest.fixture
def memory(clock: Clock) -> OutcomeMemory:
    return OutcomeMemory(clock)


def test_nothing_is_known_of_a_token_that_nobody_has_exchanged(memory):
    assert memory.find(key(0)) is None
    assert [*memory.chain(key(0))] == []
    assert len(memory) == 0
    memory.see(key(0))
    memory.forget(key(0), outcome(0))
    assert len(memory) == 0


@pytest.mark.parametrize("known", [outcome(0), refusal()], ids=["successor", "refusal"])
def test_outcome_is_remembered_for_an_hour(memory, clock, known):
    memory.remember(key(0), known)
    clock.now = AT + 3599.9
    assert memory.find(key(0)) is known
    clock.now = AT + 3600
    assert memory.find(key(0)) is None


def test_outcome_whose_new_cookie_has_been_seen_is_remembered_for_30_s(memory, clock):
    memory.remember(key(0), outcome(0))
    clock.now += 100
    memory.see(key(1))
    clock.now += 20
    memory.see(key(1))  # seen again: not kept for longer
    clock.now += 9.9
    assert memory.find(key(0)) == outcome(0)
    clock.now += 0.1
    assert memory.find(key(0)) is None


def test_outcome_seen_at_the_end_of_its_hour_is_not_kept_beyond(memory, clock):
    memory.remember(key(0), outcome(0))
    clock.now = AT + 3590
    memory.see(key(1))
    assert memory.find(key(0)) == outcome(0)
    clock.now = AT + 3600
    assert memory.find(key(0)) is None


def test_old_outcome_of_another_process_is_not_kept_for_a_new_hour(memory, clock):
    clock.now = AT + 3000
    memory.remember(key(0), outcome(0, at=AT))
    clock.now = AT + 3600
    assert memory.find(key(0)) is None


def test_cookie_that_was_seen_lets_all_its_predecessors_go(memory, clock):
    for number in range(3):
        memory.remember(key(number), outcome(number))
    memory.see(key(3))
    memory.see(key(1))
    assert [known.sealed for known in memory.chain(key(0))] == [
        "seal of r1",
        "seal of r2",
        "seal of r3",
    ]
    clock.now += 30
    assert [memory.find(key(number)) for number in range(3)] == [None] * 3


def test_cookie_that_was_seen_keeps_its_own_outcome(memory, clock):
    for number in range(2):
        memory.remember(key(number), outcome(number))
    memory.see(key(1))
    clock.now += 30
    assert memory.find(key(0)) is None
    assert memory.find(key(1)) == outcome(1)


def test_chain_ends_with_a_refusal(memory):
    memory.remember(key(0), outcome(0))
    memory.remember(key(1), refusal())
    assert [*memory.chain(key(0))] == [outcome(0), refusal()]


def test_token_that_was_not_spent_is_not_remembered(memory):
    """A server that does not rotate gives the same refresh token back: the chain had no end."""
    memory.remember(key(1), outcome(0))
    assert memory.find(key(1)) is None
    assert [*memory.chain(key(1))] == []
    assert len(memory) == 0


@pytest.mark.parametrize("later", [outcome(8), refusal()], ids=["successor", "refusal"])
def test_later_outcome_takes_the_place_of_the_first(memory, clock, later):
    memory.remember(key(0), outcome(0))
    memory.remember(key(0), later)
    assert memory.find(key(0)) is later
    assert len(memory) == 1
    memory.see(key(1))  # of the first one: nobody waits for that any more
    clock.now += 31
    assert memory.find(key(0)) is later


def test_only_the_very_outcome_is_forgotten(memory):
    first, second = refusal(organization="org_1"), refusal(organization="org_2")
    memory.remember(key(0), first)
    memory.remember(key(0), second)
    memory.forget(key(0), first)
    assert memory.find(key(0)) is second
    memory.forget(key(1), second)
    assert memory.find(key(0)) is second
    memory.forget(key(0), second)
    assert memory.find(key(0)) is None
    assert len(memory) == 0


def test_number_is_bounded_and_what_is_needed_least_goes_first(memory, monkeypatch):
    monkeypatch.setattr(outcomes, "_MAX_ENTRIES", 6)
    memory.remember(key(0), outcome(0))
    memory.remember(key(10), outcome(10))
    memory.remember(key(20), refusal())
    memory.remember(key(30), refusal())
    memory.remember(key(40), outcome(40))
    memory.remember(key(50), outcome(50))
    memory.see(key(51))
    memory.see(key(41))
    order = []
    known = {0, 10, 20, 30, 40, 50}
    for number in range(100, 160, 10):
        memory.remember(key(number), outcome(number))
        assert len(memory) == 6
        (gone,) = {number for number in known if memory.find(key(number)) is None}
        known.remove(gone)
        order.append(gone)
    assert order == [50, 40, 20, 30, 0, 10]  # seen, refused, the rest; the oldest first


def test_ten_thousand_outcomes_are_kept_and_no_more(memory):
    for number in range(0, 20_500, 2):
        memory.remember(key(number), outcome(number))
    assert len(memory) == 10_000
    assert memory.find(key(498)) is None
    assert memory.find(key(500)) == outcome(500)
    assert len(memory.predecessors) == 10_000


def test_bytes_are_bounded_too(memory):
    megabyte = 1024 * 1024
    for number in range(0, 64, 2):
        memory.remember(key(number), outcome(number, size=megabyte))
    assert len(memory) == 32
    memory.remember(key(100), outcome(100))
    assert len(memory) == 32
    assert memory.find(key(0)) is None
    memory.remember(key(102), outcome(102, size=33 * megabyte))
    assert len(memory) == 0
    memory.remember(key(104), outcome(104))
    assert memory.find(key(104)) == outcome(104)


def test_room_is_made_of_what_is_over_first(memory, clock):
    memory.remember(key(0), outcome(0))
    memory.remember(key(10), refusal())
    memory.remember(key(20), outcome(20))
    memory.see(key(21))
    clock.now += 30
    memory.remember(key(30), outcome(30, at=clock.now))
    assert len(memory) == 3
    clock.now = AT + 3600
    memory.remember(key(40), outcome(40, at=clock.now))
    assert len(memory) == 2


def test_outcome_shows_no_session():
    assert "seal of" not in repr(outcome(0))


def in_threads(work: Callable[[int], None]) -> None:
    """Run `work` in eight threads at once, and raise what one of them has raised."""
    errors: list[BaseException] = []
    together = threading.Barrier(8)

    def one(number: int) -> None:
        try:
            together.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_threads_may_use_one_memory(memory, monkeypatch):
    monkeypatch.setattr(outcomes, "_MAX_ENTRIES", 50)

    def work(thread: int) -> None:
        for turn in range(300):
            number = 2 * (turn % 40)
            memory.remember(key(number), outcome(number))
            memory.see(key(number + 1))
            known = memory.find(key(number))
            assert known is None or known == outcome(number)
            if turn % 5 == thread % 5 and known is not None:
                memory.forget(key(number), known)

    in_threads(work)
    assert len(memory) <= 50
    assert sum(shelf.size for shelf in memory._shelves) == sum(
        len(known.sealed) for number in range(0, 80, 2) if (known := memory.find(key(number)))
    )


def test_tombstone_stands_for_an_hour(clock):
    tombstones = Tombstones(clock)
    assert "session_1" not in tombstones
    tombstones.add("session_1")
    tombstones.add(None)
    clock.now += 3599
    assert "session_1" in tombstones
    assert "session_2" not in tombstones
    assert None not in tombstones
    clock.now += 1
    assert "session_1" not in tombstones


def test_tombstone_that_is_set_again_stands_for_an_hour_more(clock):
    tombstones = Tombstones(clock)
    tombstones.add("session_1")
    clock.now += 3000
    tombstones.add("session_1")
    clock.now += 3000
    assert "session_1" in tombstones


def test_tombstone_can_be_taken_back(clock):
    tombstones = Tombstones(clock)
    tombstones.add("session_1")
    tombstones.add("session_2")
    tombstones.discard("session_1")
    tombstones.discard("session_3")
    tombstones.discard(None)
    assert "session_1" not in tombstones
    assert "session_2" in tombstones


def test_last_ten_thousand_tombstones_stand(clock):
    tombstones = Tombstones(clock)
    for number in range(10_000):
        tombstones.add(f"session_{number}")
    tombstones.add("session_0")  # again: now one of the last
    tombstones.add("session_10000")
    assert "session_0" in tombstones
    assert "session_1" not in tombstones
    assert "session_2" in tombstones
    assert len(tombstones.noted) == 10_000


def test_threads_may_use_one_graveyard(clock):
    tombstones = Tombstones(clock)

    def work(thread: int) -> None:
        for turn in range(2000):
            tombstones.add(f"session_{thread}_{turn}")
            tombstones.discard(f"session_{thread}_{turn - 1}")

    in_threads(work)
    assert len(tombstones.noted) == 8


def test_successor_without_a_refresh_token_of_its_own_ends_the_chain(memory):
    last = dataclasses.replace(outcome(0), successor_key=None)
    memory.remember(key(0), last)
    assert [*memory.chain(key(0))] == [last]


def test_chain_of_a_server_that_gives_an_old_token_again_has_an_end(memory):
    back = dataclasses.replace(outcome(1), successor_key=key(0))
    memory.remember(key(0), outcome(0))
    memory.remember(key(1), back)
    assert [*itertools.islice(memory.chain(key(0)), 9)] == [outcome(0), back]
    memory.see(key(0))
    assert {memory.find(key(0)), memory.find(key(1))} == {outcome(0), back}
