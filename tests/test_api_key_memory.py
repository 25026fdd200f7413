"""For how long verdicts on API keys count, and how many strangers' keys are asked about."""

from __future__ import annotations

import pytest
from emulated import Clock

from authkit_asgi import APIKey, WorkOSUnavailableError
from authkit_asgi.api_key_memory import APIKeyMemory, Verdict

KEY = APIKey(id="api_key_1", name="Key", organization_id="org_acme")


@pytest.fixture
def memory(clock: Clock) -> APIKeyMemory:
    return APIKeyMemory(clock)


def accept(memory: APIKeyMemory, value: str, clock: Clock) -> None:
    memory.remember(memory.name(value), Verdict(KEY, clock.now))


def refuse(memory: APIKeyMemory, value: str, clock: Clock) -> None:
    memory.remember(memory.name(value), Verdict(None, clock.now))


def test_verdict_counts_for_30_seconds(memory: APIKeyMemory, clock: Clock) -> None:
    accept(memory, "sk_good", clock)
    refuse(memory, "sk_bad", clock)
    clock.now += 29.9
    good, bad = memory.recall(memory.name("sk_good")), memory.recall(memory.name("sk_bad"))
    assert good is not None
    assert bad is not None
    assert (good.api_key, bad.api_key) == (KEY, None)
    clock.now += 0.1
    assert memory.recall(memory.name("sk_good")) is None
    assert memory.recall(memory.name("sk_bad")) is None


def test_verdict_of_the_future_does_not_count(memory: APIKeyMemory, clock: Clock) -> None:
    accept(memory, "sk_good", clock)
    clock.now -= 3600
    assert memory.recall(memory.name("sk_good")) is None


def test_newer_verdict_takes_the_place_of_the_older(memory: APIKeyMemory, clock: Clock) -> None:
    accept(memory, "sk_a", clock)
    refuse(memory, "sk_a", clock)
    refused = memory.recall(memory.name("sk_a"))
    assert refused is not None
    assert refused.api_key is None
    accept(memory, "sk_a", clock)
    accepted = memory.recall(memory.name("sk_a"))
    assert accepted is not None
    assert accepted.api_key is KEY


def test_memory_holds_no_key_and_no_plain_digest(memory: APIKeyMemory, clock: Clock) -> None:
    assert memory.name("sk_a") != APIKeyMemory(clock).name("sk_a")
    assert memory.name("sk_a") == memory.name("sk_a")
    assert len(memory.name("sk_a")) == 32


def test_rubbish_pushes_no_customer_out_and_memory_is_bounded(
    memory: APIKeyMemory, clock: Clock
) -> None:
    accept(memory, "sk_good", clock)
    for number in range(10_001):
        refuse(memory, f"sk_{number}", clock)
    assert memory.recall(memory.name("sk_good")) is not None
    assert memory.recall(memory.name("sk_0")) is None
    assert memory.recall(memory.name("sk_1")) is not None
    for number in range(9_999):
        accept(memory, f"sk_good_{number}", clock)
    assert memory.recall(memory.name("sk_good")) is not None  # and so was used last
    accept(memory, "sk_one_more", clock)
    assert memory.recall(memory.name("sk_good_0")) is None
    assert memory.recall(memory.name("sk_good")) is not None


def test_hundred_strangers_are_asked_about_in_a_minute(memory: APIKeyMemory, clock: Clock) -> None:
    accept(memory, "sk_good", clock)
    for number in range(100):
        memory.admit(memory.name(f"sk_{number}"))
    clock.now += 55
    with pytest.raises(WorkOSUnavailableError) as refused:
        memory.admit(memory.name("sk_new"))
    assert refused.value.retry_after == 5
    memory.admit(memory.name("sk_good"))  # a customer is no stranger
    clock.now += 5
    memory.admit(memory.name("sk_new"))


def test_those_who_turn_out_to_be_customers_take_no_place(memory: APIKeyMemory) -> None:
    for number in range(300):
        memory.give_back(memory.admit(memory.name(f"sk_{number}")))
    for number in range(100):
        memory.admit(memory.name(f"sk_bad_{number}"))
    with pytest.raises(WorkOSUnavailableError) as refused:
        memory.admit(memory.name("sk_new"))
    assert refused.value.retry_after == 10  # a minute is too long to believe in


def test_clock_that_is_set_back_locks_nobody_out(memory: APIKeyMemory, clock: Clock) -> None:
    for number in range(100):
        memory.admit(memory.name(f"sk_{number}"))
    clock.now -= 3600
    memory.admit(memory.name("sk_new"))


def test_place_given_back_twice_is_no_debt(memory: APIKeyMemory, clock: Clock) -> None:
    place = memory.admit(memory.name("sk_good"))
    clock.now += 1
    for number in range(99):
        memory.admit(memory.name(f"sk_{number}"))
    memory.give_back(place)
    memory.give_back(place)
    memory.admit(memory.name("sk_one_more"))
    with pytest.raises(WorkOSUnavailableError):
        memory.admit(memory.name("sk_new"))


def test_customer_who_is_known_gives_back_nobodys_place(memory: APIKeyMemory, clock: Clock) -> None:
    accept(memory, "sk_good", clock)
    for number in range(100):
        memory.admit(memory.name(f"sk_{number}"))
        memory.give_back(memory.admit(memory.name("sk_good")))
    with pytest.raises(WorkOSUnavailableError):
        memory.admit(memory.name("sk_new"))


def test_new_customer_gives_back_their_own_place(memory: APIKeyMemory, clock: Clock) -> None:
    places = []
    for number in range(100):
        places.append(memory.admit(memory.name(f"sk_{number}")))
        clock.now += 0.1
    memory.give_back(places[50])
    clock.now += 50.05  # the first place is a minute old
    memory.admit(memory.name("sk_one"))
    memory.admit(memory.name("sk_two"))
    with pytest.raises(WorkOSUnavailableError):
        memory.admit(memory.name("sk_three"))
    clock.now += (
        5  # 51 places are, and of these one was given back: 49 are still taken, and two new
    )
    for number in range(49):
        memory.admit(memory.name(f"sk_later_{number}"))
    with pytest.raises(WorkOSUnavailableError):
        memory.admit(memory.name("sk_four"))
