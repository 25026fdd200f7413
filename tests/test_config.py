"""The settings: every fault is found at construction, all at once, and no value is shown."""

from __future__ import annotations

import dataclasses
import pickle
import typing

import pytest
from emulated import ORIGIN, OTHER_PASSWORD, PASSWORD, settings

from authkit_asgi.config import AuthKitConfig, AuthKitSettings
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.seal import seal

MARKER = "value-marker"


def problems(**changes) -> tuple[str, ...]:
    try:
        AuthKitConfig(**settings(**changes))
    except ConfigurationError as error:
        return error.problems
    return ()


def test_settings_have_exactly_the_fields_of_the_config_with_the_same_types():
    fields = {field.name for field in dataclasses.fields(AuthKitConfig)}
    hints = typing.get_type_hints(AuthKitConfig)
    assert typing.get_type_hints(AuthKitSettings) == {name: hints[name] for name in fields}
    names = [field.name for field in dataclasses.fields(AuthKitConfig)]
    assert list(AuthKitSettings.__annotations__) == names
    assert not AuthKitSettings.__required_keys__


def test_config_is_frozen_keyword_only_and_picklable():
    config = AuthKitConfig(**settings())
    for field in dataclasses.fields(config):
        assert field.kw_only
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, field.name, "other")
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301


