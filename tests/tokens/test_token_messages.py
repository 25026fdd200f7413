"""What a refusal of an access token says: which part is wrong, and never the part."""

from __future__ import annotations

import pytest
from token_factory import (
    HEADER,
    NOW,
    make_token,
    make_verifier,
    refusal,
    signing_key,
    with_claims,
    with_header,
    without_claim,
)

pytestmark = pytest.mark.anyio

NO_TOKEN = "The access token is not a JSON Web Token of acceptable size"
EXTENSION = "The access token's header asks for an extension (crit, b64)"
LACKS = "The access token lacks one of the claims exp, sub and sid"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("a.b", NO_TOKEN),
        (make_token(header=b"[]"), NO_TOKEN),
        (with_header(alg="none"), "The access token's alg is not RS256"),
        (with_header(crit=[]), EXTENSION),
        (with_header(b64=False), EXTENSION),
        (with_header(kid=""), "The access token's header names no key (kid)"),
        (
            make_token({**HEADER, "kid": "key_0"}),
            "The access token names a key that the key set does not have",
        ),
        (make_token(key=signing_key("attacker")), "The access token's signature does not verify"),
        (make_token(claims=b"[]"), "The access token's payload is not a JSON object"),
        (without_claim("sid"), LACKS),
        (with_claims(role=1), "The access token's role claim is not what it has to be"),
        (with_claims(iss="x"), "The access token's iss claim is not an accepted issuer"),
        (with_claims(client_id="x"), "The access token was issued for another client_id"),
        (with_claims(nbf=NOW + 60), "The access token is not valid yet (nbf)"),
        (with_claims(exp=NOW - 60), "The access token has expired"),
    ],
    ids=["form", "header", "alg", "crit", "b64", "no kid", "other kid", "signature", "payload",
         "lacks", "type", "issuer", "client", "not yet", "expired"],
)  # fmt: skip
async def test_token_that_is_refused_says_why(token: str, message: str):
    assert str(await refusal(token, client_id="client_1")) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leeway": 61}, "leeway must be between 0 and 60 seconds"),
        ({"issuers": "x"}, "issuers must be a sequence of strings, not one string"),
    ],
    ids=["leeway", "issuers"],
)
async def test_setting_that_cannot_be_says_what_it_has_to_be(options, message):
    with pytest.raises(ValueError, match="must be") as caught:
        make_verifier(**options)
    assert str(caught.value) == message
