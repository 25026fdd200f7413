"""A pending sign-in: known answers, what is sealed, how long it lives, how many there may be."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, START, Clock, chain

from authkit_asgi.errors import OAuthStateMismatchError, PKCEPayloadTooLargeError, SealError
from authkit_asgi.pkce import (
    MAX_CUSTOM_STATE_BYTES,
    MAX_PENDING,
    PendingSignIn,
    begin_sign_in,
    surplus_verifiers,
    unseal_state,
    verifier_cookie_name,
)
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import Session, seal_session


def state_of(clock: Clock, ttl: int = 600, **changes: Any) -> str:
    """Seal a state with members of one's own; None leaves one out."""
    blob = {"nonce": "n", "codeVerifier": "v" * 43, "issuedAt": int(clock() * 1000), **changes}
    content = {name: value for name, value in blob.items() if value is not None}
    return seal(content, PASSWORD, ttl=ttl, clock=clock)


@pytest.mark.parametrize(
    ("state", "digits"),
    [("", "811c9dc5"), ("a", "e40c292c"), ("abc", "1a47e90b"), ("foobar", "bf9cf968")],
)
def test_cookie_name_is_fnv_1a_of_the_state(state, digits):
    assert verifier_cookie_name(state) == f"wos-auth-verifier-{digits}"


@pytest.mark.parametrize("state", ["ü", "\ud800", "\x00", "x" * 100_000])
def test_cookie_name_of_any_text_is_eight_hex_digits(state):
    assert re.fullmatch(r"wos-auth-verifier-[0-9a-f]{8}", verifier_cookie_name(state))


def test_challenge_is_that_of_rfc_7636_appendix_b():
    pending = PendingSignIn(
        code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", issued_at=START
    )
    assert pending.code_challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifier_is_fresh_and_has_256_bits():
    begun = [begin_sign_in(PASSWORD) for _ in range(50)]
    verifiers = {pending.code_verifier for pending, _ in begun}
    assert len(verifiers) == len({state for _, state in begun}) == 50
    for verifier in verifiers:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", verifier)
        assert len(base64.urlsafe_b64decode(verifier + "=")) == 32
    assert len({unseal(state, PASSWORD)["nonce"] for _, state in begun}) == 50


def test_pending_sign_in_shows_no_verifier():
    pending, _ = begin_sign_in(PASSWORD)
    assert pending.code_verifier not in repr(pending)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({}, []),
        ({"return_path": "/a?b"}, ["returnPathname"]),
        ({"custom_state": "c"}, ["customState"]),
        ({"return_path": "/a", "custom_state": ""}, ["returnPathname", "customState"]),
        ({"restarted": True, "return_path": "/a"}, ["returnPathname", "restarted"]),
        ({"max_age": 300, "return_path": "/a"}, ["returnPathname", "maxAge"]),
    ],
)
def test_blob_has_the_names_and_order_of_the_kits(clock, options, keys):
    pending, state = begin_sign_in(PASSWORD, clock=clock, **options)
    blob = unseal(state, PASSWORD, clock=clock)
    assert list(blob) == ["nonce", "codeVerifier", *keys, "issuedAt"]
    assert blob["codeVerifier"] == pending.code_verifier
    assert blob["issuedAt"] == START * 1000
    assert str(uuid.UUID(blob["nonce"])) == blob["nonce"]
    assert state.split("*")[5] == str(int((START + 600) * 1000))
    assert unseal_state(state, PASSWORD, clock=clock) == pending
    assert {name: getattr(pending, name) for name in options} == options


