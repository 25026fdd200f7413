"""Cookies of workos-python: read whatever release sealed them, and refused whatever is wrong."""

from __future__ import annotations

import json
import time

import pytest
from cryptography.fernet import Fernet
from emulated import PASSWORD, START, chain, sealed, service
from hypothesis import given
from hypothesis import strategies as st
from outdated import LEGACY_KEY, OTHER_LEGACY_KEY, sealed_by_older_sdk, sealed_by_sdk
from test_session import ANSWER, API_USER
from workos.session import seal_data
from workos.user_management.models import AuthenticateResponse

from authkit_asgi.auth import SignedOutReason
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.legacy_fernet import LegacySessionReader, is_legacy
from authkit_asgi.session import session_from_answer

READER = LegacySessionReader([LEGACY_KEY])
TOKENS = {"access_token": "token-marker", "refresh_token": "refresh-marker"}
MARKER = "secret-marker"
OCTETS = st.characters(codec="ascii")


def encrypted(plaintext: bytes) -> str:
    return Fernet(LEGACY_KEY).encrypt(plaintext).decode()


def check_refused(value: str) -> None:
    with pytest.raises(InvalidSessionError) as caught:
        READER.read(value)
    assert caught.value.__cause__ is None
    shown = [f"{error} {error!r} {vars(error)}" for error in chain(caught.value)]
    assert not any(MARKER in text for text in shown)


@pytest.mark.parametrize("seal", [sealed_by_sdk, sealed_by_older_sdk])
@pytest.mark.parametrize("impersonator", [None, {"email": "eve@workos.com", "reason": "help"}])
def test_session_is_the_one_that_the_answer_makes(seal, impersonator):
    answer = {**ANSWER, "impersonator": impersonator}
    read = READER.read(seal(answer))
    expected = session_from_answer(answer)
    assert (read.access_token, read.refresh_token) == ("token-marker", "refresh-marker")
    assert (read.user_json, read.user) == (expected.user_json, expected.user)
    assert read.impersonator == expected.impersonator
    method = expected.authentication_method if seal is sealed_by_older_sdk else None
    assert read.authentication_method == method


def test_user_as_the_sdks_own_model_prints_it_is_read():
    model = AuthenticateResponse.from_dict({**TOKENS, "user": API_USER})
    read = READER.read(sealed_by_sdk({**TOKENS, "user": model.user.to_dict()}))
    assert read.user == session_from_answer(ANSWER).user
    answer = {name: value for name, value in API_USER.items() if name != "metadata"}
    without = READER.read(sealed_by_sdk({**TOKENS, "user": answer}))
    assert without.user_json["metadata"] == {}


def test_each_of_several_keys_opens():
    reader = LegacySessionReader([LEGACY_KEY, OTHER_LEGACY_KEY])
    for key in (LEGACY_KEY, OTHER_LEGACY_KEY):
        assert reader.read(sealed_by_sdk(ANSWER, key)) == READER.read(sealed_by_sdk(ANSWER))


def test_session_of_any_age_opens():
    aged = Fernet(LEGACY_KEY).encrypt_at_time(json.dumps(ANSWER).encode(), 1_700_000_000)
    assert time.time() > 1_700_000_000 + 86_400
    assert READER.read(aged.decode()).user_id == "user_1"


