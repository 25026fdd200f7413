"""What the package and the kits say of a seal: the same, but for the differences listed here."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from kit_bridge import KITS, ROTATING_KITS, Bridge

from authkit_asgi.errors import SealError
from authkit_asgi.seal import MAX_DEPTH, MAX_SEAL_LENGTH, seal, unseal

OLD, NEW = (f"{age} cookie password of 32 characters or more" for age in ("old", "new"))
PAYLOAD = {"accessToken": "a.b.c", "user": {"id": "user_1"}}
NOW_MS = 1_800_000_000_000
FIELDS = ("prefix", "id", "salt", "IV", "ciphertext", "exp", "MAC salt", "MAC")
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ALPHABETS = ("Fe26.2", "0123", "0123456789abcdef", BASE64URL, BASE64URL, "0123456789")
TAMPERED_OF_EACH_FIELD = 60
SUFFIX_READERS = ("iron-session", "@workos/authkit-session", "@workos-inc/node")
"""Iron's own functions know no suffix."""


def clock() -> float:
    return NOW_MS / 1000


def opens_here(sealed: str, password: Any) -> bool:
    try:
        unseal(sealed, password, clock=clock)
    except SealError:
        return False
    return True


def opens_there(bridge: Bridge, kit: str, seals: list[str], password: Any = OLD) -> list[bool]:
    cases = [{"sealed": sealed, "password": password} for sealed in seals]
    return ["payload" in one for one in bridge("unseal", kit=kit, cases=cases, now=NOW_MS)]


def sealed_by(
    bridge: Bridge, kit: str, password: Any = OLD, payload: Any = PAYLOAD, ttl: float = 0
) -> str:
    case = {"payload": payload, "password": password, "ttl": ttl}
    (sealed,) = bridge("seal", kit=kit, cases=[case], now=NOW_MS)
    return sealed


def with_field(sealed: str, field: str, change: Callable[[str], str]) -> str:
    fields = sealed.removesuffix("~2").split("*")
    index = FIELDS.index(field)
    fields[index] = change(fields[index])
    return "*".join(fields) + "~2"


def tamper(text: str, alphabet: str, chance: random.Random) -> str:
    """Change, take out, put in or double something."""
    at = chance.randrange(len(text) + 1)
    kept = text[at + 1 :] if chance.random() < 0.7 else text[at:]
    changed = text[:at] + chance.choice(alphabet) * chance.randrange(3) + kept
    return changed if changed != text else text + text[-1:] + alphabet[-1]


@pytest.mark.parametrize("field", FIELDS)
def test_tampered_field_is_refused_here_and_by_every_kit(bridge: Bridge, field: str):
    chance = random.Random(field)  # noqa: S311  # repeatable is what it has to be
    alphabet = {"MAC salt": ALPHABETS[2], "MAC": BASE64URL}
    alphabet |= dict(zip(FIELDS, ALPHABETS, strict=False))
    good = [
        seal(PAYLOAD, OLD, ttl=600, clock=clock),
        seal(PAYLOAD, OLD),
        *(sealed_by(bridge, kit, ttl=600) for kit in ("iron-session", "@workos/authkit-session")),
    ]
    bad = [
        with_field(chance.choice(good), field, lambda text: tamper(text, alphabet[field], chance))
        for _ in range(TAMPERED_OF_EACH_FIELD)
    ]
    if field == "MAC":  # what spells the same MAC otherwise is among the differences below
        bad = [one for one in bad if not any(is_respelt(one, text) for text in good)]
        assert len(bad) > TAMPERED_OF_EACH_FIELD * 0.8
    assert all(opens_here(one, OLD) for one in good)
    assert not [one for one in bad if opens_here(one, OLD)]
    for kit in KITS:
        assert all(opens_there(bridge, kit, good))
        assert not any(opens_there(bridge, kit, bad))


def is_respelt(one: str, other: str) -> bool:
    """Tell whether two seals differ in no more than the last character of their MAC."""
    return one.removesuffix("~2")[:-1] == other.removesuffix("~2")[:-1]


@pytest.mark.parametrize("field", FIELDS)
def test_missing_field_is_refused_here_and_by_every_kit(bridge: Bridge, field: str):
    fields = seal(PAYLOAD, OLD).removesuffix("~2").split("*")
    index = FIELDS.index(field)
    bad = [
        "*".join(fields[:index] + fields[index + 1 :]) + "~2",
        "*".join([*fields[:index], "", *fields[index:]]) + "~2",
    ]
    assert not any(opens_here(one, OLD) for one in bad)
    assert not any(any(opens_there(bridge, kit, bad)) for kit in KITS)


@pytest.mark.parametrize("kit", KITS)
def test_another_password_opens_nothing_anywhere(bridge: Bridge, kit: str):
    assert opens_there(bridge, kit, [seal(PAYLOAD, OLD)], NEW) == [False]
    assert not opens_here(sealed_by(bridge, kit), NEW)


class Difference(NamedTuple):
    """One seal of which not everybody says the same, and why the package says what it says."""

    name: str
    make: Callable[[Bridge], str]
    opens_in: tuple[str, ...]
    reason: str
    opens_here: bool = False
    asked: tuple[str, ...] = KITS
    password: Any = OLD


