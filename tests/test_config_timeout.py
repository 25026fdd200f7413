"""The settings of the two cookies beside the session's."""

from __future__ import annotations

import pytest
from emulated import settings

from authkit_asgi import AuthKitConfig, ConfigurationError


@pytest.mark.parametrize("seconds", [10, 10.5, 1800, 10**9])
def test_inactivity_timeout_is_a_number_of_seconds(seconds):
    assert AuthKitConfig(**settings(inactivity_timeout=seconds)).inactivity_timeout == seconds


def test_neither_is_on_by_itself():
    config = AuthKitConfig(**settings())
    assert (config.inactivity_timeout, config.eager_auth) == (None, False)


@pytest.mark.parametrize("seconds", [0, 0.0, 9.9, -1, float("inf"), float("-inf"), float("nan")])
def test_inactivity_timeout_out_of_bounds_is_a_fault(seconds):
    with pytest.raises(ConfigurationError) as raised:
        AuthKitConfig(**settings(inactivity_timeout=seconds))
    problem = "inactivity_timeout is not a number of seconds, 10 or more"
    assert raised.value.problems == (problem,)


@pytest.mark.parametrize(
    "changes", [{"inactivity_timeout": "600"}, {"inactivity_timeout": True}, {"eager_auth": 1}]
)
def test_wrong_type_is_a_fault(changes):
    with pytest.raises(ConfigurationError) as raised:
        AuthKitConfig(**settings(**changes))
    (problem,) = raised.value.problems
    assert problem.startswith(f"{next(iter(changes))} has the wrong type")


def test_session_cookie_cannot_have_the_access_tokens_name():
    with pytest.raises(ConfigurationError) as raised:
        AuthKitConfig(**settings(cookie_name="workos-access-token"))
    (problem,) = raised.value.problems
    assert problem.startswith("WORKOS_COOKIE_NAME (cookie_name) is the name of the cookie that")