GOOD = sealed_by_sdk(ANSWER)
MANGLED = {
    "empty": "",
    "prefix": "gAAAA",
    "garbage": "gAAAA" + "x" * 99,
    "non-ASCII": "gAAAA" + "é" * 99,
    "lone surrogate": "gAAAA\ud800",
    "without padding": GOOD.rstrip("=")[:-1],
    "cut to a whole group": GOOD[: len(GOOD) // 2 // 4 * 4],
    "first octets": GOOD[:12],
    "extended": f"{GOOD}AAAA",
    "line feed": f"{GOOD}\n",
    "foreign character that Fernet passes over": f"{GOOD[:40]}!!!!{GOOD[40:]}",
    "blank that Fernet passes over": f"{GOOD[:40]} {GOOD[40:]}",
    "percent-encoded": GOOD.replace("=", "%3D") + "%3D",
    "changed": GOOD[:50] + ("A" if GOOD[50] != "A" else "B") + GOOD[51:],
    "changed time": GOOD[:8] + ("A" if GOOD[8] != "A" else "B") + GOOD[9:],
    "foreign key": sealed_by_sdk(ANSWER, OTHER_LEGACY_KEY),
}


@pytest.mark.parametrize("name", MANGLED)
def test_mangled_token_is_refused(name):
    check_refused(MANGLED[name])


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"\xff\xfe",
        b"not JSON, but a secret-marker",
        b"null",
        b"7",
        b'"text"',
        b"[]",
        b"{}",
        json.dumps({"user": API_USER}).encode(),
        json.dumps(TOKENS).encode(),
        json.dumps({"user": API_USER, "access_token": "a"}).encode(),
        json.dumps({"user": API_USER, **TOKENS, "access_token": ""}).encode(),
        json.dumps({"user": API_USER, **TOKENS, "access_token": 1}).encode(),
        json.dumps({"user": API_USER, **TOKENS, "refresh_token": None}).encode(),
        json.dumps({"user": {"id": 1, "email": "a@b"}, **TOKENS}).encode(),
        json.dumps({"user": {"id": "", "email": "a@b"}, **TOKENS}).encode(),
        json.dumps({"user": [], **TOKENS}).encode(),
        json.dumps({"user": API_USER, "accessToken": "a", "refreshToken": "r"}).encode(),
        json.dumps({"user": {**API_USER, "metadata": float("nan")}, **TOKENS}).encode(),
        json.dumps({"user": {**API_USER, "metadata": {"x": 0}}, **TOKENS})
        .replace('"x": 0', '"x": 1e999')
        .encode(),
        b'{"user": ' + b"9" * 5000 + b"}",
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 1500 + b"0" + b"}" * 1500,
        json.dumps({"user": {**API_USER, "metadata": None}, **TOKENS})
        .replace('"metadata": null', '"metadata": ' + "[" * 90 + "]" * 90)
        .encode(),
    ],
    ids=lambda plaintext: repr(plaintext[:60]),
)
def test_authentic_token_that_holds_no_session_is_refused(plaintext):
    check_refused(encrypted(plaintext))


def test_seal_of_a_kit_is_refused():
    check_refused(sealed(ANSWER, PASSWORD))


def test_value_over_16_kb_is_refused_unread(monkeypatch):
    padded = {**ANSWER, "something_new": "x" * 12_900}
    value = seal_data(padded, LEGACY_KEY)
    assert len(value) > 16_384
    monkeypatch.setattr(READER, "_fernet", None)  # decrypting raises an AttributeError
    check_refused(value)
    check_refused("gAAAA" * 200_000)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_authentic_plaintext_is_refused_or_a_session(plaintext):
    check_refused(encrypted(plaintext))


@given(st.text(max_size=200) | st.from_regex(r"\A[\w-]{3}([\w-]{4}){0,40}\Z", alphabet=OCTETS))
def test_any_text_after_the_prefix_is_refused(text):
    check_refused(f"gAAAA{text}")


def test_no_seal_of_a_kit_is_taken_for_a_token_nor_the_other_way_round():
    assert is_legacy(GOOD)
    assert not is_legacy(sealed(ANSWER, PASSWORD))
    assert all(
        is_legacy(Fernet(LEGACY_KEY).encrypt_at_time(b"", moment).decode())
        for moment in (0, 1_600_000_000, int(START), 2**32 - 1)
    )


anyio = pytest.mark.anyio


@anyio
async def test_nobody_is_signed_in_without_the_key(authkit, emulator):
    loaded = await authkit.load([sealed_by_sdk(emulator.sign_in("user_ada"))])
    assert loaded.auth.reason is SignedOutReason.INVALID_SESSION_COOKIE
    assert loaded.session is None


@anyio
async def test_token_of_another_user_than_the_sealed_one_is_nobodys(emulator):
    ada, bob = emulator.sign_in("user_ada"), emulator.sign_in("user_bob")
    authkit = service(emulator, legacy_fernet_key=LEGACY_KEY)
    loaded = await authkit.load([sealed_by_sdk({**ada, "user": bob["user"]})])
    assert loaded.auth.reason is SignedOutReason.INVALID_SESSION_COOKIE
    assert not loaded.is_outdated


@anyio
async def test_rubbish_beside_a_good_session_does_no_harm(emulator):
    authkit = service(emulator, legacy_fernet_key=LEGACY_KEY)
    good = sealed_by_sdk(emulator.sign_in("user_ada"))
    rubbish = list(MANGLED.values())
    for values in ([*rubbish, good], [good, *rubbish]):
        assert (await authkit.load(values)).auth.user.id == "user_ada"
