"""The WORKOS_* variables: every name the kits know, and what each comes to."""

from __future__ import annotations

import pytest
from emulated import PASSWORD
from outdated import LEGACY_KEY, OTHER_LEGACY_KEY

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.environment import read_environment
from authkit_asgi.errors import ConfigurationError

ENVIRON = {
    "WORKOS_CLIENT_ID": "client_1",
    "WORKOS_API_KEY": "sk_1",
    "WORKOS_REDIRECT_URI": "https://app.example.com/callback",
    "WORKOS_COOKIE_PASSWORD": PASSWORD,
}


@pytest.mark.parametrize(
    ("environ", "setting", "value"),
    [
        ({"WORKOS_CLIENT_ID": "client_2"}, "client_id", "client_2"),
        ({"WORKOS_API_KEY": "sk_2"}, "api_key", "sk_2"),
        ({"WORKOS_REDIRECT_URI": "https://b.c/callback"}, "redirect_uri", "https://b.c/callback"),
        ({"WORKOS_COOKIE_PASSWORD": "x" * 32}, "cookie_password", "x" * 32),
        ({"WORKOS_COOKIE_PASSWORD_PREVIOUS": "y" * 32}, "cookie_password",
         (PASSWORD, "y" * 32)),
        ({"WORKOS_LEGACY_FERNET_KEY": f" {LEGACY_KEY} ,{OTHER_LEGACY_KEY},"}, "legacy_fernet_key",
         (LEGACY_KEY, OTHER_LEGACY_KEY)),
        ({"WORKOS_COOKIE_NAME": "other"}, "cookie_name", "other"),
        ({"WORKOS_COOKIE_MAX_AGE": "60"}, "cookie_max_age", 60),
        ({"WORKOS_COOKIE_DOMAIN": "example.com"}, "cookie_domain", "example.com"),
        ({"WORKOS_COOKIE_SAME_SITE": "strict"}, "cookie_same_site", "strict"),
        ({"WORKOS_COOKIE_SAMESITE": "none"}, "cookie_same_site", "none"),
        ({"WORKOS_COOKIE_SAME_SITE": "Strict"}, "cookie_same_site", "strict"),
        ({"WORKOS_COOKIE_SAME_SITE": "strict", "WORKOS_COOKIE_SAMESITE": "none"},
         "cookie_same_site", "strict"),
        ({"WORKOS_COOKIE_SAME_SITE": "", "WORKOS_COOKIE_SAMESITE": "none"},
         "cookie_same_site", "none"),
        ({"WORKOS_API_HOSTNAME": "api.example.com"}, "api_base_url", "https://api.example.com"),
        ({"WORKOS_API_PORT": "8443"}, "api_base_url", "https://api.workos.com:8443"),
        ({"WORKOS_API_HTTPS": "true"}, "api_base_url", "https://api.workos.com"),
        ({"WORKOS_API_HOSTNAME": "localhost", "WORKOS_API_HTTPS": "false"},
         "api_base_url", "http://localhost"),
        ({"WORKOS_API_HOSTNAME": "localhost", "WORKOS_API_HTTPS": "FALSE",
          "WORKOS_API_PORT": "4100"}, "api_base_url", "http://localhost:4100"),
        ({"WORKOS_BASE_URL": "https://base.example.com/"}, "api_base_url",
         "https://base.example.com"),
        ({"WORKOS_BASE_URL": "https://base.example.com", "WORKOS_API_HOSTNAME": "other.example",
          "WORKOS_API_HTTPS": "false", "WORKOS_API_PORT": "1"}, "api_base_url",
         "https://base.example.com"),
        ({"WORKOS_ISSUER": "https://api.workos.com"}, "issuers", ("https://api.workos.com",)),
        ({"WORKOS_ISSUER": " https://a.example , https://b.example/x ,"}, "issuers",
         ("https://a.example", "https://b.example/x")),
        ({"WORKOS_SESSION_USER_FIELDS": " first_name, external_id ,"}, "session_user_fields",
         ("first_name", "external_id")),
    ],
)  # fmt: skip
def test_variable_becomes_its_setting(environ, setting, value):
    config = AuthKitConfig.from_env({**ENVIRON, **environ})
    assert getattr(config, setting) == value


@pytest.mark.parametrize(
    ("name", "setting", "default"),
    [
        ("WORKOS_COOKIE_NAME", "cookie_name", "wos-session"),
        ("WORKOS_COOKIE_MAX_AGE", "cookie_max_age", 34_560_000),
        ("WORKOS_COOKIE_DOMAIN", "cookie_domain", None),
        ("WORKOS_COOKIE_SAME_SITE", "cookie_same_site", "lax"),
        ("WORKOS_COOKIE_SAMESITE", "cookie_same_site", "lax"),
        ("WORKOS_BASE_URL", "api_base_url", "https://api.workos.com"),
        ("WORKOS_API_HOSTNAME", "api_base_url", "https://api.workos.com"),
        ("WORKOS_API_HTTPS", "api_base_url", "https://api.workos.com"),
        ("WORKOS_API_PORT", "api_base_url", "https://api.workos.com"),
        ("WORKOS_ISSUER", "issuers", ()),
        ("WORKOS_COOKIE_PASSWORD_PREVIOUS", "cookie_password_previous", ()),
        ("WORKOS_LEGACY_FERNET_KEY", "legacy_fernet_key", ()),
        ("WORKOS_SESSION_USER_FIELDS", "session_user_fields", None),
    ],
)
def test_empty_variable_counts_as_absent(name, setting, default):
    assert read_environment({name: ""}) == ({}, [])
    assert getattr(AuthKitConfig.from_env({**ENVIRON, name: ""}), setting) == default


