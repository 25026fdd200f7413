"""Access tokens that verify, and what comes out."""

from __future__ import annotations

import json
import pickle

import pytest
from token_factory import (
    CLAIMS,
    ISSUER,
    JWKS_URL,
    NOW,
    KeyServer,
    make_token,
    make_verifier,
    with_claims,
    with_header,
)

from authkit_asgi.auth import Claims

pytestmark = pytest.mark.anyio


async def test_verify_user_session_token_returns_its_claims():
    roles = {"role": "admin", "roles": ["admin"], "permissions": ["a:b"], "org_id": "org_1"}
    claims = await make_verifier().verify(with_claims(**roles, act={"sub": "staff_1"}))
    assert isinstance(claims, Claims)
    assert (claims.sub, claims.sid, claims.iss) == ("user_1", "session_1", ISSUER)
    assert claims["permissions"] == ("a:b",)
    assert claims.org_id == "org_1"
    assert claims["act"] == {"sub": "staff_1"}


async def test_verify_claims_are_deeply_immutable():
    claims = await make_verifier().verify(with_claims(act={"sub": "a"}, roles=["r"], x=[{"y": 1}]))
    with pytest.raises(TypeError, match="immutable"):
        claims["sub"] = "user_2"
    with pytest.raises(TypeError, match="immutable"):
        claims["act"]["sub"] = "b"
    with pytest.raises(TypeError, match="immutable"):
        claims["x"][0]["y"] = 2
    assert isinstance(claims["roles"], tuple)
    assert pickle.loads(pickle.dumps(claims)) == claims  # noqa: S301  # our own data


async def test_verify_dates_come_as_whole_seconds():
    dates = {"exp": NOW + 9.75, "iat": NOW, "nbf": NOW - 0.5, "auth_time": NOW - 60.5}
    claims = await make_verifier().verify(with_claims(**dates))
    now = int(NOW)
    assert [claims[name] for name in dates] == [now + 9, now, now - 1, now - 61]
    assert all(type(claims[name]) is int for name in dates)


@pytest.mark.parametrize(
    "members",
    [
        {"typ": "at+jwt"},
        {"typ": 5},
        {"cty": "JWT"},
        {"unknown": {"deep": [1]}},
        {"b64": True},
        {"jku": "https://evil.example/keys"},
        {"jku": 5},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"x5t": 5},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ],
    ids="-".join,
)
async def test_verify_header_member_that_means_nothing_to_us_is_ignored(members):
    server = KeyServer()
    await make_verifier(server).verify(with_header(**members))
    assert server.asked == [JWKS_URL]


async def test_verify_token_without_typ_verifies():
    await make_verifier().verify(make_token({"alg": "RS256", "kid": "key_1"}))


async def test_verify_of_repeated_members_the_last_counts():
    payload = json.dumps(CLAIMS)[:-1] + ', "sub": "user_2"}'
    assert (await make_verifier().verify(make_token(claims=payload.encode()))).sub == "user_2"


@pytest.mark.parametrize(
    "claim",
    ["\N{GRINNING FACE}", "\N{LATIN SMALL LETTER U WITH DIAERESIS}", "\\u", "a" * 1000],
)
async def test_verify_unicode_claim_verifies(claim):
    claims = await make_verifier().verify(with_claims(name=claim))
    assert claims["name"] == claim