FAULTS = [
    ({"client_id": ""}, "WORKOS_CLIENT_ID (client_id) is missing"),
    ({"client_id": "client/../x"}, "WORKOS_CLIENT_ID (client_id) holds characters"),
    ({"client_id": "client_1\n"}, "WORKOS_CLIENT_ID (client_id) holds characters"),
    ({"client_id": "clïent"}, "WORKOS_CLIENT_ID (client_id) holds characters"),
    ({"api_key": ""}, "WORKOS_API_KEY (api_key) is missing"),
    ({"api_key": "sk\r\nX: y"}, "WORKOS_API_KEY (api_key) holds characters"),
    ({"api_key": "sk_é"}, "WORKOS_API_KEY (api_key) holds characters"),
    ({"cookie_password": ""}, "WORKOS_COOKIE_PASSWORD (cookie_password) is missing"),
    ({"cookie_password": ()}, "WORKOS_COOKIE_PASSWORD (cookie_password) is missing"),
    ({"cookie_password": {}}, "WORKOS_COOKIE_PASSWORD (cookie_password) is missing"),
    ({"cookie_password": [""]}, "WORKOS_COOKIE_PASSWORD (cookie_password) is missing"),
    ({"cookie_password": "x" * 31}, "WORKOS_COOKIE_PASSWORD (cookie_password) is shorter"),
    ({"cookie_password": "é" * 31}, "WORKOS_COOKIE_PASSWORD (cookie_password) is shorter"),
    ({"cookie_password": "😀" * 15}, "WORKOS_COOKIE_PASSWORD (cookie_password) is shorter"),
    ({"cookie_password": [PASSWORD, "x"]}, "WORKOS_COOKIE_PASSWORD (cookie_password) is shorter"),
    ({"cookie_password": {"1": "x"}}, "WORKOS_COOKIE_PASSWORD (cookie_password) is shorter"),
    ({"cookie_password": [PASSWORD, 1]}, "WORKOS_COOKIE_PASSWORD (cookie_password) holds"),
    ({"cookie_password": PASSWORD.encode()}, "WORKOS_COOKIE_PASSWORD (cookie_password) holds"),
    ({"cookie_password": {"a-b": PASSWORD}}, "WORKOS_COOKIE_PASSWORD (cookie_password) has an id"),
    ({"cookie_password": {"": PASSWORD}}, "WORKOS_COOKIE_PASSWORD (cookie_password) has an id"),
    ({"cookie_password": {1: PASSWORD}}, "WORKOS_COOKIE_PASSWORD (cookie_password) has an id"),
    ({"cookie_password": [PASSWORD] * 11}, "WORKOS_COOKIE_PASSWORD (cookie_password) holds more"),
    ({"cookie_password": "x" * 32 + "\udcff"}, "WORKOS_COOKIE_PASSWORD (cookie_password) is not"),
    ({"redirect_uri": ""}, "WORKOS_REDIRECT_URI (redirect_uri) is missing"),
    ({"redirect_uri": "/callback"}, "WORKOS_REDIRECT_URI (redirect_uri) is not an absolute"),
    ({"redirect_uri": f"{ORIGIN}/callback?a"}, "WORKOS_REDIRECT_URI (redirect_uri) is not an"),
    ({"redirect_uri": f"{ORIGIN}/callback#a"}, "WORKOS_REDIRECT_URI (redirect_uri) is not an"),
    ({"redirect_uri": "https://a@b.c/callback"}, "WORKOS_REDIRECT_URI (redirect_uri) is not an"),
    ({"redirect_uri": f"{ORIGIN}\r\n/callback"}, "WORKOS_REDIRECT_URI (redirect_uri) is not an"),
    ({"redirect_uri": "http://a.example/callback"}, "WORKOS_REDIRECT_URI (redirect_uri) is http"),
    ({"redirect_uri": "http://10.0.0.1/callback"}, "WORKOS_REDIRECT_URI (redirect_uri) is http"),
    ({"redirect_uri": ORIGIN}, "WORKOS_REDIRECT_URI (redirect_uri) does not end in"),
    ({"redirect_uri": f"{ORIGIN}/callback/"}, "WORKOS_REDIRECT_URI (redirect_uri) does not end"),
    ({"callback_path": "/auth/cb"}, "WORKOS_REDIRECT_URI (redirect_uri) does not end in"),
    ({"api_base_url": "api.workos.com"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME (api_base_url)"),
    ({"api_base_url": "https://a.b/?x"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME (api_base_url)"),
    ({"api_base_url": "http://a.b"}, "WORKOS_BASE_URL or WORKOS_API_HOSTNAME (api_base_url) is h"),
    ({"trusted_origins": ["https://a.b/"]}, "trusted_origins holds"),
    ({"trusted_origins": ["https://*.b.c"]}, "trusted_origins holds"),
    ({"trusted_origins": ["null"]}, "trusted_origins holds"),
    ({"logout_return_origins": ["https://*.com"]}, "logout_return_origins holds"),
    ({"logout_return_origins": ["*"]}, "logout_return_origins holds"),
    ({"cookie_name": ""}, "WORKOS_COOKIE_NAME (cookie_name) is not a usable"),
    ({"cookie_name": "s.0"}, "WORKOS_COOKIE_NAME (cookie_name) ends in a dot and a digit"),
    ({"cookie_name": "s" * 257}, "WORKOS_COOKIE_NAME (cookie_name) is longer than 256"),
    ({"max_session_cookie_bytes": 4095}, "max_session_cookie_bytes is not between 4096"),
    ({"max_session_cookie_bytes": 16_385}, "max_session_cookie_bytes is not between 4096"),
    ({"cookie_name": "a b"}, "WORKOS_COOKIE_NAME (cookie_name) is not a usable"),
    ({"cookie_name": "wos-auth-verifier-x"}, "WORKOS_COOKIE_NAME (cookie_name) is not a usable"),
    ({"cookie_name": "WOS-Auth-Verifier-x"}, "WORKOS_COOKIE_NAME (cookie_name) is not a usable"),
    ({"cookie_domain": ""}, "WORKOS_COOKIE_DOMAIN (cookie_domain) is not a domain"),
    ({"cookie_domain": "https://example.com"}, "WORKOS_COOKIE_DOMAIN (cookie_domain) is not a"),
    ({"cookie_domain": "other.example"}, "WORKOS_COOKIE_DOMAIN (cookie_domain) does not contain"),
    ({"cookie_domain": "ample.com"}, "WORKOS_COOKIE_DOMAIN (cookie_domain) does not contain"),
    ({"cookie_domain": "x.app.example.com"}, "WORKOS_COOKIE_DOMAIN (cookie_domain) does not"),
    ({"cookie_same_site": "Loose"}, "WORKOS_COOKIE_SAME_SITE (cookie_same_site) is none of"),
    ({"cookie_max_age": 0}, "WORKOS_COOKIE_MAX_AGE (cookie_max_age) is less"),
    ({"cookie_name": "__Host-s", "cookie_domain": "example.com"}, "WORKOS_COOKIE_NAME (cookie_"),
    ({"cookie_name": "__host-s", "cookie_domain": "example.com"}, "WORKOS_COOKIE_NAME (cookie_"),
    ({"cookie_name": "__Host-s", "redirect_uri": "http://localhost/callback"}, "WORKOS_COOKIE_N"),
    ({"cookie_name": "__Secure-s", "redirect_uri": "http://localhost/callback"}, "WORKOS_COOKIE"),
    ({"login_path": "login"}, "login_path is not a path"),
    ({"login_path": "//evil.example"}, "login_path is not a path"),
    ({"login_path": "/login?x"}, "login_path is not a path"),
    ({"default_return_path": "/\\evil.example"}, "default_return_path is not a path"),
    ({"default_return_path": "https://evil.example"}, "default_return_path is not a path"),
    ({"default_return_path": "/a\r\nSet-Cookie: x"}, "default_return_path is not a path"),
    ({"jwt_leeway": -1}, "jwt_leeway is not between"),
    ({"jwt_leeway": 61}, "jwt_leeway is not between"),
    ({"jwt_leeway": float("nan")}, "jwt_leeway is not between"),
    *(
        ({name: value}, f"{name} is not a positive number")
        for name in ("jwks_max_age", "jwks_max_stale", "api_timeout", "refresh_timeout")
        for value in (0, -1.5, float("inf"), float("nan"))
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), FAULTS)
def test_fault_is_found_alone_and_named(changes, words):
    (problem,) = problems(**changes)
    assert problem.startswith(words)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"client_id": "client_01ABC-x"},
        {"redirect_uri": f"{ORIGIN}/app/callback"},
        {"redirect_uri": f"{ORIGIN}/auth/cb", "callback_path": "/auth/cb"},
        {"redirect_uri": "http://localhost:8000/callback"},
        {"redirect_uri": "http://[::1]:8000/callback"},
        {"cookie_password": "x" * 32},
        {"cookie_password": "😀" * 16},
        {"cookie_password": [PASSWORD, OTHER_PASSWORD]},
        {"cookie_password": [PASSWORD] * 10},
        {"cookie_password": {"1": PASSWORD, "next_2": OTHER_PASSWORD}},
        {"cookie_domain": "example.com"},
        {"cookie_domain": ".Example.com"},
        {"cookie_domain": "app.example.com"},
        {"cookie_name": "__Host-session"},
        {"cookie_name": "__Secure-session", "cookie_domain": "example.com"},
        {"cookie_same_site": "None", "redirect_uri": "http://localhost/callback"},
        {"trusted_origins": [ORIGIN, "http://localhost:3000"]},
        {"logout_return_origins": {"https://*.example.com", "http://localhost:*"}},
        {"jwt_leeway": 0},
        {"jwt_leeway": 60},
        {"refresh": "never"},
        {"refresh_buffer": 0},
        {"refresh_buffer": 3600.5},
        {"default_return_path": "/a/%C3%BC;v=1"},
    ],
)
def test_fit_settings_pass(changes):
    config = AuthKitConfig(**settings(**changes))
    assert seal({}, config.cookie_password).startswith("Fe26.2*")
    assert CookieWriter(config).expire_session()


def test_all_faults_come_at_once_a_line_each_without_a_value():
    changes = {
        "client_id": f"{MARKER}!",
        "api_key": f"{MARKER}é",
        "redirect_uri": f"http://{MARKER}.example/x",
        "cookie_password": MARKER,
        "cookie_password_previous": [MARKER],
        "legacy_fernet_key": [MARKER],
        "cookie_name": f"{MARKER};",
        "cookie_max_age": -77077,
        "cookie_domain": f"{MARKER};x",
        "cookie_same_site": MARKER,
        "cookie_chunking": True,
        "max_session_cookie_bytes": 77077,
        "api_base_url": f"http://{MARKER}.example",
        "jwt_leeway": 77077,
        "jwks_max_age": -77077,
        "jwks_max_stale": -77077,
        "api_timeout": -77077,
        "refresh": MARKER,
        "refresh_buffer": -77077,
        "refresh_timeout": -77077,
        "inactivity_timeout": -77077,
        "verified_cache_size": -77077,
        "session_user_fields": [MARKER],
        "trusted_origins": [MARKER],
        "logout_return_origins": [MARKER],
        "login_path": MARKER,
        "sign_up_path": MARKER,
        "callback_path": MARKER,
        "logout_path": MARKER,
        "default_return_path": MARKER,
    }
    assert changes.keys() | {"issuers", "eager_auth"} == AuthKitSettings.__optional_keys__
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig(**changes)
    error = caught.value
    del changes["cookie_chunking"]  # which cannot be wrong
    for name in changes:
        assert any(name in problem for problem in error.problems), name
    assert len(error.problems) == len(changes)
    assert str(error).count("\n") == len(changes)
    text = f"{error} {error!r} {error.args} {error.problems} {vars(error)}"
    assert MARKER not in text
    assert "77077" not in text
    assert error.__context__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", None),
        ("api_key", b"sk"),
        ("redirect_uri", 1),
        ("cookie_password", None),
        ("cookie_password", 1),
        ("cookie_max_age", "60"),
        ("cookie_max_age", 60.0),
        ("cookie_max_age", True),
        ("cookie_domain", 1),
        ("cookie_same_site", None),
        ("jwt_leeway", "10"),
        ("jwt_leeway", False),
        ("api_timeout", None),
        ("issuers", None),
        ("issuers", 1),
        ("issuers", [1]),
        ("issuers", iter(["https://a.example"])),
        ("trusted_origins", [None]),
        ("login_path", None),
        ("api_key", [MARKER]),
        ("cookie_max_age", MARKER),
        ("api_timeout", MARKER),
        ("issuers", [MARKER, 1]),
    ],
)
def test_wrong_type_is_named_without_its_value(name, value):
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name} ")
    assert MARKER not in problem


