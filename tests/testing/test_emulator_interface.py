"""The Python interface: settings, people, tokens, keys, the demo."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from emulator_client import START, Clock, EmulatorClient, claims_of, decode
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey

from authkit_asgi.testing import Impersonator, WorkOSEmulator
from authkit_asgi.testing.identifiers import timestamp


def test_emulator_has_the_settings_given() -> None:
    emulator = WorkOSEmulator(client_id="client_x", api_key="sk_x", issuer="https://issuer.example")
    assert emulator.client_id == "client_x"
    assert emulator.api_key == "sk_x"
    assert emulator.issuer == "https://issuer.example"


def test_emulator_issuer_is_that_of_production_by_default() -> None:
    emulator = WorkOSEmulator(client_id="client_x")
    assert emulator.issuer == "https://api.workos.com/user_management/client_x"


@pytest.mark.parametrize(
    "settings",
    [
        {"access_token_lifetime": math.nan},
        {"access_token_lifetime": True},
        {"access_token_lifetime": "300"},
        {"replay_window": -1},
        {"replay_window": None},
        {"reuse_revokes_session": 1},
        {"error_shape": "xml"},
        {"redirect_uris": "http://localhost"},
        {"redirect_uris": [1]},
        {"redirect_uris": 1},
        {"client_id": ""},
        {"api_key": None},
    ],
)
def test_setting_that_makes_no_sense_is_refused(settings: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        WorkOSEmulator(**settings)


def test_settings_are_changed_all_or_none(emulator: WorkOSEmulator) -> None:
    with pytest.raises(ValueError, match="replay_window"):
        emulator.configure(access_token_lifetime=1, replay_window=-1)
    assert emulator.access_token_lifetime == 300


def test_attribute_that_is_no_setting_cannot_be_set(emulator: WorkOSEmulator) -> None:
    with pytest.raises(AttributeError):
        emulator.replay_windows = 3  # type: ignore[attr-defined]  # the mistake under test


def test_sign_in_answers_what_authenticate_answers(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    user = emulator.user("user_ada")
    answer = emulator.sign_in(user, "org_globex")
    assert answer.keys() == client.sign_in(login_hint="ada@example.com").keys()
    assert answer["organization_id"] == "org_globex"
    assert client.refresh(answer["refresh_token"]).status_code == 200


def test_sign_in_with_a_negative_lifetime_makes_an_expired_token(
    emulator: WorkOSEmulator,
) -> None:
    claims = claims_of(emulator.sign_in("user_ada", lifetime=-10))
    assert claims["exp"] == START - 10
    assert claims["iat"] == claims["auth_time"] == START - 310


@pytest.mark.parametrize(
    "impersonator",
    [
        {"email": "boss@example.com", "reason": "why"},
        Impersonator(email="boss@example.com", reason="why"),
    ],
)
def test_sign_in_impersonated(emulator: WorkOSEmulator, impersonator: Any) -> None:
    answer = emulator.sign_in("user_ada", impersonator=impersonator)
    assert answer["impersonator"] == {"email": "boss@example.com", "reason": "why"}
    assert claims_of(answer)["act"] == {"sub": "boss@example.com"}


def test_sign_in_as_nobody_is_an_error(emulator: WorkOSEmulator) -> None:
    with pytest.raises(KeyError):
        emulator.sign_in("user_eve")
    with pytest.raises(ValueError, match="not a member"):
        emulator.sign_in("user_bob", "org_acme")


def test_end_session_stops_refreshes(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    answer = emulator.sign_in("user_ada")
    sid = claims_of(answer)["sid"]
    assert emulator.end_session(sid)
    assert not emulator.end_session(sid)
    assert client.refresh(answer["refresh_token"]).status_code == 400


def test_user_has_no_name_without_its_parts(emulator: WorkOSEmulator) -> None:
    assert emulator.user("user_bob").name is None
    assert emulator.update_user("user_bob", last_name="Builder").name == "Builder"


def test_user_update_shows_in_the_next_answer(
    client: EmulatorClient, emulator: WorkOSEmulator, clock: Clock
) -> None:
    token = emulator.sign_in("user_ada")["refresh_token"]
    clock.now += 1.5
    emulator.update_user("user_ada", metadata={"team": "x"}, external_id="e1")
    user = client.refresh(token).json()["user"]
    assert user["metadata"] == {"team": "x"}
    assert user["external_id"] == "e1"
    assert user["updated_at"] == "2027-01-15T08:00:01.500Z"


def test_timestamp_has_milliseconds_even_when_they_are_zero() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"


def test_mint_makes_any_claims(emulator: WorkOSEmulator) -> None:
    token = emulator.mint_access_token({"exp": "soon"}, header={"kid": "other", "crit": ["x"]})
    header, claims, _ = token.split(".")
    assert decode(header) == {"alg": "RS256", "typ": "JWT", "kid": "other", "crit": ["x"]}
    assert decode(claims) == {"exp": "soon"}
    token = emulator.mint_access_token({"sub": "x"})
    assert jwt.decode(token, KeySet.import_key_set(_key_set(emulator))).claims == {"sub": "x"}


def test_mint_signs_with_a_key_of_the_test(emulator: WorkOSEmulator) -> None:
    key = RSAKey.generate_key(2048)
    token = emulator.mint_access_token({"sub": "x"}, key=key)
    assert jwt.decode(token, key).claims == {"sub": "x"}
    published = RSAKey.import_key(_key_set(emulator)["keys"][0])
    with pytest.raises(BadSignatureError):
        jwt.decode(token, published)


def test_mint_refuses_a_public_key(emulator: WorkOSEmulator) -> None:
    public = RSAKey.import_key(_key_set(emulator)["keys"][0])
    with pytest.raises(ValueError, match="private"):
        emulator.mint_access_token({}, key=public)


def test_keys_rotate_and_the_old_one_stays_published(emulator: WorkOSEmulator) -> None:
    old = emulator.sign_in("user_ada")["access_token"]
    emulator.rotate_keys()
    new = emulator.sign_in("user_ada")["access_token"]
    keys = KeySet.import_key_set(_key_set(emulator))
    assert len(keys.keys) == 2
    for token in (old, new):
        assert jwt.decode(token, keys).claims["sub"] == "user_ada"
    emulator.withdraw_old_keys()
    assert [key["kid"] for key in _key_set(emulator)["keys"]] == [_kid(new)]


def test_keys_rotate_before_any_was_used() -> None:
    emulator = WorkOSEmulator()
    emulator.rotate_keys()
    assert len(_key_set(emulator)["keys"]) == 2
    emulator.rotate_keys(withdraw_old=True)
    assert len(_key_set(emulator)["keys"]) == 1


def test_key_is_made_once_by_many_threads() -> None:
    emulator = WorkOSEmulator()
    seen: list[str] = []
    ask = lambda: seen.append(_key_set(emulator)["keys"][0]["kid"])  # noqa: E731  # one line each
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 4
    assert len(set(seen)) == 1


def test_reset_forgets_everything_but_the_key(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    answer = client.sign_in(form={"user_id": "user_ada"})
    emulator.fail("jwks")
    emulator.rotate_keys()
    current = _kid(emulator.mint_access_token({}))
    emulator.reset()
    assert emulator.requests == ()
    assert [key["kid"] for key in _key_set(emulator)["keys"]] == [current]
    assert client.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.authorize().status_code == 200
    with pytest.raises(KeyError):
        emulator.user("user_ada")


def test_demo_has_people_and_brings_them_back(client: EmulatorClient) -> None:
    emulator = WorkOSEmulator.demo(access_token_lifetime=60)
    emulator._state.keys = client.emulator._state.keys
    assert emulator.access_token_lifetime == 60
    users = tuple(emulator._state.directory.users)
    assert len(users) == 4
    emulator.remove_user(users[0])
    emulator.reset()
    assert tuple(emulator._state.directory.users) == users
    assert emulator.access_token_lifetime == 60


def _key_set(emulator: WorkOSEmulator) -> Any:
    return emulator.jwks


def _kid(token: str) -> str:
    kid = decode(token.split(".", maxsplit=1)[0])["kid"]
    assert isinstance(kid, str)
    return kid
