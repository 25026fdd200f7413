"""The sealed session: the JSON of the kits octet for octet, and what WorkOS's answers make."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from emulated import PASSWORD
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.auth import FrozenDict, Impersonator
from authkit_asgi.errors import (
    InvalidSessionError,
    SessionTooLargeError,
    UntrustedResponseError,
)
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import (
    Session,
    freeze_answer,
    seal_session,
    session_from_answer,
    session_id,
    session_issued_at,
    session_organization,
    unseal_session,
    user_from_answer,
)

API_USER: dict[str, Any] = {
    "object": "user",
    "id": "user_1",
    "email": "ada@example.com",
    "email_verified": True,
    "name": "Ada Lovelace",
    "first_name": "Ada",
    "last_name": None,
    "profile_picture_url": None,
    "last_sign_in_at": "2026-01-02T03:04:05.678Z",
    "locale": "en",
    "created_at": "2025-01-02T03:04:05.590Z",
    "updated_at": "2025-01-02T03:04:05.590Z",
    "external_id": "ext_1",
    "metadata": {"costCentre": "7", "snake_case": "kept", "ÜÇ": "é"},
}
ANSWER: dict[str, Any] = {
    "user": API_USER,
    "organization_id": "org_1",
    "access_token": "token-marker",
    "refresh_token": "refresh-marker",
    "authentication_method": "GoogleOAuth",
    "impersonator": {"email": "eve@workos.com", "reason": None},
    "oauth_tokens": {"access_token": "foreign"},
    "something_new": 1,
}
SEALED_USER = (
    '{"object":"user","id":"user_1","email":"ada@example.com","emailVerified":true,'
    '"name":"Ada Lovelace","firstName":"Ada","profilePictureUrl":null,"lastName":null,'
    '"lastSignInAt":"2026-01-02T03:04:05.678Z","locale":"en",'
    '"createdAt":"2025-01-02T03:04:05.590Z","updatedAt":"2025-01-02T03:04:05.590Z",'
    '"externalId":"ext_1","metadata":{"costCentre":"7","snake_case":"kept","ÜÇ":"é"}}'
)
KIT_USER: dict[str, Any] = json.loads(SEALED_USER)
MINIMAL = {"accessToken": "a", "refreshToken": "r", "user": {"id": "user_1", "email": "a@b"}}


def content(session: Session) -> str:
    """Return the JSON that is sealed, octet for octet: object members keep their order."""
    return json.dumps(
        unseal(seal_session(session, PASSWORD), PASSWORD),
        ensure_ascii=False,
        separators=(",", ":"),
    )


def read(payload: Any) -> Session:
    return unseal_session(seal(payload, PASSWORD), PASSWORD)


def with_claims(claims: dict[str, Any]) -> Session:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return session_from_answer({**ANSWER, "access_token": f"e30.{payload}.c2ln"})


def test_answer_is_sealed_in_the_key_order_of_the_kits():
    assert content(session_from_answer(ANSWER)) == (
        '{"accessToken":"token-marker","refreshToken":"refresh-marker","user":' + SEALED_USER + ","
        '"impersonator":{"email":"eve@workos.com","reason":null},'
        '"authenticationMethod":"GoogleOAuth"}'
    )


def test_optional_keys_are_absent_and_never_null():
    answer = {**ANSWER, "impersonator": None, "authentication_method": None}
    assert list(json.loads(content(session_from_answer(answer)))) == [
        "accessToken",
        "refreshToken",
        "user",
    ]


@pytest.mark.parametrize(
    ("changes", "absent", "expected"),
    [
        ({}, ("locale",), {"locale": None}),
        ({}, ("name", "external_id", "metadata"), {"name": "+null", "externalId": "+null"}),
        ({"locale": None}, (), {"locale": "+null"}),
        ({"metadata": None}, (), {"metadata": "{}"}),
        ({}, ("metadata",), {"metadata": "{}"}),
        ({}, ("first_name", "last_sign_in_at"), {"firstName": None, "lastSignInAt": None}),
        ({"first_name": None}, (), {"firstName": "+null"}),
        ({"unknown_key": 1}, (), {"unknown_key": None, "unknownKey": None}),
    ],
)
def test_user_has_absent_keys_absent_nulls_kept_and_what_node_always_writes(
    changes, absent, expected
):
    user = {key: value for key, value in {**API_USER, **changes}.items() if key not in absent}
    sealed_user = json.loads(content(session_from_answer({**ANSWER, "user": user})))["user"]
    for name, value in expected.items():
        if value is None:
            assert name not in sealed_user
        else:
            assert sealed_user[name] == ({} if value == "{}" else None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({"access_token": value}, "no access token") for value in (None, "", 7, [], {})),
        *(({"refresh_token": value}, "no refresh token") for value in (None, "", 7, [], {})),
        *(({"user": value}, "no user") for value in (None, "", 7, [], {}, {"id": "user_1"})),
        ({"user": {"id": "", "email": "a@b"}}, "no user"),
    ],
)
def test_answer_without_tokens_or_user_is_not_trusted(changes, words):
    with pytest.raises(UntrustedResponseError, match=f"^WorkOS's answer has {words}$") as caught:
        session_from_answer({**ANSWER, **changes})
    assert "marker" not in repr(caught.value)
    with pytest.raises(UntrustedResponseError):
        session_from_answer({key: ANSWER[key] for key in ANSWER if key not in changes})


def test_answer_nested_beyond_all_reason_is_not_trusted():
    value: Any = "in the middle"
    for _ in range(48):
        value = [value]
    deep = {**API_USER, "metadata": {"k": value}}
    assert (
        user_from_answer(deep).metadata
        == session_from_answer({**ANSWER, "user": deep}).user.metadata
    )
    deeper = {**API_USER, "metadata": {"k": [value]}}
    for read in (
        lambda: user_from_answer(deeper),
        lambda: session_from_answer({**ANSWER, "user": deeper}),
    ):
        with pytest.raises(UntrustedResponseError, match=r"^WorkOS's answer is nested too deep$"):
            read()


def test_a_part_of_an_answer_is_frozen_and_none_that_nests_too_deep_is_taken():
    part = freeze_answer({"scopes": ["read"], "more": {"a": 1}})
    assert part == {"scopes": ("read",), "more": {"a": 1}}
    assert (type(part), type(part["more"])) == (FrozenDict, FrozenDict)
    deep: Any = "leaf"
    for _ in range(51):
        deep = [deep]
    with pytest.raises(UntrustedResponseError, match=r"^WorkOS's answer is nested too deep$"):
        freeze_answer(deep)


def test_refresh_carries_over_what_it_does_not_repeat_and_believes_what_it_says():
    first = session_from_answer(ANSWER)
    bare = {key: ANSWER[key] for key in ("user", "access_token", "refresh_token")}
    kept = session_from_answer(bare, first)
    assert kept.authentication_method == "GoogleOAuth"
    assert kept.impersonator == Impersonator(email="eve@workos.com")
    other = {"email": "other@workos.com", "reason": "r"}
    changed = session_from_answer(
        {**bare, "authentication_method": "SSO", "impersonator": other}, first
    )
    assert changed.authentication_method == "SSO"
    assert changed.impersonator == Impersonator(email="other@workos.com", reason="r")
    assert session_from_answer(bare).authentication_method is None
    assert session_from_answer(bare).impersonator is None


@pytest.mark.parametrize(
    ("claims", "issued_at"),
    [
        ({"iat": 5}, 5),
        ({"iat": 1.5}, 1.5),
        ({"iat": 10**400}, 10**400),
        ({"iat": "5"}, 0),
        ({"iat": None}, 0),
        ({}, 0),
    ],
)
def test_session_was_issued_when_its_token_says_so_in_a_number(claims, issued_at):
    assert session_issued_at(with_claims(claims)) == issued_at


@pytest.mark.parametrize("value", ["x", "", "ü"])
def test_session_has_the_id_and_the_organization_that_its_token_names(value):
    assert session_id(with_claims({"sid": value, "org_id": "other"})) == value
    assert session_organization(with_claims({"sid": "other", "org_id": value})) == value


@pytest.mark.parametrize("claims", [{}, {"sid": 7, "org_id": ["org_1"]}, {"sid": None}])
def test_session_whose_token_names_no_text_has_neither_id_nor_organization(claims):
    session = with_claims(claims)
    assert session_id(session) is session_organization(session) is None


def test_session_shows_no_token():
    text = repr(session_from_answer(ANSWER))
    assert "marker" not in text
    assert "ada@" not in text


def test_session_larger_than_a_cookie_is_sealed_and_read_with_another_limit():
    session = session_from_answer({**ANSWER, "access_token": "x" * 40_000})
    sealed = seal_session(session, PASSWORD)
    assert unseal_session(sealed, PASSWORD, max_length=65_536) == session
    with pytest.raises(InvalidSessionError):
        unseal_session(sealed, PASSWORD)


def test_session_too_large_to_be_kept_is_not_sealed():
    session = session_from_answer({**ANSWER, "access_token": "x" * 50_000})
    with pytest.raises(SessionTooLargeError) as caught:
        seal_session(session, PASSWORD)
    assert str(caught.value) == "The session is too large to be sealed"


texts = st.text(min_size=1)
users = st.fixed_dictionaries(
    {"id": texts, "email": st.text()},
    optional={
        "first_name": st.none() | st.text(),
        "locale": st.none() | st.text(),
        "email_verified": st.booleans(),
        "metadata": st.dictionaries(st.text(), st.text(), max_size=5),
    },
)


@given(users, texts, texts, st.none() | texts, st.none() | st.text())
def test_round_trip(user, access_token, refresh_token, method, email):
    session = session_from_answer(
        {
            "user": user,
            "access_token": access_token,
            "refresh_token": refresh_token,
            "authentication_method": method,
            "impersonator": None if email is None else {"email": email},
        }
    )
    again = unseal_session(seal_session(session, PASSWORD), PASSWORD)
    assert again == session
    assert again.user.id == user["id"]
    assert again.user.metadata == user.get("metadata", {})
