"""What an `AccessToken` says, and that nothing changes it."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from authkit_asgi import AccessToken, Claims, Impersonator, SignedIn
from authkit_asgi.auth import FrozenDict

CLAIMS = Claims(
    sub="user_ada",
    sid="session_1",
    exp=1_800_000_300,
    auth_time=1_800_000_000,
    org_id="org_acme",
    client_id="client_a",
    role="admin",
    roles=("admin", "auditor"),
    permissions=("data:export", "data:read"),
    entitlements=("audit-log",),
    feature_flags=("beta",),
    act=FrozenDict(sub="help@example.com"),
)
TOKEN = AccessToken(token="eyJhbGciOi.secret.part", claims=CLAIMS)


def test_token_says_what_its_claims_say() -> None:
    assert (TOKEN.user_id, TOKEN.session_id, TOKEN.expires_at) == (
        "user_ada",
        "session_1",
        1_800_000_300,
    )
    assert (TOKEN.organization_id, TOKEN.client_id, TOKEN.role) == ("org_acme", "client_a", "admin")
    assert TOKEN.roles == ("admin", "auditor")
    assert TOKEN.permissions == ("data:export", "data:read")
    assert (TOKEN.entitlements, TOKEN.feature_flags) == (("audit-log",), ("beta",))
    assert TOKEN.impersonator == Impersonator(email="help@example.com")


def test_token_without_an_organization_grants_nothing() -> None:
    bare = AccessToken(token="t", claims=Claims(sub="user_a", sid="session_a", exp=1))
    assert (bare.organization_id, bare.client_id, bare.role) == (None, None, None)
    assert bare.roles == bare.permissions == bare.entitlements == bare.feature_flags == ()
    assert bare.impersonator is None
    assert not bare.has_role("admin")
    assert not bare.has_permission("data:export")


@pytest.mark.parametrize("actor", [{}, {"sub": 7}, {"sub": None}])
def test_actor_without_a_name_is_no_impersonator(actor: dict[str, object]) -> None:
    claims = Claims(sub="user_a", sid="session_a", exp=1, act=actor)
    assert AccessToken(token="t", claims=claims).impersonator is None


def test_questions_are_answered_as_those_of_a_session_are() -> None:
    assert TOKEN.has_role("owner", "auditor")
    assert not TOKEN.has_role("owner")
    assert TOKEN.has_permission("data:export", "data:read")
    assert not TOKEN.has_permission("data:export", "data:burn")
    assert TOKEN.has_entitlement("audit-log")
    assert not TOKEN.has_entitlement("audit-log", "sso")
    assert TOKEN.has_feature_flag("beta")
    assert not TOKEN.has_feature_flag("gamma")
    assert AccessToken.has_role is SignedIn.has_role


def test_token_is_frozen_and_equal_to_its_copies() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOKEN.token = "another"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        TOKEN.user_id = "user_eve"  # type: ignore[misc]
    for copied in (copy.deepcopy(TOKEN), pickle.loads(pickle.dumps(TOKEN))):  # noqa: S301  # ours
        assert copied == TOKEN
        assert hash(copied) == hash(TOKEN)


def test_token_hides_itself_when_shown() -> None:
    assert repr(TOKEN) == (
        "AccessToken(user_id='user_ada', session_id='session_1', organization_id='org_acme', "
        "expires_at=1800000300)"
    )
    assert "secret" not in str(TOKEN)
