"""The verifier of access tokens: its keys, its settings, its clock, its end."""

from __future__ import annotations

import asyncio
import math
import time

import httpx
import pytest
from token_factory import (
    ISSUER,
    JWKS_URL,
    KeyServer,
    make_token,
    make_verifier,
    with_claims,
    with_header,
)

from authkit_asgi.errors import ExpiredTokenError, InvalidTokenError, KeysUnavailableError
from authkit_asgi.tokens import AccessTokenVerifier

pytestmark = pytest.mark.anyio


async def test_verify_keys_out_of_reach_says_nothing_against_the_token():
    server = KeyServer()
    server.status = 503
    with pytest.raises(KeysUnavailableError) as caught:
        await make_verifier(server).verify(make_token())
    assert caught.value.retry_after >= 1
    assert caught.value.__context__ is None


async def test_verify_asks_the_configured_address_only():
    server = KeyServer()
    verifier = make_verifier(server)
    await verifier.verify(with_claims(iss=ISSUER, jku="https://evil.example"))
    with pytest.raises(InvalidTokenError):
        await verifier.verify(with_header(kid="https://evil.example/keys"))
    assert server.asked == [JWKS_URL, JWKS_URL]


async def test_verify_two_at_once_share_nothing():
    verifier = make_verifier()
    one, two = await asyncio.gather(
        verifier.verify(with_claims(sub="user_1")), verifier.verify(with_claims(sub="user_2"))
    )
    assert (one.sub, two.sub) == ("user_1", "user_2")


@pytest.mark.parametrize(
    "options",
    [
        {"leeway": -1},
        {"leeway": 61},
        {"leeway": math.nan},
        {"jwks_max_age": 0},
        {"jwks_max_age": math.nan},
        {"jwks_max_stale": -1},
        {"issuers": ISSUER},
    ],
    ids=repr,
)
async def test_verifier_with_an_impossible_setting_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_verifier(**options)


async def test_verifier_closes_twice_without_complaint():
    verifier = make_verifier()
    await verifier.verify(make_token())
    await verifier.aclose()
    await verifier.aclose()


async def test_verifier_uses_the_time_of_day_unless_given_a_clock():
    client = httpx.AsyncClient(transport=httpx.MockTransport(KeyServer()))
    verifier = AccessTokenVerifier(JWKS_URL, http_client=client)
    await verifier.verify(with_claims(exp=time.time() + 60))
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(with_claims(exp=time.time() - 60))
