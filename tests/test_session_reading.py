"""Reading sealed sessions: the shapes of all kits, and what is authentic and yet no session."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD
from test_session import ANSWER, API_USER, KIT_USER, SEALED_USER, content, read

from authkit_asgi.auth import FrozenDict, Impersonator, User, freeze
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.pkce import begin_sign_in
from authkit_asgi.session import (
    seal_session,
    session_from_answer,
    unseal_session,
    user_from_answer,
)

MINIMAL: dict[str, Any] = {
    "accessToken": "a",
    "refreshToken": "r",
    "user": {"id": "user_1", "email": "a@b"},
}


WRITERS = {
    "authkit-session": {"accessToken": "a", "refreshToken": "r", "user": KIT_USER},
    "authkit-session impersonated": {
        "accessToken": "a",
        "refreshToken": "r",
        "user": KIT_USER,
        "impersonator": {"email": "eve@workos.com", "reason": "help"},
    },
    "authkit-nextjs": {
        "accessToken": "a",
        "refreshToken": "r",
        "user": KIT_USER,
        "impersonator": {"email": "eve@workos.com", "reason": None},
        "authenticationMethod": "SSO",
    },
    "workos-node sealSession": {
        "organizationId": "org_1",
        "user": KIT_USER,
        "accessToken": "a",
        "refreshToken": "r",
        "authenticationMethod": "MagicAuth",
    },
    "authkit-nextjs saveSession": {
        "user": KIT_USER,
        "organizationId": "org_1",
        "accessToken": "a",
        "refreshToken": "r",
        "authenticationMethod": "Password",
        "oauthTokens": {"accessToken": "x", "scopes": ["a"]},
        "sealedSession": "Fe26.2*…",
        "unknown": [{"deep": None}],
    },
}


@pytest.mark.parametrize("writer", WRITERS)
def test_session_of_every_kit_is_read(writer):
    payload = WRITERS[writer]
    session = read(payload)
    assert (session.access_token, session.refresh_token) == ("a", "r")
    assert session.user_json == freeze(KIT_USER)
    assert session.authentication_method == payload.get("authenticationMethod")
    impersonator = payload.get("impersonator")
    assert session.impersonator == (Impersonator(**impersonator) if impersonator else None)


def test_metadata_is_immutable_at_every_level():
    user = {**API_USER, "metadata": {"plan": {"seats": [1, {"of": "ten"}]}}}
    session = session_from_answer({**ANSWER, "user": user})
    read_again = unseal_session(seal_session(session, PASSWORD), PASSWORD)
    for one in (session.user, read_again.user, user_from_answer(user)):
        plan = one.metadata["plan"]
        seats = plan["seats"]
        assert (type(one.metadata), type(plan), type(seats)) == (FrozenDict, FrozenDict, tuple)
        assert type(seats[1]) is FrozenDict


@pytest.mark.parametrize("writer", WRITERS)
def test_no_metadata_is_immutable_too(writer):
    user = {**WRITERS[writer]["user"], "metadata": {}}
    session = read({**WRITERS[writer], "user": user})
    assert type(session.user_json["metadata"]) is FrozenDict


@pytest.mark.parametrize("writer", WRITERS)
def test_foreign_keys_are_tolerated_and_not_written_again(writer):
    payload = WRITERS[writer]
    known = ["accessToken", "refreshToken", "user", "impersonator", "authenticationMethod"]
    assert json.loads(content(read(payload))) == {
        name: payload[name] for name in known if name in payload
    }
    user = {**KIT_USER, "surprise": 1}
    assert content(read({**payload, "user": user})) == content(read(payload))


def test_re_sealing_keeps_the_user_octet_for_octet():
    assert f'"user":{SEALED_USER}' in content(read(WRITERS["authkit-session"]))
    short = {"id": "user_1", "email": "a@b", "locale": None}
    assert json.loads(content(read({**MINIMAL, "user": short})))["user"] == short


def test_user_has_the_fields_in_snake_case():
    assert read(WRITERS["authkit-session"]).user == User(
        **{**{key: value for key, value in API_USER.items() if key != "object"}}
        | {"metadata": FrozenDict(API_USER["metadata"])}
    )


def test_user_field_of_another_type_reads_as_absent():
    odd = {
        "id": "user_1",
        "email": "a@b",
        "emailVerified": "false",
        "name": ["x"],
        "firstName": {"a": 1},
        "lastName": 7,
        "createdAt": True,
        "metadata": ["not", "an", "object"],
        "locale": "en",
    }
    assert read({**MINIMAL, "user": odd}).user == User(id="user_1", email="a@b", locale="en")


@pytest.mark.parametrize(
    ("refresh_token", "expected"), [(None, None), ("", None), (7, None), ("r", "r"), ({}, None)]
)
def test_session_without_refresh_token_can_be_read(refresh_token, expected):
    assert read({**MINIMAL, "refreshToken": refresh_token}).refresh_token == expected
    assert read({"accessToken": "a", "user": MINIMAL["user"]}).refresh_token is None


@pytest.mark.parametrize(
    ("impersonator", "expected"),
    [
        (None, None),
        ("eve", None),
        ({}, None),
        ({"email": None}, None),
        ({"email": "e@x"}, Impersonator(email="e@x")),
        ({"email": "e@x", "reason": 7}, Impersonator(email="e@x")),
        ({"email": "e@x", "reason": "r", "more": 1}, Impersonator(email="e@x", reason="r")),
    ],
)
def test_impersonator_is_read_leniently(impersonator, expected):
    assert read({**MINIMAL, "impersonator": impersonator}).impersonator == expected


@pytest.mark.parametrize("method", [None, 7, True, ["SSO"], {}])
def test_way_of_signing_in_that_is_no_text_reads_as_absent(method):
    assert read({**MINIMAL, "authenticationMethod": method}).authentication_method is None
    assert read({**MINIMAL, "authenticationMethod": ""}).authentication_method == ""


NO_SESSIONS = [
    None,
    True,
    0,
    -1.5,
    "",
    "text",
    [],
    [MINIMAL],
    {},
    {"persistent": MINIMAL},
    {"codeVerifier": "v", "nonce": "n", "issuedAt": 1_800_000_000_000},
    {"user": MINIMAL["user"]},
    {"accessToken": "a"},
    {"accessToken": "a", "refreshToken": "r"},
    {**MINIMAL, "accessToken": ""},
    {**MINIMAL, "accessToken": None},
    {**MINIMAL, "accessToken": 7},
    {**MINIMAL, "accessToken": ["a"]},
    {**MINIMAL, "user": None},
    {**MINIMAL, "user": []},
    {**MINIMAL, "user": "user_1"},
    {**MINIMAL, "user": {}},
    {**MINIMAL, "user": {"id": "user_1"}},
    {**MINIMAL, "user": {"email": "a@b"}},
    {**MINIMAL, "user": {"id": "", "email": "a@b"}},
    {**MINIMAL, "user": {"id": None, "email": "a@b"}},
    {**MINIMAL, "user": {"id": 1, "email": "a@b"}},
    {**MINIMAL, "user": {"id": "user_1", "email": None}},
    {"access_token": "a", "refresh_token": "r", "user": MINIMAL["user"]},
]


@pytest.mark.parametrize("payload", NO_SESSIONS, ids=repr)
def test_authentic_seal_that_holds_no_session_is_refused(payload):
    with pytest.raises(InvalidSessionError, match=r"^The seal holds no session$") as caught:
        read(payload)
    assert caught.value.__cause__ is None


def test_oauth_state_used_as_session_is_refused():
    _, state = begin_sign_in(PASSWORD, custom_state="x")
    with pytest.raises(InvalidSessionError):
        unseal_session(state, PASSWORD)


@pytest.mark.parametrize("sealed", ["", "garbage", "Fe26.2*1*", "gAAAAAbc", "x" * 20_000, "é"])
def test_garbage_is_refused(sealed):
    with pytest.raises(InvalidSessionError, match="not a seal"):
        unseal_session(sealed, PASSWORD)


def test_seal_under_a_foreign_password_is_refused_and_under_an_old_one_read():
    sealed = seal_session(session_from_answer(ANSWER), OTHER_PASSWORD)
    with pytest.raises(InvalidSessionError, match="not a seal"):
        unseal_session(sealed, PASSWORD)
    assert unseal_session(sealed, [PASSWORD, OTHER_PASSWORD]).user_id == "user_1"
