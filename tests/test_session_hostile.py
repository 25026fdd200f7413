"""Authentic seals around anything at all: a session comes of it or our error, never more."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, shown
from hypothesis import given
from hypothesis import strategies as st
from test_session import MINIMAL, read

from authkit_asgi.auth import FrozenDict
from authkit_asgi.errors import InvalidSessionError, SessionTooLargeError
from authkit_asgi.seal import seal
from authkit_asgi.session import Session, seal_session, unseal_session

MARKER = "marker-that-must-not-be-shown"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    ["accessToken", "refreshToken", "user", "impersonator", "authenticationMethod", "persistent"]
)
user_names = st.sampled_from(
    ["id", "email", "emailVerified", "firstName", "createdAt", "externalId", "metadata", "locale"]
)


def check(payload: Any) -> Session | None:
    """Read what is sealed; a session that comes of it can be shown and sealed again."""
    try:
        session = read(payload)
    except InvalidSessionError:
        return None
    assert session.access_token
    assert session.user_id
    assert session.user.id == session.user_id
    assert isinstance(session.user_json, FrozenDict)
    again = unseal_session(seal_session(session, PASSWORD), PASSWORD)
    assert again == session
    return session


@given(json_values | st.dictionaries(names, json_values))
def test_any_payload_is_a_session_or_our_error(payload):
    session = check(payload)
    assert session is None or isinstance(payload["user"], dict)


@given(names, json_values)
def test_any_value_of_a_member_is_a_session_or_our_error(name, value):
    check({**MINIMAL, name: value})


@given(user_names, json_values)
def test_any_value_of_a_user_field_is_a_session_or_our_error(name, value):
    session = check({**MINIMAL, "user": {**MINIMAL["user"], name: value}})
    good = isinstance(value, str) and (value or name != "id")
    assert (session is not None) == bool(name not in {"id", "email"} or good)


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for _ in range(levels):
        value = {"deeper": value}
    return value


def test_metadata_as_deep_as_a_seal_holds_is_read_and_written_again():
    session = check({**MINIMAL, "user": {**MINIMAL["user"], "metadata": nested(98)}})
    assert session is not None
    assert json.loads(json.dumps(session.user.metadata)) == nested(98)


MIMICS: dict[str, Any] = {
    "inherited members": {"__proto__": MINIMAL},
    "constructor": {"constructor": {"prototype": MINIMAL}},
    "names of the other case": {name.upper(): value for name, value in MINIMAL.items()},
    "API's names": {"access_token": "a", "refresh_token": "r", "user": MINIMAL["user"]},
    "user as JSON": {**MINIMAL, "user": json.dumps(MINIMAL["user"])},
    "session as JSON": json.dumps(MINIMAL),
    "session in a list": [MINIMAL],
    "session in a session": {"session": MINIMAL},
    "token in a list": {**MINIMAL, "accessToken": ["a"]},
    "token that is true": {**MINIMAL, "accessToken": True},
    "id in a list": {**MINIMAL, "user": {"id": ["user_1"], "email": "a@b"}},
    "id that is true": {**MINIMAL, "user": {"id": True, "email": "a@b"}},
    "sub in place of id": {**MINIMAL, "user": {"sub": "user_1", "email": "a@b"}},
    "seal in a seal": seal(MINIMAL, PASSWORD),
    "seal in a session": {"sealedSession": seal(MINIMAL, PASSWORD)},
    "other flash": {"persistent": MINIMAL, "flash": {}},
}


@pytest.mark.parametrize("payload", MIMICS.values(), ids=MIMICS)
def test_payload_that_looks_like_a_session_is_none(payload):
    with pytest.raises(InvalidSessionError, match="holds no session"):
        read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        MARKER,
        [MARKER],
        {"accessToken": MARKER},
        {"accessToken": MARKER, "user": MARKER},
        {"accessToken": MARKER, "refreshToken": MARKER, "user": {"id": MARKER}},
        {"codeVerifier": MARKER, "nonce": MARKER},
        {"accessToken": [MARKER], "user": {"id": "user_1", "email": MARKER}},
    ],
)
def test_error_of_an_authentic_seal_shows_nothing_of_what_is_in_it(payload):
    sealed = seal(payload, PASSWORD)
    for passwords in (PASSWORD, OTHER_PASSWORD, [OTHER_PASSWORD, PASSWORD]):
        with pytest.raises(InvalidSessionError) as caught:
            unseal_session(sealed, passwords)
        text = shown(caught.value)
        assert MARKER not in text
        assert PASSWORD not in text
        assert OTHER_PASSWORD not in text
        assert [part for part in sealed.split("*") if len(part) > 12 and part in text] == []


def test_error_of_a_session_too_large_shows_nothing_of_it():
    session = read({**MINIMAL, "accessToken": MARKER, "refreshToken": "x" * 11_000})
    larger = dataclasses.replace(session, refresh_token=MARKER * 10_000)
    with pytest.raises(SessionTooLargeError) as caught:
        seal_session(larger, PASSWORD)
    assert MARKER not in shown(caught.value)
    assert MARKER not in repr((session, larger, session.user))
