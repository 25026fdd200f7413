"""The times of an access token: exp, nbf, iat, the leeway, and what counts as expired."""

from __future__ import annotations

import httpx
import pytest
from token_factory import (
    CLAIMS,
    HEADER,
    NOW,
    KeyServer,
    make_token,
    make_verifier,
    refusal,
    signing_key,
    with_claims,
)

from authkit_asgi.errors import (
    ExpiredTokenError,
    InvalidTokenError,
    UnacceptableClaimsError,
    UnknownKeyError,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("leeway", [0, 10, 60])
async def test_verify_exp_is_over_after_the_leeway(leeway):
    verifier = make_verifier(leeway=leeway)
    await verifier.verify(with_claims(exp=NOW - leeway + 1))
    await verifier.verify(with_claims(exp=NOW - leeway + 0.5))
    for exp in (NOW - leeway, NOW - leeway - 1, 0):
        with pytest.raises(ExpiredTokenError):
            await verifier.verify(with_claims(exp=exp))


@pytest.mark.parametrize("leeway", [0, 10, 60])
async def test_verify_nbf_begins_the_leeway_earlier(leeway):
    verifier = make_verifier(leeway=leeway)
    await verifier.verify(with_claims(nbf=NOW + leeway))
    with pytest.raises(UnacceptableClaimsError):
        await verifier.verify(with_claims(nbf=NOW + leeway + 0.5))


async def test_verify_leeway_is_ten_seconds_unless_given():
    await make_verifier().verify(with_claims(exp=NOW - 9))
    await refusal(with_claims(exp=NOW - 10))


async def test_verify_iat_in_the_future_verifies():
    await make_verifier(leeway=0).verify(with_claims(iat=NOW + 30))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"iss": "https://evil.example"},
        {"client_id": "client_2"},
        {"nbf": NOW + 100},
        {"sid": ""},
        {"roles": "admin"},
        {"sub_type": "agent"},
    ],
    ids=repr,
)
async def test_verify_expired_token_with_another_fault_is_not_called_expired(spoiled):
    token = with_claims(exp=NOW - 100, **spoiled)
    assert type(await refusal(token, client_id="client_1")) is UnacceptableClaimsError


async def test_verify_expired_token_with_a_foreign_signature_is_not_called_expired():
    token = make_token(claims={**CLAIMS, "exp": NOW - 100}, key=signing_key("attacker"))
    assert type(await refusal(token)) is InvalidTokenError


async def test_verify_expired_token_of_a_withdrawn_key_is_not_called_expired():
    token = make_token({**HEADER, "kid": "key_0"}, {**CLAIMS, "exp": NOW - 100})
    assert type(await refusal(token)) is UnknownKeyError


async def test_token_that_expires_while_its_key_is_fetched_has_expired():
    class SlowServer(KeyServer):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            nonlocal now
            now += 300
            return super().__call__(request)

    now = NOW
    verifier = make_verifier(SlowServer(), clock=lambda: now, leeway=0)
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(with_claims(exp=NOW + 300))
    await verifier.verify(with_claims(exp=NOW + 301))
