"""What a request knows of its user: immutable through and through, and plain data to libraries."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.auth import (
    Claims,
    FrozenDict,
    Impersonator,
    SignedIn,
    SignedOut,
    SignedOutReason,
    User,
    freeze,
    signed_in,
)

CLAIMS: dict[str, Any] = {
    "iss": "https://api.workos.com",
    "sub": "user_1",
    "sid": "session_1",
    "jti": "jti_1",
    "iat": 100,
    "exp": 400,
    "auth_time": 90,
    "org_id": "org_1",
    "role": "admin",
    "roles": ["admin", "auditor"],
    "permissions": ["data:read", "data:export"],
    "entitlements": ["audit-log", "sso"],
    "feature_flags": ["beta", "dark-mode"],
    "https://example.com/plan": {"name": "gold", "seats": [1, 2]},
}
ALL_NONE = {"organization_id": None, "role": None}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def claims(**changes: Any) -> Claims:
    return Claims(freeze({**CLAIMS, **changes}))


def ada(verified: Claims | None = None) -> SignedIn:
    return signed_in(
        verified or claims(),
        access_token="token-marker",
        user=User(id="user_1", email="ada@example.com", metadata=freeze({"k": "v"})),
        impersonator=Impersonator(email="eve@workos.com", reason="support"),
        authentication_method="Password",
    )


def ior(mapping: Any) -> None:
    mapping |= {"sub": "user_2"}


@pytest.mark.parametrize(
    "mutate",
    [
        lambda mapping: mapping.__setitem__("sub", "user_2"),
        lambda mapping: mapping.__setitem__("new", 1),
        lambda mapping: mapping.__delitem__("sub"),
        lambda mapping: mapping.update(sub="user_2"),
        lambda mapping: mapping.update({"sub": "user_2"}),
        lambda mapping: mapping.setdefault("new", 1),
        lambda mapping: mapping.setdefault("sub"),
        lambda mapping: mapping.pop("sub"),
        lambda mapping: mapping.pop("absent", None),
        lambda mapping: mapping.popitem(),
        lambda mapping: mapping.clear(),
        ior,
    ],
)
@pytest.mark.parametrize("kind", [Claims, FrozenDict])
def test_mapping_refuses_every_mutation(kind, mutate):
    mapping = kind(freeze(CLAIMS))
    with pytest.raises(TypeError, match=f"{kind.__name__} is immutable"):
        mutate(mapping)
    assert mapping == freeze(CLAIMS)


def test_mapping_has_no_mutator_that_dict_may_have_gained():
    harmless = {
        "__class_getitem__", "__contains__", "__eq__", "__ge__", "__getattribute__",
        "__getitem__", "__gt__", "__init__", "__iter__", "__le__", "__len__", "__lt__", "__ne__",
        "__new__", "__or__", "__repr__", "__reversed__", "__ror__", "__sizeof__", "copy",
        "fromkeys", "get", "items", "keys", "values", "__doc__",
    }  # fmt: skip
    untouched = {name for name in vars(dict) if getattr(FrozenDict, name) is getattr(dict, name)}
    assert untouched - harmless == {"__dir__"} & untouched


def test_mapping_takes_no_attributes():
    with pytest.raises(AttributeError):
        claims().sub = "user_2"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        claims().other = "value"  # type: ignore[attr-defined]


@given(json_values)
def test_frozen_json_serialises_and_compares_like_the_original(value):
    frozen = freeze({"value": value})
    assert json.dumps(frozen) == json.dumps({"value": value})
    assert copy.copy(frozen) is frozen
    assert copy.deepcopy(frozen) is frozen
    assert hash(frozen) == hash(freeze({"value": value}))
    thawed = pickle.loads(pickle.dumps(frozen))  # noqa: S301
    assert thawed == frozen
    assert type(thawed) is FrozenDict


@given(json_values)
def test_frozen_json_is_deeply_immutable(value):
    def check(item: Any) -> None:
        assert not isinstance(item, (list, set))
        if isinstance(item, dict):
            assert type(item) is FrozenDict
            for inner in item.values():
                check(inner)
        if isinstance(item, tuple):
            for inner in item:
                check(inner)

    check(freeze(value))


def test_freeze_reaches_into_other_kinds_of_objects_and_arrays():
    class Names(list[str]):
        """As a library may give back an answer's arrays."""

    frozen = freeze({"a": OrderedDict(b=Names("c")), "d": ["e", Names("f")]})
    assert frozen == {"a": {"b": ("c",)}, "d": ("e", ("f",))}
    assert type(frozen["a"]) is FrozenDict


def test_changing_the_source_does_not_change_the_claims():
    source = {**CLAIMS, "roles": ["admin"]}
    verified = Claims(freeze(source))
    source["roles"].append("owner")
    source["sub"] = "user_2"
    assert verified["roles"] == ("admin",)
    assert verified.sub == "user_1"


