"""Seals cross between the package and every kit, in both directions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kit_bridge import EXPIRING_KITS, KITS, ROTATING_KITS, Bridge
from random_sessions import SessionMaker

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal

SESSIONS = 500
PASSWORDS = (
    "a cookie password of 32 characters or more",
    "пароль из тридцати двух знаков, не меньше",
    "😀" * 16,
    "e\u0301" * 16 + "\u00e9",
    "0123456789" * 30,
)
OLD, NEW = f"old {PASSWORDS[0]}", f"new {PASSWORDS[0]}"
NOW_MS = 1_800_000_000_000


def clock() -> float:
    return NOW_MS / 1000


def sessions(kit: str, direction: str) -> list[tuple[dict[str, Any], str]]:
    """Return the sessions of one test, each with its password."""
    maker = SessionMaker(f"{direction} {kit}")
    return [(maker.session(), maker.random.choice(PASSWORDS)) for _ in range(SESSIONS)]


def unwrapped(kit: str, payload: Any) -> Any:
    """Return the case's payload: workos-node seals it as the metadata of a user's."""
    return payload["user"]["metadata"]["payload"] if kit == "@workos-inc/node" else payload


def test_sessions_are_as_varied_as_they_should_be():
    made = [session for session, _ in sessions("any", "any")]
    text = json.dumps(made)
    assert "\\ud83d\\ude00" in text
    assert any("\ud800" in json.dumps(one, ensure_ascii=False) for one in made)
    sizes = [len(json.dumps(one)) for one in made]
    assert min(sizes) >= 1000
    assert max(sizes) <= 9000
    assert len({"impersonator" in one for one in made}) == 2
    assert max(sizes) - min(sizes) > 6000


@pytest.mark.parametrize("kit", KITS)
def test_seal_of_ours_opens_in_the_kit(bridge: Bridge, kit: str):
    cases = sessions(kit, "to")
    payloads = bridge.unseal(kit, [(seal(one, password), password) for one, password in cases])
    assert payloads == [session for session, _ in cases]


@pytest.mark.parametrize("kit", KITS)
def test_seal_of_the_kit_opens_in_ours(bridge: Bridge, kit: str):
    cases = sessions(kit, "from")
    sealed = bridge(
        "seal", kit=kit, cases=[{"payload": one, "password": password} for one, password in cases]
    )
    opened = [unseal(text, password) for text, (_, password) in zip(sealed, cases, strict=True)]
    assert [unwrapped(kit, one) for one in opened] == [session for session, _ in cases]


@pytest.mark.parametrize("kit", KITS)
def test_seal_with_a_lifetime_dies_in_the_kit_when_it_dies_here(bridge: Bridge, kit: str):
    sealed = seal({"a": 1}, OLD, ttl=600, clock=clock)
    for seconds, alive in ((0, True), (659, True), (660, False), (100_000, False)):
        assert bridge.opens(kit, sealed, OLD, now=NOW_MS + seconds * 1000) is alive
        assert opens(sealed, OLD, NOW_MS + seconds * 1000) is alive


@pytest.mark.parametrize("kit", EXPIRING_KITS)
def test_seal_of_the_kit_with_a_lifetime_dies_here_too(bridge: Bridge, kit: str):
    cases = [{"payload": {"a": 1}, "password": OLD, "ttl": 600}]
    (sealed,) = bridge("seal", kit=kit, cases=cases, now=NOW_MS)
    assert unseal(sealed, OLD, ttl=600, clock=clock) == {"a": 1}
    for seconds, alive in ((0, True), (659, True), (660, False), (100_000, False)):
        assert bridge.opens(kit, sealed, OLD, now=NOW_MS + seconds * 1000) is alive
        assert opens(sealed, OLD, NOW_MS + seconds * 1000) is alive


def opens(sealed: str, password: Any, now_ms: int) -> bool:
    try:
        unseal(sealed, password, clock=lambda: now_ms / 1000)
    except SealError:
        return False
    return True


ROTATION = {"1": OLD, "2": NEW}


@pytest.mark.parametrize("kit", ROTATING_KITS)
def test_rotated_seal_crosses_both_ways(bridge: Bridge, kit: str):
    ours = seal({"from": "here"}, ROTATION)
    assert ours.split("*")[1] == "2"
    assert bridge.unseal(kit, [(ours, ROTATION)]) == [{"from": "here"}]
    (theirs,) = bridge("seal", kit=kit, cases=[{"payload": {"a": 1}, "password": ROTATION}])
    assert theirs.split("*")[1] == "2"
    assert unseal(theirs, ROTATION) == {"a": 1}


@pytest.mark.parametrize("kit", ROTATING_KITS)
def test_seal_from_before_the_rotation_opens_everywhere(bridge: Bridge, kit: str):
    ours = seal({"from": "here"}, OLD)
    assert bridge.unseal(kit, [(ours, ROTATION)]) == [{"from": "here"}]
    (theirs,) = bridge("seal", kit=kit, cases=[{"payload": {"a": 1}, "password": {"1": OLD}}])
    assert unseal(theirs, ROTATION) == {"a": 1}
    assert unseal(theirs, [NEW, OLD]) == {"a": 1}


@pytest.mark.parametrize("kit", ["iron-session", "@workos/authkit-session", "@workos-inc/node"])
def test_seal_of_old_iron_session_opens_everywhere(bridge: Bridge, kit: str):
    for more in ({}, {"flash": {}}):
        old = bridge("sealOld", payload={"user": {"id": "1"}}, password=OLD, more=more)
        assert old.endswith("~1")
        assert bridge.unseal(kit, [(old, OLD)]) == [{"user": {"id": "1"}}]
        assert unseal(old, OLD) == {"user": {"id": "1"}}
