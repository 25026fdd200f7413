"""Passwords that were in use before, beside the one that seals: in code, in the environment."""

from __future__ import annotations

import dataclasses

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, settings
from test_environment import ENVIRON

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.seal import seal, unseal
from authkit_asgi.seal_passwords import newest_first

THIRD, FOURTH = (f"a {word} cookie password, 32 characters or more" for word in ("third", "fourth"))
MARKER = "secret-marker"


def config_of(password: object, *previous: str) -> AuthKitConfig:
    return AuthKitConfig(**settings(cookie_password=password, cookie_password_previous=previous))


@pytest.mark.parametrize(
    ("password", "password_id"),
    [
        (PASSWORD, "1"),
        ([PASSWORD, OTHER_PASSWORD], "1"),
        ((PASSWORD,), "1"),
        ({"1": OTHER_PASSWORD, "2": PASSWORD}, "2"),
        ({"0": PASSWORD}, "0"),
        ({"00": PASSWORD, "000": OTHER_PASSWORD}, "00"),
        ({"old": OTHER_PASSWORD, "new": PASSWORD}, "new"),
        ({"previous_2": OTHER_PASSWORD, "previous_1": PASSWORD}, "previous_1"),
    ],
)
def test_previous_passwords_open_and_do_not_seal(password, password_id):
    config = config_of(password, THIRD, FOURTH)
    together = config.cookie_password
    sealed = seal({}, together)
    assert sealed.split("*")[1] == password_id
    assert unseal(sealed, PASSWORD) == {}
    assert next(iter(newest_first(together).values())) == PASSWORD.encode()
    for older in (THIRD, FOURTH):
        assert unseal(seal({}, older), together) == {}
    derived = derived_passwords(together, "a purpose")
    assert derived[0] == derived_passwords(PASSWORD, "a purpose")[0]
    assert {*derived_passwords([THIRD, FOURTH], "a purpose")} <= {*derived}


@pytest.mark.parametrize("password", [PASSWORD, [PASSWORD], {"7": PASSWORD}])
def test_without_previous_passwords_the_setting_stays_as_it_is(password):
    assert config_of(password).cookie_password == password


def test_password_that_is_named_twice_counts_once():
    config = config_of([PASSWORD, OTHER_PASSWORD], OTHER_PASSWORD, THIRD, THIRD, PASSWORD)
    assert config.cookie_password == (PASSWORD, OTHER_PASSWORD, THIRD)
    again = dataclasses.replace(config, jwt_leeway=5)
    assert again.cookie_password == config.cookie_password


def test_single_text_in_code_is_one_password():
    text = f"{THIRD},{FOURTH}"
    config = AuthKitConfig(**settings(cookie_password_previous=text))
    assert config.cookie_password == (PASSWORD, text)


def test_variable_is_split_at_commas():
    environ = {**ENVIRON, "WORKOS_COOKIE_PASSWORD_PREVIOUS": f" {'x' * 32} ,, {'y' * 32},"}
    config = AuthKitConfig.from_env(environ)
    assert config.cookie_password == (PASSWORD, "x" * 32, "y" * 32)


def test_environment_and_code_go_together():
    """Older passwords of the one stand beside the newest of the other; neither adds unasked."""
    only = {name: value for name, value in ENVIRON.items() if name != "WORKOS_COOKIE_PASSWORD"}
    previous = {"WORKOS_COOKIE_PASSWORD_PREVIOUS": "x" * 32}
    in_code = [OTHER_PASSWORD, THIRD]
    from_env = AuthKitConfig.from_env
    assert from_env(ENVIRON, cookie_password=in_code).cookie_password == PASSWORD
    assert from_env(ENVIRON, cookie_password_previous=in_code).cookie_password == (
        PASSWORD, *in_code,
    )  # fmt: skip
    assert from_env({**only, **previous}, cookie_password=in_code).cookie_password == (
        *in_code, "x" * 32,
    )  # fmt: skip
    assert from_env({**ENVIRON, **previous}, cookie_password_previous=in_code).cookie_password == (
        PASSWORD, "x" * 32,
    )  # fmt: skip
    with_ids = from_env({**only, **previous}, cookie_password={"1": THIRD, "2": PASSWORD})
    assert seal({}, with_ids.cookie_password).startswith("Fe26.2*2*")
    assert unseal(seal({}, "x" * 32), with_ids.cookie_password) == {}


@pytest.mark.parametrize(
    ("previous", "words"),
    [
        (["x" * 31], "holds one shorter than any cookie password; the variable is split at commas"),
        ([""], "holds one shorter"),
        ([PASSWORD, MARKER], "holds one shorter"),
        (["x" * 32 + "\udcff"], "is not valid Unicode text"),
        ([PASSWORD] * 10, "makes more than 10 passwords together: drop the oldest"),
    ],
)
def test_fault_is_named_without_a_value(previous, words):
    with pytest.raises(ConfigurationError) as caught:
        config_of(PASSWORD, *previous)
    (problem,) = caught.value.problems
    name = "WORKOS_COOKIE_PASSWORD_PREVIOUS (cookie_password_previous)"
    assert problem.startswith(f"{name} {words}")
    assert MARKER not in str(caught.value)


def test_password_with_a_comma_is_a_fault_that_says_so():
    environ = {**ENVIRON, "WORKOS_COOKIE_PASSWORD_PREVIOUS": f"{MARKER},{MARKER * 3}"}
    with pytest.raises(ConfigurationError, match="split at commas") as caught:
        AuthKitConfig.from_env(environ)
    assert MARKER not in str(caught.value)


def test_too_many_passwords_are_told_of_once():
    with pytest.raises(ConfigurationError) as caught:
        config_of([PASSWORD] * 11, THIRD)
    assert len(caught.value.problems) == 1
    assert len(config_of([PASSWORD] * 9, THIRD).cookie_password) == 10


def test_repr_shows_no_password():
    assert MARKER not in repr(config_of(PASSWORD, MARKER * 3))
