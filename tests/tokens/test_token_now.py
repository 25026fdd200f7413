"""Verifying at once, by keys that are at hand: as `verify` does, or not at all."""

from __future__ import annotations

import pytest
from token_factory import (
    NOW,
    KeyServer,
    make_token,
    make_verifier,
    signing_key,
    with_claims,
    with_header,
)

from authkit_asgi.errors import InvalidTokenError

pytestmark = pytest.mark.anyio


async def test_token_whose_key_is_not_at_hand_is_told_nothing_of():
    server = KeyServer()
    verifier = make_verifier(server)
    assert verifier.verify_now(make_token(), NOW) is None
    assert server.asked == []
    await verifier.verify(make_token())
    assert verifier.verify_now(with_header(kid="key_2"), NOW) is None


async def test_token_whose_key_is_at_hand_verifies_as_ever_and_its_key_is_told():
    verifier = make_verifier()
    for token in (make_token(), with_claims(role="admin", roles=["admin"])):
        claims = await verifier.verify(token)
        verified = verifier.verify_now(token, NOW)
        assert verified == (claims, "key_1", verifier.key("key_1"))
        assert verified[2] is not None


@pytest.mark.parametrize(
    "token_of",
    [
        lambda: "garbage",
        lambda: with_claims(exp=NOW - 60),
        lambda: with_claims(sid=7),
        lambda: make_token(key=signing_key("theirs")),
    ],
    ids=["garbage", "expired", "unfit", "forged"],
)
async def test_token_that_does_not_verify_is_refused_as_ever(token_of):
    verifier = make_verifier()
    await verifier.verify(make_token())
    token = token_of()
    with pytest.raises(InvalidTokenError) as later:
        await verifier.verify(token)
    with pytest.raises(InvalidTokenError) as now:
        verifier.verify_now(token, NOW)
    assert type(now.value) is type(later.value)
    assert str(now.value) == str(later.value)


async def test_keys_are_as_old_as_the_time_that_is_given_says():
    verifier = make_verifier(jwks_max_age=300, jwks_max_stale=600)
    token = make_token()
    await verifier.verify(token)
    assert verifier.verify_now(token, NOW + 200) is not None
    assert verifier.verify_now(token, NOW + 901) is None