@pytest.mark.parametrize("name", list(ENVIRON))
def test_empty_required_variable_is_missing(name):
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig.from_env({**ENVIRON, name: ""})
    (problem,) = caught.value.problems
    assert name in problem
    assert "is missing" in problem


@pytest.mark.parametrize("issuers", [",", " , ", ",,", " "])
def test_issuer_variable_that_names_none_does_not_switch_the_check_off(issuers):
    config = AuthKitConfig.from_env({**ENVIRON, "WORKOS_ISSUER": issuers}, issuers=["https://a.b"])
    assert config.issuers == ("https://a.b",)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"WORKOS_COOKIE_MAX_AGE": "ten"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "-1"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "1.5"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "1_0"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "²"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "٣"}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "9" * 5000}, "WORKOS_COOKIE_MAX_AGE is not a number"),
        ({"WORKOS_COOKIE_MAX_AGE": "0"}, "WORKOS_COOKIE_MAX_AGE (cookie_max_age) is less"),
        ({"WORKOS_API_HTTPS": "yes"}, "WORKOS_API_HTTPS is neither"),
        ({"WORKOS_API_HTTPS": "0"}, "WORKOS_API_HTTPS is neither"),
        ({"WORKOS_API_PORT": "http"}, "WORKOS_API_PORT is not a port"),
        ({"WORKOS_API_PORT": "4100/evil"}, "WORKOS_API_PORT is not a port"),
        ({"WORKOS_API_PORT": "²"}, "WORKOS_API_PORT is not a port"),
        ({"WORKOS_API_PORT": "9" * 5000}, "WORKOS_API_PORT is not a port"),
        ({"WORKOS_API_PORT": "99999"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME"),
        ({"WORKOS_API_HTTPS": "false"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME"),
        ({"WORKOS_API_HOSTNAME": "a b"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME"),
        ({"WORKOS_API_HOSTNAME": "user@api.example"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME"),
        ({"WORKOS_COOKIE_SAME_SITE": "loose"}, "WORKOS_COOKIE_SAME_SITE (cookie_same_site)"),
    ],
)
def test_variable_that_cannot_be_read_is_named(environ, words):
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig.from_env({**ENVIRON, **environ})
    (problem,) = caught.value.problems
    assert problem.startswith(words)


def test_unreadable_variables_come_together_with_all_other_faults():
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig.from_env(
            {
                "WORKOS_COOKIE_MAX_AGE": "ten",
                "WORKOS_API_HTTPS": "perhaps",
                "WORKOS_API_PORT": "first",
                "WORKOS_COOKIE_NAME": "a b",
            }
        )
    named = [problem.split()[0] for problem in caught.value.problems]
    assert named == [
        "WORKOS_COOKIE_MAX_AGE",
        "WORKOS_API_HTTPS",
        "WORKOS_API_PORT",
        "WORKOS_CLIENT_ID",
        "WORKOS_API_KEY",
        "WORKOS_COOKIE_PASSWORD",
        "WORKOS_REDIRECT_URI",
        "WORKOS_COOKIE_NAME",
    ]


def test_environment_wins_over_defaults_and_defaults_fill_the_rest():
    config = AuthKitConfig.from_env(
        {**ENVIRON, "WORKOS_COOKIE_NAME": "from-env"}, cookie_name="default", login_path="/sign-in"
    )
    assert config.cookie_name == "from-env"
    assert config.login_path == "/sign-in"


def test_base_url_of_the_environment_wins_over_a_default_so_do_its_parts():
    default = "https://default.example"
    parts = {**ENVIRON, "WORKOS_API_HOSTNAME": "parts.example"}
    assert AuthKitConfig.from_env(parts, api_base_url=default).api_base_url == (
        "https://parts.example"
    )
    assert AuthKitConfig.from_env(ENVIRON, api_base_url=default).api_base_url == default


def test_from_env_reads_the_process_environment_only_when_asked(monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "from-process")
    assert AuthKitConfig.from_env().cookie_name == "from-process"
    assert AuthKitConfig.from_env(ENVIRON).cookie_name == "wos-session"


def test_direct_construction_reads_no_environment(monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "from-process")
    with pytest.raises(ConfigurationError, match="WORKOS_CLIENT_ID"):
        AuthKitConfig()
    config = AuthKitConfig(
        client_id="client_2",
        api_key="sk_2",
        redirect_uri="https://other.example/callback",
        cookie_password="y" * 32,
    )
    assert (config.client_id, config.cookie_name) == ("client_2", "wos-session")