def test_wrong_types_come_at_once():
    assert len(problems(client_id=1, api_timeout="x", issuers=1, login_path=None)) == 4


@pytest.mark.parametrize("name", ["issuers", "trusted_origins", "logout_return_origins"])
def test_single_text_for_a_sequence_is_one_entry_and_lists_become_tuples(name):
    single = AuthKitConfig(**settings(**{name: "https://a.example"}))
    several = AuthKitConfig(**settings(**{name: ["https://a.example", "https://b.example"]}))
    assert getattr(single, name) == ("https://a.example",)
    assert getattr(several, name) == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "password", [f"{MARKER}-{PASSWORD}", [f"{MARKER}-{PASSWORD}"], {"1": f"{MARKER}-{PASSWORD}"}]
)
def test_repr_shows_no_secret(password):
    text = repr(AuthKitConfig(**settings(api_key=MARKER, cookie_password=password)))
    assert MARKER not in text
    assert "client_emulator" in text


@pytest.mark.parametrize(
    ("changes", "secure"),
    [
        ({}, True),
        ({"redirect_uri": "http://localhost:8000/callback"}, False),
        ({"redirect_uri": "http://localhost:8000/callback", "cookie_same_site": "none"}, True),
    ],
)
def test_secure_falls_only_for_an_http_redirect_uri(changes, secure):
    assert AuthKitConfig(**settings(**changes)).cookie_secure is secure


def test_addresses_are_built_from_the_settings():
    config = AuthKitConfig(
        **settings(
            redirect_uri="https://APP.example.com:443/sub/callback",
            api_base_url="https://api.example.com/",
            login_path="/auth/login",
        )
    )
    assert config.origin == "https://app.example.com"
    assert config.jwks_url == "https://api.example.com/sso/jwks/client_emulator"
    assert config.own_paths == {
        "/auth/login", "/auth/signup", "/auth/logout", "/auth/callback", "/sub/callback",
        "/webhooks/workos",
    }  # fmt: skip


def test_secure_does_not_depend_on_how_https_is_spelt():
    assert AuthKitConfig(**settings(redirect_uri="HTTPS://app.example.com/callback")).cookie_secure
