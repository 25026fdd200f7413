"""Access tokens and the keys that verify them."""

from __future__ import annotations

import time

import pytest
from contract_client import BOB, WorkOS, answer, claims_of, decode_part
from joserfc import jwt
from joserfc.jwk import KeySet
from shapes import CLAIMS, KEY, ORGANIZATION_CLAIMS, faults

SKEW_SECONDS = 60  # the emulators run on this machine; slow it may be


def test_key_set_is_public_and_in_jwk(workos: WorkOS):
    body = answer(workos.get(f"/sso/jwks/{workos.emulator.client_id}"))
    assert set(body) == {"keys"}
    (key,) = body["keys"]
    assert faults(key, KEY) == []
    assert set(key) == set(KEY)  # no part of the private key


def test_key_set_is_the_same_each_time(workos: WorkOS):
    path = f"/sso/jwks/{workos.emulator.client_id}"
    assert workos.get(path).json() == workos.get(path).json()


def test_key_set_says_nothing_of_caches(workos: WorkOS):
    headers = workos.get(f"/sso/jwks/{workos.emulator.client_id}").headers
    assert {"cache-control", "expires", "etag", "age"}.isdisjoint(headers)


def test_access_token_verifies_with_the_key_it_names(workos: WorkOS):
    keys = workos.get(f"/sso/jwks/{workos.emulator.client_id}").json()
    token = workos.sign_in()["access_token"]
    header = decode_part(token.partition(".")[0])
    assert header == {"alg": "RS256", "typ": "JWT", "kid": keys["keys"][0]["kid"]}
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    assert decoded.claims["sub"]


def test_access_token_claims_are_those_of_the_session(workos: WorkOS):
    session = workos.sign_in()
    claims = claims_of(session)
    assert faults(claims, CLAIMS) == []
    assert claims["sub"] == session["user"]["id"]
    assert claims["sid"] in [one["id"] for one in workos.sessions()]
    assert abs(claims["iat"] - time.time()) < SKEW_SECONDS
    assert claims["exp"] > claims["iat"]


def test_access_token_of_each_sign_in_is_of_another_session(workos: WorkOS):
    assert len({claims_of(workos.sign_in())["sid"] for _ in range(3)}) == 3


def test_access_token_outside_of_organizations_names_none(workos: WorkOS):
    session = workos.sign_in(BOB)
    assert session["organization_id"] is None
    assert set(ORGANIZATION_CLAIMS).isdisjoint(claims_of(session))


@pytest.mark.parametrize(
    ("organization", "role", "permissions"),
    [("Acme", "admin", ["data:export"]), ("Globex", "member", [])],
)
def test_access_token_in_an_organization_names_role_and_permissions(
    workos: WorkOS, organization: str, role: str, permissions: list[str]
):
    claims = claims_of(workos.switch(workos.sign_in(), organization))
    assert faults(claims, CLAIMS) == []
    assert faults(claims, ORGANIZATION_CLAIMS) == []
    assert (claims["role"], claims["permissions"]) == (role, permissions)
