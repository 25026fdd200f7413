"""Settings of any kind: they work, or every fault is told, and no value with it."""

from __future__ import annotations

import contextlib

import pytest
from emulated import ORIGIN, PASSWORD, settings
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi import AuthKit, AuthKitConfig, ConfigurationError
from authkit_asgi.environment import read_environment

TEXTS = ["client_id", "api_key", "redirect_uri", "cookie_password", "cookie_name", "cookie_domain",
         "cookie_same_site", "api_base_url", "login_path", "sign_up_path", "callback_path",
         "logout_path", "default_return_path"]  # fmt: skip
LISTS = ["issuers", "trusted_origins", "logout_return_origins"]
NUMBERS = ["cookie_max_age", "jwt_leeway", "jwks_max_age", "jwks_max_stale", "api_timeout",
           "refresh_timeout"]  # fmt: skip
VARIABLES = ["WORKOS_CLIENT_ID", "WORKOS_API_KEY", "WORKOS_REDIRECT_URI", "WORKOS_COOKIE_PASSWORD",
             "WORKOS_COOKIE_NAME", "WORKOS_COOKIE_MAX_AGE", "WORKOS_COOKIE_DOMAIN",
             "WORKOS_COOKIE_SAME_SITE", "WORKOS_COOKIE_SAMESITE", "WORKOS_API_HOSTNAME",
             "WORKOS_API_HTTPS", "WORKOS_API_PORT", "WORKOS_BASE_URL", "WORKOS_ISSUER"]  # fmt: skip
ODD = st.text() | st.text().map(f"{ORIGIN}/callback".__add__) | st.text().map("/".__add__)
NUMBER = st.integers() | st.floats() | st.just(10**400)
SECRET = "value-marker-that-nobody-may-see"


def faults_of(**values: object) -> tuple[str, ...]:
    try:
        AuthKit(AuthKitConfig(**values))
    except ConfigurationError as error:
        return error.problems
    return ()


@given(
    st.dictionaries(st.sampled_from(TEXTS), ODD, max_size=3),
    st.dictionaries(st.sampled_from(LISTS), ODD | st.lists(ODD), max_size=2),
    st.dictionaries(st.sampled_from(NUMBERS), NUMBER, max_size=2),
)
def test_settings_of_any_kind_work_or_are_a_configuration_error(texts, lists, numbers):
    changes = {**texts, **lists, **numbers}
    for fault in faults_of(**settings(**changes)):
        assert fault.isprintable()
        assert fault.isascii()


JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.binary(), st.lists(st.none()),
                 st.builds(object))  # fmt: skip


@given(st.dictionaries(st.sampled_from([*TEXTS, *LISTS]), JUNK, min_size=1))
def test_settings_of_any_other_type_are_a_configuration_error(junk):
    wanted = {name for name, value in junk.items()
              if not (value is None and name in {"cookie_domain", "sign_up_path", "logout_path"})
              and not (isinstance(value, bytes | list) and name == "cookie_password")
              and not (name in LISTS and value in ([], b""))}  # fmt: skip
    faults = faults_of(**settings(**junk))
    assert {fault.split()[0] for fault in faults} >= wanted


@given(st.dictionaries(st.sampled_from(VARIABLES), ODD))
def test_environment_of_any_kind_works_or_is_a_configuration_error(environ):
    good = {name: value for name, value in settings().items() if isinstance(value, str)}
    with contextlib.suppress(ConfigurationError):
        config = AuthKitConfig.from_env(environ, **good)
        assert read_environment(environ)[1] == []
        assert config.jwks_url.isascii()


BAD = {
    "client_id": f"{SECRET}!",
    "api_key": f"{SECRET}\n",
    "redirect_uri": f"http://{SECRET}.example/callback",
    "cookie_password": SECRET[:31],
    "cookie_name": f"{SECRET};",
    "cookie_domain": f"{SECRET}/",
    "api_base_url": f"http://{SECRET}.example",
    "jwt_leeway": 61,
    "api_timeout": float("nan"),
    "refresh_timeout": float("inf"),
    "trusted_origins": [f"{ORIGIN}/{SECRET}"],
    "logout_return_origins": [f"https://*.*.{SECRET}.example"],
    "login_path": f"//{SECRET}",
    "default_return_path": f"/\\{SECRET}",
}


@given(st.sets(st.sampled_from(sorted(BAD))))
def test_every_fault_is_named_whichever_others_there_are(names):
    """Also through the environment, whose own faults come in the same list."""
    faults = faults_of(**settings(**{name: BAD[name] for name in names}))
    for name in BAD:
        assert any(name in fault for fault in faults) == (name in names)
    assert SECRET[:31] not in str(faults)
    environ = {"WORKOS_COOKIE_MAX_AGE": SECRET, "WORKOS_API_PORT": SECRET}
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig.from_env(environ, **settings(**{name: BAD[name] for name in names}))
    assert set(faults) < set(caught.value.problems)
    assert SECRET[:31] not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("place", [PASSWORD, [PASSWORD], {"1": PASSWORD}])
def test_settings_of_a_class_that_overrides_text_are_taken_for_what_they_are(place):
    """A secret wrapper of another library has to be unwrapped by whoever has it."""

    class Wrapped:
        def __str__(self) -> str:
            return SECRET

        __repr__ = __str__

    (fault,) = faults_of(**settings(cookie_password=place, api_key=Wrapped()))
    assert fault.startswith("api_key ")
    assert SECRET not in fault


@pytest.mark.parametrize("swapped", [{"client_id": "sk_x"}, {"api_key": "client_x"}])
def test_swapped_credentials_are_a_fault(swapped):
    with pytest.raises(ConfigurationError, match="are swapped"):
        AuthKitConfig(**settings(**swapped))
