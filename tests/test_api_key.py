"""What WorkOS's answer to the validation of an API key is read as."""

from __future__ import annotations

from typing import Any

import pytest

from authkit_asgi import APIKey, WorkOSUnavailableError
from authkit_asgi.api_key import api_key_of

ANSWER: dict[str, Any] = {
    "object": "api_key",
    "id": "api_key_1",
    "owner": {"type": "organization", "id": "org_acme"},
    "name": "Production",
    "obfuscated_value": "sk_…3456",
    "permissions": ["data:read", "data:write"],
    "last_used_at": None,
    "expires_at": "2027-01-15T08:00:00.000Z",
    "created_at": "2026-01-15T08:00:00.000Z",
    "updated_at": "2026-01-15T08:00:00.000Z",
}


def test_key_of_an_organization_is_described() -> None:
    key = api_key_of({"api_key": ANSWER, "agent_registration_id": None})
    assert key == APIKey(
        id="api_key_1",
        name="Production",
        organization_id="org_acme",
        permissions=("data:read", "data:write"),
        obfuscated_value="sk_…3456",
        created_at="2026-01-15T08:00:00.000Z",
        updated_at="2026-01-15T08:00:00.000Z",
        expires_at="2027-01-15T08:00:00.000Z",
    )
    assert key.has_permission("data:read", "data:write")
    assert not key.has_permission("data:read", "data:burn")


def test_key_of_a_user_names_both() -> None:
    owner = {"type": "user", "id": "user_ada", "organization_id": "org_acme"}
    key = api_key_of({"api_key": {**ANSWER, "owner": owner}})
    assert key is not None
    assert (key.user_id, key.organization_id) == ("user_ada", "org_acme")


def test_key_without_what_is_optional_is_described() -> None:
    names = ("id", "owner", "name", "permissions")
    key = api_key_of({"api_key": {name: ANSWER[name] for name in names}})
    assert key is not None
    assert (key.obfuscated_value, key.expires_at, key.user_id) == (None, None, None)


def test_no_key_is_not_valid() -> None:
    assert api_key_of({"api_key": None}) is None


BROKEN: list[Any] = [
    None,
    [],
    "api_key",
    {},
    {"api_key": []},
    {"api_key": True},
    {"api_key": {}},
    {"api_key": {**ANSWER, "id": 7}},
    {"api_key": {**ANSWER, "name": None}},
    {"api_key": {**ANSWER, "owner": None}},
    {"api_key": {**ANSWER, "owner": {"type": "team", "id": "team_1"}}},
    {"api_key": {**ANSWER, "owner": {"type": [], "id": "team_1"}}},
    {"api_key": {**ANSWER, "owner": {"type": "organization"}}},
    {"api_key": {**ANSWER, "owner": {"type": "user", "id": 7, "organization_id": "org_acme"}}},
    {"api_key": {**ANSWER, "permissions": "data:read"}},
    {"api_key": {**ANSWER, "permissions": ["data:read", None]}},
    {"api_key": {**ANSWER, "permissions": None}},
    {"api_key": {**ANSWER, "expires_at": 7}},
]


@pytest.mark.parametrize("answer", BROKEN)
def test_answer_that_is_none_says_nothing_of_the_key(answer: Any) -> None:
    with pytest.raises(WorkOSUnavailableError) as caught:
        api_key_of(answer)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