def _respelt(text: str) -> str:
    # 43 characters hold two bits more than the 32 octets they stand for.
    return text[:-1] + BASE64URL[BASE64URL.index(text[-1]) ^ 1]


def _suffix(suffix: str) -> Callable[[Bridge], str]:
    return lambda _: seal(PAYLOAD, OLD).removesuffix("~2") + suffix


def _mac(change: Callable[[str], str]) -> Callable[[Bridge], str]:
    return lambda _: with_field(seal(PAYLOAD, OLD), "MAC", change)


WEB_CRYPTO_READERS = ("iron-webcrypto", "@workos/authkit-session", "@workos-inc/node")
ROTATION = {"1": OLD, "2": NEW}
ONE_TEXT = "one seal has one text, so that what is remembered of a seal cannot be sidestepped"
UNSIGNED = "the suffix is outside of the MAC: only those that are written are read"
ANY_PASSWORD = "the id says nothing: every WorkOS kit writes 1 whatever the password is"

# Where the package is stricter than at least one kit.
STRICTER = (
    Difference("MAC with other spare bits", _mac(_respelt), WEB_CRYPTO_READERS, ONE_TEXT),
    Difference("MAC with padding", _mac(lambda text: text + "="), WEB_CRYPTO_READERS, ONE_TEXT),
    Difference("MAC with a blank", _mac(lambda text: text + " "), WEB_CRYPTO_READERS, ONE_TEXT),
    Difference("line feed at the end", _suffix("~2\n"), KITS, "no cookie value holds one"),
    Difference("suffix empty", _suffix("~"), SUFFIX_READERS[1:], UNSIGNED, asked=SUFFIX_READERS),
    Difference("suffix ~3", _suffix("~3"), SUFFIX_READERS[1:], UNSIGNED, asked=SUFFIX_READERS),
    Difference("suffix ~02", _suffix("~02"), SUFFIX_READERS, UNSIGNED, asked=SUFFIX_READERS),
    Difference("suffix twice", _suffix("~2~2"), SUFFIX_READERS, UNSIGNED, asked=SUFFIX_READERS),
    Difference(
        "suffix ~1 on a payload of today",
        _suffix("~1"),
        SUFFIX_READERS[1:],
        "the kits read a session that is there as one that is empty",
        asked=SUFFIX_READERS,
    ),
    Difference(
        "longer than any cookie",
        lambda bridge: sealed_by(bridge, "iron-session", payload={"a": "x" * MAX_SEAL_LENGTH}),
        KITS,
        "the length is bounded before anything is computed",
    ),
    Difference(
        "nested deeper than any session",
        lambda bridge: sealed_by(bridge, "iron-session", payload={"a": _nested(MAX_DEPTH)}),
        KITS,
        "what recurses over a payload must not run out of stack",
    ),
    Difference(
        "expiry of 18 digits",
        lambda bridge: sealed_by(bridge, "iron-session", ttl=1e14),
        KITS,
        "the expiry is parsed before the MAC is known to be good: its length is bounded",
    ),
)

# Where the package reads what at least one kit refuses.
MORE_LENIENT = (
    Difference(
        "seal of a WorkOS kit under the new password",
        lambda bridge: sealed_by(bridge, "@workos/authkit-session", NEW),
        (),
        ANY_PASSWORD,
        opens_here=True,
        asked=ROTATING_KITS,
        password=ROTATION,
    ),
    Difference(
        "seal after a rotation, read with one password",
        lambda bridge: sealed_by(bridge, "iron-session", ROTATION),
        (),
        ANY_PASSWORD,
        opens_here=True,
        password=NEW,
    ),
    Difference(
        "seal of iron-webcrypto with a bare password, its id empty",
        lambda bridge: sealed_by(bridge, "iron-webcrypto"),
        ("iron-webcrypto",),
        ANY_PASSWORD,
        opens_here=True,
    ),
    Difference(
        "no suffix",
        _suffix(""),
        SUFFIX_READERS[1:],
        "the WorkOS kits read it; iron-session finds an empty session",
        opens_here=True,
        asked=SUFFIX_READERS,
    ),
    Difference(
        "key __proto__",
        lambda _: seal(json.loads('{"__proto__": {"a": 1}, "b": 2}'), OLD),
        tuple(kit for kit in KITS if kit != "@hapi/iron"),
        "a key like any other: there are no prototypes here",
        opens_here=True,
    ),
)


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("difference", [*STRICTER, *MORE_LENIENT], ids=lambda one: one.name)
def test_verdicts_differ_as_listed(bridge: Bridge, difference: Difference):
    assert difference.reason
    assert any((kit in difference.opens_in) != difference.opens_here for kit in difference.asked)
    sealed = difference.make(bridge)
    assert opens_here(sealed, difference.password) is difference.opens_here
    opened = [
        kit
        for kit in difference.asked
        if opens_there(bridge, kit, [sealed], difference.password) == [True]
    ]
    assert tuple(opened) == difference.opens_in