def test_state_of_authkit_session_is_read(clock):
    state = state_of(clock, returnPathname="/a", customState="c", redirectUri="https://x/callback")
    pending = unseal_state(state, PASSWORD, clock=clock)
    assert (pending.return_path, pending.custom_state) == ("/a", "c")
    assert (pending.code_verifier, pending.issued_at) == ("v" * 43, START)
    assert pending.restarted is False


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"returnPathname": 7}, "return_path", None),
        ({"returnPathname": ["/"]}, "return_path", None),
        ({"customState": {"a": 1}}, "custom_state", None),
        ({"restarted": "true"}, "restarted", False),
        ({"restarted": 1}, "restarted", False),
        ({"restarted": True}, "restarted", True),
        ({"maxAge": "300"}, "max_age", None),
        ({"maxAge": 300}, "max_age", 300),
    ],
)
def test_optional_member_of_another_type_reads_as_absent(clock, changes, field, expected):
    pending = unseal_state(state_of(clock, **changes), PASSWORD, clock=clock)
    assert getattr(pending, field) == expected


@pytest.mark.parametrize(
    ("age", "accepted"),
    [(-60.001, False), (-60, True), (0, True), (599.999, True), (600, True), (600.001, False),
     (661, False), (-100_000, False), (100_000, False)],
)  # fmt: skip
def test_age_counts_from_the_time_inside_to_the_millisecond(clock, age, accepted):
    issued_at = round((START - age) * 1000)
    state = state_of(clock, issuedAt=issued_at)
    if accepted:
        assert unseal_state(state, PASSWORD, clock=clock).issued_at == issued_at / 1000
    else:
        with pytest.raises(OAuthStateMismatchError, match="expired"):
            unseal_state(state, PASSWORD, clock=clock)


@pytest.mark.parametrize(("seconds", "accepted"), [(600, True), (600.001, False), (-60, True)])
def test_state_lives_ten_minutes(clock, seconds, accepted):
    _, state = begin_sign_in(PASSWORD, clock=clock)
    clock.now += seconds
    if accepted:
        assert unseal_state(state, PASSWORD, clock=clock)
    else:
        with pytest.raises(OAuthStateMismatchError):
            unseal_state(state, PASSWORD, clock=clock)


@pytest.mark.parametrize("ttl", [0, 86_400], ids=["never expires", "a day"])
def test_seal_that_lives_longer_than_a_state_is_no_state(clock, ttl):
    with pytest.raises(OAuthStateMismatchError):
        unseal_state(state_of(clock, ttl=ttl), PASSWORD, clock=clock)


def test_session_used_as_state_is_refused(clock):
    session = Session(
        access_token="a", refresh_token="r", user_json={"id": "user_1", "email": "a@b"}
    )
    with pytest.raises(OAuthStateMismatchError):
        unseal_state(seal_session(session, PASSWORD), PASSWORD, clock=clock)
    short_lived = seal({"accessToken": "a", "refreshToken": "r"}, PASSWORD, ttl=600, clock=clock)
    with pytest.raises(OAuthStateMismatchError, match="no sign-in"):
        unseal_state(short_lived, PASSWORD, clock=clock)


@pytest.mark.parametrize("payload", [None, 7, "text", [], {}, [{"codeVerifier": "v"}]], ids=repr)
def test_authentic_seal_that_holds_no_state_is_refused(clock, payload):
    with pytest.raises(OAuthStateMismatchError, match="no sign-in"):
        unseal_state(seal(payload, PASSWORD, ttl=600, clock=clock), PASSWORD, clock=clock)


@pytest.mark.parametrize(
    "changes",
    [
        {"codeVerifier": None},
        {"codeVerifier": 7},
        {"codeVerifier": ["v"]},
        {"issuedAt": None},
        {"issuedAt": "1800000000000"},
        {"issuedAt": [1]},
        {"issuedAt": 10**400},
        {"issuedAt": -(10**400)},
        {"issuedAt": 1e308},
    ],
    ids=lambda changes: repr(changes)[:30],
)
def test_blob_with_a_member_missing_or_wrong_is_refused(clock, changes):
    with pytest.raises(OAuthStateMismatchError):
        unseal_state(state_of(clock, **changes), PASSWORD, clock=clock)


