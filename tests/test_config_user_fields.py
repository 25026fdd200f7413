"""The setting that chooses the user's fields: what it takes, and what is a fault."""

from __future__ import annotations

import pytest
from emulated import settings
from smaller_sessions import ALL

from authkit_asgi import AuthKitConfig, ConfigurationError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ((), ()),
        (["first_name"], ("first_name",)),
        (("id", "external_id", "email"), ("id", "external_id", "email")),
        ("metadata", ("metadata",)),
        (sorted(ALL), tuple(sorted(ALL))),
    ],
)
def test_fields_of_a_user_are_taken(given, kept):
    assert AuthKitConfig(**settings(session_user_fields=given)).session_user_fields == kept


@pytest.mark.parametrize(
    "given", [["first_name", "marker"], "marker", ["firstName"], ["object"], ["not_loaded"], [""]]
)
def test_what_is_no_field_of_a_user_is_a_fault_that_names_those_there_are(given):
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig(**settings(session_user_fields=given))
    (problem,) = caught.value.problems
    assert problem.startswith("WORKOS_SESSION_USER_FIELDS (session_user_fields) names something")
    assert all(name in problem for name in ("id", "email", *ALL))
    assert "marker" not in problem


@pytest.mark.parametrize("given", [7, True, [7], ["first_name", None], [b"first_name"]])
def test_fields_of_another_type_are_a_fault(given):
    with pytest.raises(ConfigurationError, match="session_user_fields has") as caught:
        AuthKitConfig(**settings(session_user_fields=given))
    assert len(caught.value.problems) == 1