def test_claims_have_typed_names_and_keep_what_is_foreign():
    verified = claims()
    names = ("sub", "sid", "exp", "iat", "auth_time", "iss", "jti", "org_id")
    assert {name: getattr(verified, name) for name in names} == {
        name: CLAIMS[name] for name in names
    }
    assert verified["https://example.com/plan"] == {"name": "gold", "seats": (1, 2)}


def test_claims_that_are_absent_read_as_none():
    verified = Claims({"sub": "user_1", "sid": "session_1", "exp": 1})
    names = ("iat", "auth_time", "iss", "jti", "org_id")
    assert [getattr(verified, name) for name in names] == [None] * 5


def test_claims_stay_claims_through_copy_and_pickle():
    verified = claims()
    assert copy.deepcopy(verified) is verified
    assert type(pickle.loads(pickle.dumps(verified))) is Claims  # noqa: S301
    assert type(dataclasses.asdict(ada())["claims"]) is Claims


def test_signed_in_takes_everything_from_the_claims():
    auth = ada()
    assert auth.session_id == "session_1"
    assert auth.organization_id == "org_1"
    assert auth.role == "admin"
    assert auth.roles == ("admin", "auditor")
    assert auth.permissions == ("data:read", "data:export")
    assert auth.entitlements == ("audit-log", "sso")
    assert auth.feature_flags == ("beta", "dark-mode")
    assert auth.expires_at == 400
    assert auth.authentication_method == "Password"
    assert auth.impersonator == Impersonator(email="eve@workos.com", reason="support")


def test_signed_in_of_few_claims_has_nothing_it_was_not_given():
    auth = ada(Claims({"sub": "user_1", "sid": "session_1", "exp": 1}))
    assert (auth.organization_id, auth.role) == (None, None)
    assert auth.roles == auth.permissions == auth.entitlements == auth.feature_flags == ()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(SignedIn)])
def test_signed_in_fields_cannot_be_set(field):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(ada(), field, None)


@pytest.mark.parametrize(
    "value", [ada().user, Impersonator(email="e@x"), SignedOut(reason=SignedOutReason.INVALID_JWT)]
)
def test_data_is_frozen_and_has_no_dict(value):
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, "other")
    assert not hasattr(value, "__dict__")


def test_signed_in_shows_no_token_and_no_claim():
    text = repr(ada()) + str(ada())
    assert "token-marker" not in text
    assert "jti_1" not in text
    assert "gold" not in text


@pytest.mark.parametrize(
    "value", [ada(), ada().user, ada().impersonator], ids=["auth", "user", "i"]
)
def test_data_is_hashable_copyable_and_picklable(value):
    same = pickle.loads(pickle.dumps(value))  # noqa: S301
    assert same == value
    assert hash(same) == hash(value)
    assert copy.deepcopy(value) == value
    json.dumps(dataclasses.asdict(value))


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda auth: auth.has_role("admin"), True),
        (lambda auth: auth.has_role("auditor"), True),
        (lambda auth: auth.has_role("owner"), False),
        (lambda auth: auth.has_role("owner", "auditor"), True),
        (lambda auth: auth.has_role("adm"), False),
        (lambda auth: auth.has_role(), False),
        (lambda auth: auth.has_permission("data:read"), True),
        (lambda auth: auth.has_permission("data:read", "data:export"), True),
        (lambda auth: auth.has_permission("data:read", "data:delete"), False),
        (lambda auth: auth.has_permission("data"), False),
        (lambda auth: auth.has_permission(), True),
        (lambda auth: auth.has_entitlement("audit-log"), True),
        (lambda auth: auth.has_entitlement("audit-log", "sso"), True),
        (lambda auth: auth.has_entitlement("audit-log", "other"), False),
        (lambda auth: auth.has_feature_flag("beta"), True),
        (lambda auth: auth.has_feature_flag("beta", "dark-mode"), True),
        (lambda auth: auth.has_feature_flag("beta", "other"), False),
    ],
)
def test_questions_any_role_but_all_of_the_others(ask, expected):
    assert ask(ada()) is expected


def test_role_counts_without_the_list_of_roles():
    assert ada(claims(roles=[], role="admin")).has_role("admin")
    assert not ada(Claims({"sub": "u", "sid": "s", "exp": 1})).has_role("admin")


def test_no_claim_grants_nothing():
    auth = ada(Claims({"sub": "u", "sid": "s", "exp": 1}))
    assert not auth.has_permission("data:read")
    assert not auth.has_entitlement("sso")
    assert not auth.has_feature_flag("beta")


def test_signed_out_has_no_user_and_takes_none():
    auth = SignedOut(reason=SignedOutReason.TEMPORARILY_UNAVAILABLE, retry_after=3)
    assert auth.user is None
    assert (auth.reason, auth.retry_after) == ("temporarily_unavailable", 3)
    with pytest.raises(TypeError):
        SignedOut(reason=SignedOutReason.INVALID_JWT, user=ada().user)  # type: ignore[call-arg]


def test_reasons_are_their_own_words():
    assert all(reason.value == reason.name.lower() for reason in SignedOutReason)
    assert json.dumps(SignedOutReason.SSO_REQUIRED) == '"sso_required"'