@pytest.mark.parametrize("state", ["", "marker", "é", "\ud800", "Fe26.2*", "x" * 1_000_000])
def test_garbage_is_no_state(clock, state):
    with pytest.raises(OAuthStateMismatchError, match="not authentic") as caught:
        unseal_state(state, PASSWORD, clock=clock)
    assert "marker" not in str(caught.value)


def test_state_under_a_foreign_password_is_refused_and_under_an_old_one_read(clock):
    _, state = begin_sign_in(OTHER_PASSWORD, clock=clock)
    with pytest.raises(OAuthStateMismatchError):
        unseal_state(state, PASSWORD, clock=clock)
    assert unseal_state(state, [PASSWORD, OTHER_PASSWORD], clock=clock)


@pytest.mark.parametrize(
    ("custom_state", "fits"),
    [
        ("x" * MAX_CUSTOM_STATE_BYTES, True),
        ("x" * (MAX_CUSTOM_STATE_BYTES + 1), False),
        ("ü" * (MAX_CUSTOM_STATE_BYTES // 2), True),
        ("ü" * (MAX_CUSTOM_STATE_BYTES // 2) + "x", False),
        ("x" * 100_000, False),
        ("\ud800", True),
        ("\ud800" * 1000, False),
    ],
    ids=lambda value: f"{value:.3}" if isinstance(value, str) else None,
)
def test_custom_state_is_measured_in_bytes(clock, custom_state, fits):
    if fits:
        _, state = begin_sign_in(PASSWORD, custom_state=custom_state, clock=clock)
        assert unseal_state(state, PASSWORD, clock=clock).custom_state == custom_state
    else:
        with pytest.raises(PKCEPayloadTooLargeError, match="2048 bytes"):
            begin_sign_in(PASSWORD, custom_state=custom_state, clock=clock)


def test_return_path_larger_than_a_seal_is_told_as_too_large():
    with pytest.raises(PKCEPayloadTooLargeError) as caught:
        begin_sign_in(PASSWORD, return_path="/" + "x" * 20_000)
    assert "xxx" not in str(caught.value)
    assert {type(error) for error in chain(caught.value)} <= {PKCEPayloadTooLargeError, SealError}


def pending_cookies(clock: Clock, *ages: float) -> dict[str, str]:
    return {
        f"wos-auth-verifier-{number:08x}": state_of(clock, issuedAt=int((START - age) * 1000))
        for number, age in enumerate(ages)
    }


@pytest.mark.parametrize(
    ("ages", "expired"),
    [
        ((), []),
        ((10, 20, 30, 40), []),
        ((10, 20, 30, 40, 50), [4]),
        ((50, 20, 30, 40, 10), [0]),
        ((10, 20, 30, 40, 50, 60, 70), [6, 5, 4]),
        ((700, 20, 30), [0]),
        ((700, 20, 30, 40, 50), [0]),
        ((700, 20, 30, 40, 50, 60), [0, 5]),
        ((-3000, 20, 30, 40, 50), [0]),
        ((-60, 20, 30, 40, 50), [4]),
    ],
)
def test_dead_verifiers_go_first_and_then_the_oldest(clock, ages, expired):
    cookies = pending_cookies(clock, *ages)
    names = list(cookies)
    surplus = surplus_verifiers(cookies, PASSWORD, clock=clock)
    assert surplus == [names[number] for number in expired]
    assert len(cookies) - len(surplus) + 1 <= MAX_PENDING


def test_what_nobody_sealed_cannot_push_out_a_pending_sign_in(clock):
    """A page on a sibling domain can plant cookies, but no time into a seal."""
    alive = pending_cookies(clock, 10, 20, 30, 40)
    _, foreign = begin_sign_in(OTHER_PASSWORD, clock=clock)
    planted = {f"wos-auth-verifier-f{number:07x}": foreign for number in range(50)}
    planted["wos-auth-verifier-e0000000"] = "rubbish"
    surplus = surplus_verifiers({**alive, **planted}, PASSWORD, clock=clock)
    assert set(surplus) == set(planted)
