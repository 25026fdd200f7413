"""Where the bytes of a session cookie go: counts that add up, and nothing but names."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from emulated import PASSWORD
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.auth import Impersonator
from authkit_asgi.seal import seal
from authkit_asgi.session import Session, seal_session, unseal_session
from authkit_asgi.session_size import SizeBreakdown, SizePart, breakdown

USER = {"object": "user", "id": "user_ada", "email": "ada@example.com", "metadata": {}}
CLAIMS = {"sub": "user_ada", "sid": "session_1", "exp": 1_800_000_300}


def token(claims: Any) -> str:
    text = json.dumps(claims, separators=(",", ":"))
    payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{payload}.{'s' * 342}"


def session(claims: Any = None, **changes: Any) -> Session:
    access_token = token(CLAIMS if claims is None else claims)
    parts = {"access_token": access_token, "refresh_token": "refresh_1", "user_json": USER}
    return Session(**{**parts, **changes})


def sizes(content: Session) -> SizeBreakdown:
    return breakdown(content, seal_session(content, PASSWORD))


def part(size: SizeBreakdown, name: str) -> SizePart:
    (found,) = [one for one in size.parts if one.name == name]
    return found


def test_parts_are_those_of_the_json_and_the_rest_is_the_seals():
    content = session(
        impersonator=Impersonator(email="eve@example.com", reason="a ticket"),
        authentication_method="SSO",
    )
    sealed = seal_session(content, PASSWORD)
    size = breakdown(content, sealed)
    impersonator = '"impersonator":{"email":"eve@example.com","reason":"a ticket"},'
    user = json.dumps(USER, separators=(",", ":"))
    assert [(one.name, one.size) for one in size.parts] == [
        ("access token", len(f'"accessToken":"{content.access_token}",')),
        ("refresh token", len('"refreshToken":"refresh_1",')),
        ("user", len(f'"user":{user},')),
        ("impersonator", len(impersonator)),
        ("authentication method", len('"authenticationMethod":"SSO",')),
        ("seal overhead", len(sealed) - sum(one.size for one in size.parts[:-1])),
    ]
    assert size.total == len(sealed)


@given(
    st.dictionaries(st.text(max_size=60), st.text(max_size=60) | st.integers(), max_size=30),
    st.text(max_size=200),
    st.none() | st.text(min_size=1, max_size=40),
)
def test_parts_add_up_to_what_was_sealed(metadata, name, refresh_token):
    user = {**USER, "name": name, "metadata": metadata}
    size = sizes(session(user_json=user, refresh_token=refresh_token))
    assert sum(one.size for one in size.parts) == size.total
    assert "other content" not in dict(size.rows())
    assert size.parts[-1].size > 0


def test_claims_count_by_their_share_of_the_token_largest_first():
    permissions = [f"documents:{number}" for number in range(80)]
    content = session({**CLAIMS, "permissions": permissions, "feature_flags": ["beta"] * 20})
    parts = part(sizes(content), "access token").parts
    assert [one.name for one in parts[:2]] == ["permissions", "feature_flags"]
    as_json = len(json.dumps({"permissions": permissions}, separators=(",", ":"))) - 1
    assert abs(parts[0].size - as_json * 4 / 3) < 5
    header_and_signature = parts[-1]
    assert header_and_signature.name == "(header and signature)"
    segments = content.access_token.split(".")
    assert header_and_signature.size == len(segments[0]) + len(segments[2]) + 2
    assert abs(sum(one.size for one in parts) - len(content.access_token)) <= len(parts)


def test_fields_of_the_user_are_named_largest_first():
    user = {**USER, "metadata": {"plan": "x" * 300}, "profilePictureUrl": "https://" + "p" * 100}
    fields = part(sizes(session(user_json=user)), "user").parts
    assert [one.name for one in fields[:3]] == ["metadata", "profilePictureUrl", "email"]
    assert fields[0].size == len(f'"metadata":{{"plan":"{"x" * 300}"}},')


def test_number_of_names_is_bounded_and_the_others_count_as_one():
    claims = {f"https://example.com/{number:03}": "v" * number for number in range(100)}
    parts = part(sizes(session({**CLAIMS, **claims})), "access token").parts
    assert len(parts) == 10
    assert parts[-2].name == "(95 other claims)"
    assert parts[0].name == "https://example.com/099"
    assert len(str(sizes(session({**CLAIMS, **claims})))) < 400


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://example.com/plan", "https://example.com/plan"),
        ("urn:x:y_z-1.0", "urn:x:y_z-1.0"),
        ("a\r\nERROR forged", r"'a\r\nERROR forged'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("(header and signature)", "'(header and signature)'"),
        ("", "''"),
        ("\u202e", r"'\u202e'"),
        ("n" * 40, "n" * 40),
        ("n" * 41, "n" * 40 + "…"),
        ("\n" * 2000, "'" + r"\n" * 40 + "'…"),
    ],
)
def test_name_of_a_claim_is_shortened_and_cannot_break_a_line(name, shown):
    size = sizes(session({**CLAIMS, name: "v" * 100}))
    named = [one.name for one in part(size, "access token").parts]
    assert shown in named
    assert "\n" not in str(size)
    assert "\x1b" not in str(size)


def test_no_value_is_in_the_text_rows_or_repr():
    marker = "marker"
    user = {**USER, "name": marker, "externalId": marker, "metadata": {marker: marker}}
    content = session(
        {**CLAIMS, "plan": marker, "nested": {marker: [marker]}},
        user_json=user,
        refresh_token=marker,
        impersonator=Impersonator(email=marker, reason=marker),
        authentication_method=marker,
    )
    size = sizes(content)
    for shown in (str(size), repr(size), repr(size.rows())):
        assert marker not in shown
        assert content.access_token[-20:] not in shown


def test_line_names_the_four_largest_of_the_claims_and_fields():
    size = SizeBreakdown(
        total=3905,
        parts=(
            SizePart(
                name="access token",
                size=2600,
                parts=tuple(SizePart(name=name, size=9) for name in "abcde"),
            ),
            SizePart(name="user", size=300, parts=(SizePart(name="email", size=27),)),
            SizePart(name="seal overhead", size=1005),
        ),
    )
    assert str(size) == (
        "3905 bytes: access token 2600 (a 9, b 9, c 9, d 9, …), user 300 (email 27), "
        "seal overhead 1005"
    )
    assert size.rows() == [
        ("access token", 2600),
        *((f"  {name}", 9) for name in "abcde"),
        ("user", 300),
        ("  email", 27),
        ("seal overhead", 1005),
    ]


def test_what_a_kit_has_sealed_besides_is_other_content():
    more = {"oauthTokens": {"accessToken": "o" * 500}, "organizationId": "org_acme"}
    content = session()
    whole = {
        "accessToken": content.access_token,
        "refreshToken": "refresh_1",
        "user": USER,
        **more,
    }
    sealed = seal(whole, PASSWORD)
    size = breakdown(unseal_session(sealed, PASSWORD), sealed)
    extra = len(json.dumps(more, separators=(",", ":"))) - 1
    assert abs(part(size, "other content").size - extra) <= 16
    assert sum(one.size for one in size.parts) == size.total == len(sealed)


@pytest.mark.parametrize("access_token", ["opaque", "a.b.c", token([1])])
def test_token_that_is_no_jwt_has_no_claims(access_token):
    assert part(sizes(session(access_token=access_token)), "access token").parts == ()


@pytest.mark.parametrize("text", ["", "x", "Fe26.2*1*a", "*" * 10])
def test_text_that_is_not_the_sessions_seal_raises_nothing(text):
    size = breakdown(session(), text)
    assert size.total == len(text)
    assert size.parts[-1] == SizePart(name="seal overhead", size=0)


def test_breakdown_is_immutable():
    size = sizes(session())
    with pytest.raises(dataclasses.FrozenInstanceError):
        size.total = 1  # type: ignore[misc]
    assert {size, sizes(session())} == {size}
