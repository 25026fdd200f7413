"""The time of last use: whose it is, what counts as one, and when a session is over by it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import string
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, START, Clock, settings
from hypothesis import example, given
from hypothesis import strategies as st

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.derived import derived_passwords
from authkit_asgi.inactivity import Inactivity
from authkit_asgi.session import Session, session_from_answer

TIMEOUT = 600
LONG_AGO = START - 100_000
BASE64 = string.ascii_letters + string.digits + "-_"


def token(**claims: Any) -> str:
    """Return what is formed like an access token; nobody has signed it."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"x"))


def session(**claims: Any) -> Session:
    """Return a session whose token was issued long ago."""
    claims = {"sub": "user_1", "sid": "session_1", "iat": LONG_AGO, **claims}
    user = {"object": "user", "id": "user_1", "email": "ada@example.com"}
    answer = {"access_token": token(**claims), "refresh_token": "rt", "user": user}
    return session_from_answer(answer)


def inactivity(clock: Clock | None = None, **changes: Any) -> Inactivity:
    config = AuthKitConfig(**settings(**changes))
    return Inactivity(config, TIMEOUT, clock=clock or Clock())


def noted(at: float = START, of: Session | None = None, **changes: Any) -> str:
    """Return the cookie that a request at a time is answered with."""
    clock = Clock()
    clock.now = at
    value = inactivity(clock, **changes).moved(of or session(), ())
    assert value is not None
    return value


def test_session_is_over_once_it_was_not_used_for_longer_than_the_timeout():
    clock = Clock()
    guard, value = inactivity(clock), noted()
    clock.now = START + TIMEOUT
    assert not guard.is_over(session(), [value])
    clock.now += 0.5
    assert guard.is_over(session(), [value])


def test_without_a_cookie_the_access_token_was_used_when_it_was_issued():
    guard = inactivity()
    for values in ((), ("forged",)):
        assert not guard.is_over(session(iat=START - TIMEOUT), values)
        assert guard.is_over(session(iat=START - TIMEOUT - 1), values)


def test_token_issued_after_the_time_of_last_use_counts():
    assert not inactivity().is_over(session(iat=START - 1), [noted(LONG_AGO)])


@pytest.mark.parametrize("iat", [None, "1800000000", {}, [], -1])
def test_token_without_a_time_was_never_used(iat):
    assert inactivity().is_over(session(iat=iat), ())
    assert not inactivity().is_over(session(iat=iat), [noted()])


def test_token_issued_at_any_number_is_compared():
    assert not inactivity().is_over(session(iat=10**400), ())
    assert inactivity().is_over(session(iat=-(10**400)), ())


def test_time_is_moved_forward_once_in_a_tenth_of_the_timeout():
    clock = Clock()
    guard = inactivity(clock)
    value = noted()
    for later in (0, 1, TIMEOUT / 10 - 1):
        clock.now = START + later
        assert guard.moved(session(), [value]) is None
    clock.now = START + TIMEOUT / 10
    moved = guard.moved(session(), [value])
    assert moved is not None
    assert moved.startswith(f"{int(START + TIMEOUT / 10)}.")
    assert guard.moved(session(), [value, moved]) is None


def test_of_several_the_newest_time_counts():
    old, new = noted(LONG_AGO), noted(START)
    for values in ([old, new], [new, old], ["", new, "x", old]):
        assert not inactivity().is_over(session(), values)
        assert inactivity().moved(session(), values) is None


def test_value_is_the_time_and_a_mac_under_a_key_of_its_own():
    (password,) = derived_passwords(PASSWORD, "authkit-asgi activity")
    mac = hmac.digest(password.encode(), b"1800000000.session_1", hashlib.sha256)
    text = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    assert noted() == f"1800000000.{text}"
    mac = hmac.digest(PASSWORD.encode(), b"1800000000.session_1", hashlib.sha256)
    text = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    assert inactivity().is_over(session(), [f"1800000000.{text}"])


@pytest.mark.parametrize("claims", [{"sid": "session_2"}, {"sid": ""}, {"sid": None}])
def test_time_of_another_session_counts_for_nothing(claims):
    other = session(**claims)
    assert inactivity().is_over(other, [noted()])
    assert inactivity().is_over(session(), [noted(of=other)])
    assert not inactivity().is_over(other, [noted(of=other)])


def test_session_id_with_half_a_character_has_a_time_too():
    odd = session(sid="\ud800")
    assert not inactivity().is_over(odd, [noted(of=odd)])


def test_newest_password_signs_and_all_verify():
    rotating = {"cookie_password": PASSWORD, "cookie_password_previous": OTHER_PASSWORD}
    old = noted(cookie_password=OTHER_PASSWORD)
    assert not inactivity(**rotating).is_over(session(), [old])
    assert inactivity().is_over(session(), [old])
    assert noted(**rotating) == noted() != old


def test_time_in_the_future_counts_for_nothing_but_for_clocks_that_disagree():
    assert not inactivity().is_over(session(), [noted(START + 60)])
    assert inactivity().moved(session(), [noted(START + 60)]) is None
    assert inactivity().is_over(session(), [noted(START + 61)])
    assert inactivity().moved(session(), [noted(START + 61)]) == noted()


def test_mac_is_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("authkit_asgi.inactivity.hmac.compare_digest", compare)
    value = noted()
    mac = value.partition(".")[2]
    assert inactivity().is_over(session(), [value])
    assert compared == [(mac, mac)]


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """Return the genuine value with one character put in, taken out or changed."""
    value = noted()
    place = draw(st.integers(0, len(value)))
    character = draw(st.sampled_from(BASE64 + ".=+/ \t\n²٣") | st.characters())
    cut = draw(st.integers(0, 1))
    return value[:place] + draw(st.sampled_from(["", character])) + value[place + cut :]


@given(
    mangled()
    | st.text()
    | st.from_regex(r"[0-9]{1,14}\.[A-Za-z0-9_-]{42,44}=?", fullmatch=True)
    | st.integers().map(lambda number: f"{number}.{noted().partition('.')[2]}")
)
@example(noted() + "=")
@example(noted() + "\n")
@example(" " + noted())
@example("0" + noted())
@example("+" + noted())
@example(noted()[:-1] + chr(ord(noted()[-1]) + 1))  # the same octets in other base64
@example(noted().translate({ord("1"): "\u0661"}))
@example("9" * 5_000 + noted()[10:])
@example("1" * 1_000_000)
@example("\ud800")
def test_only_the_text_that_was_signed_counts(value):
    assert inactivity().is_over(session(), [value]) is (value != noted())


@given(st.integers(1_000_000_000, 99_999_999_999), st.text(min_size=1))
def test_any_time_of_any_session_comes_back(seconds, sid):
    of = session(sid=sid, iat=1)
    clock = Clock()
    clock.now = seconds + 0.75
    guard = inactivity(clock)
    value = noted(clock.now, of)
    assert len(value) <= 56
    assert set(value) <= set(BASE64 + ".")
    assert guard.moved(of, [value]) is None
    clock.now = seconds + TIMEOUT
    assert not guard.is_over(of, [value])
    clock.now += 1
    assert guard.is_over(of, [value])


def test_session_without_a_readable_token_has_no_time():
    broken = dataclasses.replace(session(), access_token="no token")
    assert inactivity().is_over(broken, ())
    assert inactivity().is_over(broken, [noted()])
