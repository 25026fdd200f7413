"""The claims of an access token: which have to be there, and in what form."""

from __future__ import annotations

import pytest
from token_factory import ISSUER, make_token, make_verifier, refusal, with_claims, without_claim

from authkit_asgi.errors import UnacceptableClaimsError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["exp", "sub", "sid", "iss"])
async def test_verify_token_without_a_required_claim_is_refused(name):
    assert type(await refusal(without_claim(name))) is UnacceptableClaimsError


@pytest.mark.parametrize("name", ["sub", "sid"])
@pytest.mark.parametrize("value", ["", 1, None, True, ["user_1"], {"a": 1}], ids=repr)
async def test_verify_subject_and_session_of_the_wrong_type_are_refused(name, value):
    await refusal(with_claims(**{name: value}))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize(
    "value",
    [True, False, None, "1800000300", "", [], {}, -1, 253_402_300_800, 1e300, 10**400],
    ids=lambda value: repr(value)[:12],
)
async def test_verify_date_of_the_wrong_type_or_size_is_refused(name, value):
    assert type(await refusal(with_claims(**{name: value}))) is UnacceptableClaimsError


@pytest.mark.parametrize("name", ["iss", "jti", "org_id", "role"])
@pytest.mark.parametrize("value", [1, None, True, ["x"], {"x": 1}], ids=repr)
async def test_verify_text_claim_of_the_wrong_type_is_refused(name, value):
    await refusal(with_claims(**{name: value}), issuers=())


@pytest.mark.parametrize("kind", [int, float])
async def test_verify_dates_from_the_first_to_the_last_are_whole_seconds(kind):
    claims = await make_verifier().verify(with_claims(iat=kind(0), exp=kind(253_402_300_799)))
    assert (claims.iat, claims.exp) == (0, 253_402_300_799)
    assert type(claims.iat) is type(claims.exp) is int


async def test_verify_text_claims_may_be_empty():
    texts = dict.fromkeys(("iss", "jti", "org_id", "role"), "")
    assert (await make_verifier(issuers=()).verify(with_claims(**texts))).items() >= texts.items()


@pytest.mark.parametrize("name", ["roles", "permissions", "entitlements", "feature_flags"])
@pytest.mark.parametrize("value", ["admin", 1, None, {"admin": 1}, [1], ["a", None], [["a"]]])
async def test_verify_list_claim_of_the_wrong_type_is_refused(name, value):
    await refusal(with_claims(**{name: value}))


@pytest.mark.parametrize("value", ["staff_1", 1, None, ["staff_1"], True])
async def test_verify_act_that_is_no_object_is_refused(value):
    await refusal(with_claims(act=value))


@pytest.mark.parametrize(
    "members",
    [
        {"sub_profile": "agent"},
        {"sub_profile": ""},
        {"sub_profile": ["user"]},
        {"sub_type": "agent"},
        {"sub_type": ""},
        {"sub_type": "user"},
    ],
    ids=repr,
)
async def test_verify_other_kind_of_token_signed_by_the_same_key_is_refused(members):
    await refusal(with_claims(**members))


@pytest.mark.parametrize(
    "members", [{"sub_profile": "user"}, {"sub_profile": None}, {"sub_type": None}]
)
async def test_verify_user_profile_verifies(members):
    await make_verifier().verify(with_claims(**members))


@pytest.mark.parametrize(
    "issuer",
    [
        ISSUER + "/",
        ISSUER.upper(),
        ISSUER[:-1],
        "",
        "https://evil.example",
        None,
        [ISSUER],
        {ISSUER: 1},
    ],
)
async def test_verify_issuer_that_is_not_exactly_configured_is_refused(issuer):
    await refusal(with_claims(iss=issuer))


async def test_verify_any_of_the_configured_issuers_verifies():
    both = make_verifier(issuers=(ISSUER, "https://auth.example.com"))
    await both.verify(make_token())
    await both.verify(with_claims(iss="https://auth.example.com"))


async def test_verify_without_configured_issuer_any_or_none_verifies():
    verifier = make_verifier(issuers=())
    await verifier.verify(with_claims(iss="https://auth.example.com"))
    await verifier.verify(without_claim("iss"))


@pytest.mark.parametrize("value", ["client_2", "", "CLIENT_1", None, 1, ["client_1"]])
async def test_verify_token_of_another_client_is_refused(value):
    await refusal(with_claims(client_id=value), client_id="client_1")


async def test_verify_client_id_is_looked_at_only_if_both_have_one():
    await make_verifier(client_id="client_1").verify(with_claims(client_id="client_1"))
    await make_verifier(client_id="client_1").verify(make_token())
    await make_verifier().verify(with_claims(client_id="client_2"))
