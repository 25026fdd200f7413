"""The limits of access tokens to the character, the second and the level."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from token_factory import (
    CLAIMS,
    HEADER,
    JWKS_URL,
    NOW,
    KeyServer,
    make_token,
    make_verifier,
    refusal,
    with_claims,
    without_claim,
)

from authkit_asgi import tokens as tokens_module
from authkit_asgi.errors import ExpiredTokenError, KeysUnavailableError

pytestmark = pytest.mark.anyio

LAST_SECOND = 253_402_300_799  # of the year 9999


def token_of(length: int) -> str:
    """Make a token of exactly this length: its header takes what the payload cannot."""
    for number in range(4):
        header = {**HEADER, "x": "x" * number}
        filler = "x" * ((length - len(make_token(header, {**CLAIMS, "x": ""}))) * 3 // 4 - 3)
        while len(token := make_token(header, {**CLAIMS, "x": filler})) < length:
            filler += "x"
        if len(token) == length:
            return token
    raise AssertionError("no token has this length")


async def test_token_of_16384_characters_is_read_and_one_of_16385_is_not():
    claims = await make_verifier().verify(token_of(16_384))
    assert claims.sub == CLAIMS["sub"]
    server = KeyServer()
    await refusal(token_of(16_385), server=server)
    assert server.asked == []


@pytest.mark.parametrize("name", ["exp", "iat", "auth_time"])
async def test_date_may_be_the_last_second_that_datetime_knows(name):
    claims = await make_verifier().verify(with_claims(**{name: LAST_SECOND}))
    assert claims[name] == LAST_SECOND


@pytest.mark.parametrize("exp", [0, 0.5])
async def test_exp_at_the_epoch_is_a_date_that_is_over(exp):
    assert type(await refusal(with_claims(exp=exp))) is ExpiredTokenError


async def test_token_without_nbf_is_valid_from_the_epoch_on():
    claims = await make_verifier(clock=lambda: 0.0, leeway=0).verify(without_claim("iat"))
    assert "nbf" not in claims


async def test_token_with_the_required_claims_alone_verifies():
    required = {name: CLAIMS[name] for name in ("exp", "sub", "sid")}
    claims = await make_verifier(issuers=()).verify(make_token(claims=required))
    assert claims == required


@pytest.mark.parametrize("kind", [lambda inner: [inner], lambda inner: {"x": inner}])
async def test_claims_may_nest_32_levels_and_no_more(kind):
    deepest: Any = functools.reduce(lambda inner, _: kind(inner), range(30), kind(1))
    claims = await make_verifier().verify(with_claims(x=deepest))
    assert "x" in claims
    await refusal(with_claims(x=kind(deepest)))


async def test_header_that_verified_is_remembered_with_its_key_and_not_read_again(monkeypatch):
    verifier = make_verifier()
    token = make_token()
    await verifier.verify(token)
    assert verifier._known_headers == {token.partition(".")[0].encode(): HEADER["kid"]}
    monkeypatch.setattr(tokens_module, "_read_kid", None)
    assert (await verifier.verify(token)).sub == CLAIMS["sub"]


async def test_header_that_did_not_verify_is_not_remembered():
    verifier = make_verifier()
    with pytest.raises(Exception, match="signature"):
        await verifier.verify(make_token()[:-8] + "AAAAAAAA")
    assert verifier._known_headers == {}


class TurningClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


async def test_keys_are_renewed_when_they_are_300_seconds_old_unless_told_otherwise():
    server, clock = KeyServer(), TurningClock()
    verifier = make_verifier(server, clock=clock)
    token = with_claims(exp=NOW + 1000)
    await verifier.verify(token)
    clock.now = NOW + 299.5
    await verifier.verify(token)
    assert verifier._keys._running() is None
    clock.now = NOW + 300
    await verifier.verify(token)
    flight = verifier._keys._running()
    assert flight is not None
    assert await flight
    assert server.asked == [JWKS_URL] * 2


async def test_keys_are_used_for_a_day_while_they_cannot_be_renewed_unless_told_otherwise():
    server, clock = KeyServer(), TurningClock()
    verifier = make_verifier(server, clock=clock)
    token = with_claims(exp=NOW + 100_000)
    await verifier.verify(token)
    server.status = 503
    clock.now = NOW + 86_399.5
    await verifier.verify(token)
    clock.now = NOW + 86_400
    with pytest.raises(KeysUnavailableError):
        await verifier.verify(token)
