"""Every Set-Cookie line is one that a browser stores, with the attributes meant and no others."""

from __future__ import annotations

import re

import pytest
from emulated import ORIGIN, OTHER_PASSWORD, PASSWORD, settings
from hypothesis import assume, given
from hypothesis import strategies as st
from user_agent import MAX_PAIR, Cookie, Jar, parse, read

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import MAX_COOKIE_BYTES, CookieWriter, SetCookie
from authkit_asgi.errors import (
    ConfigurationError,
    PKCEPayloadTooLargeError,
    SessionTooLargeError,
)
from authkit_asgi.pkce import begin_sign_in, verifier_cookie_name
from authkit_asgi.session import Session, seal_session

HTTP = "http://localhost:8000/callback"
VERIFIER = "wos-auth-verifier-1a47e90b"

prefixes = st.sampled_from(["", "__Host-", "__Secure-", "__hOSt-", "__SECURE-", "__HOST-", "__"])
names = st.builds(
    str.__add__, prefixes, st.sampled_from(["s", "Session", "a;b", "a b", "é", "s=", "\t"])
)
domains = st.none() | st.sampled_from(
    ["example.com", ".example.com", "APP.Example.COM", "evil.example", "ample.com", "example.com\t",
     "a.app.example.com", "example.com; Path=/x"]
)  # fmt: skip
hostile_settings = st.fixed_dictionaries(
    {},
    optional={
        "cookie_name": names | st.text(st.characters(codec="latin-1"), max_size=8),
        "cookie_domain": domains,
        "cookie_same_site": st.sampled_from(["lax", "strict", "none", "None", "lax; Secure", ""]),
        "cookie_max_age": st.integers(-1, 10**12),
        "redirect_uri": st.sampled_from([HTTP, f"{ORIGIN}/callback"]),
    },
)


def written(config: AuthKitConfig) -> list[tuple[SetCookie, SetCookie]]:
    """Every kind of line, and the one that deletes it."""
    cookies = CookieWriter(config)
    return [
        (cookies.session("SEAL")[0], cookies.expire_session()[0]),
        (cookies.verifier(VERIFIER, "SEAL"), cookies.expire_verifier(VERIFIER)),
    ]


@given(hostile_settings)
def test_settings_that_pass_write_cookies_that_browsers_store_and_delete(changes):
    try:
        config = AuthKitConfig(**settings(**changes))
    except ConfigurationError:
        return
    page = config.redirect_uri
    for stored, deleted in written(config):
        jar = Jar()
        cookie = jar.set(stored.line, page)
        assert cookie is not None, stored.line
        assert (cookie.name, cookie.value, cookie.path) == (stored.name, "SEAL", "/")
        assert cookie.http_only
        assert cookie.secure == (page != HTTP or config.cookie_same_site == "none")
        assert cookie.same_site in {"lax", config.cookie_same_site}
        assert cookie.host_only == (config.cookie_domain is None)
        jar.set(deleted.line, page)
        assert jar.cookies == {}


ATTRIBUTES = {"path", "domain", "max-age", "httponly", "secure", "samesite", "expires"}


@given(hostile_settings)
def test_settings_that_pass_add_no_attribute_and_none_too_long_to_count(changes):
    try:
        config = AuthKitConfig(**settings(**changes))
    except ConfigurationError:
        return
    for pair in written(config):
        for cookie in pair:
            name, _, attributes = parse(cookie.line)
            assert name == cookie.name
            assert attributes.keys() <= ATTRIBUTES
            assert cookie.line.count(b";") == len(attributes)
            assert attributes["path"] == "/"


PREFIXED = {
    "host": ("__Host-s", {}, True),
    "host, other case": ("__hOSt-s", {}, True),
    "host for a domain": ("__Host-s", {"cookie_domain": "example.com"}, False),
    "host for a domain, other case": ("__hOSt-s", {"cookie_domain": "example.com"}, False),
    "host for its own host": ("__HOST-s", {"cookie_domain": "app.example.com"}, False),
    "host over http": ("__Host-s", {"redirect_uri": HTTP}, False),
    "host over http, other case": ("__host-s", {"redirect_uri": HTTP}, False),
    "host over http, Secure by SameSite": (
        "__Host-s",
        {"redirect_uri": HTTP, "cookie_same_site": "none"},
        True,
    ),
    "secure": ("__Secure-s", {}, True),
    "secure for a domain": ("__sEcUrE-s", {"cookie_domain": "example.com"}, True),
    "secure over http": ("__Secure-s", {"redirect_uri": HTTP}, False),
    "secure over http, other case": ("__SECURE-s", {"redirect_uri": HTTP}, False),
    "host set by HTTP alone": ("__Host-Http-s", {"cookie_domain": "example.com"}, False),
    "set by HTTP alone": ("__Http-s", {}, True),
    "set by HTTP alone, over http": ("__Http-s", {"redirect_uri": HTTP}, False),
    "set by HTTP alone, over http, other case": ("__hTTP-s", {"redirect_uri": HTTP}, False),
    "no prefix": ("_Host-s", {"redirect_uri": HTTP}, True),
    "prefix without its hyphen": ("__Hosts", {"redirect_uri": HTTP}, True),
    "prefix in the middle": ("s__Host-", {"redirect_uri": HTTP}, True),
}


@pytest.mark.parametrize(("name", "changes", "fits"), PREFIXED.values(), ids=PREFIXED)
def test_prefixed_name_is_refused_where_browsers_would_drop_the_cookie(name, changes, fits):
    def config() -> AuthKitConfig:
        return AuthKitConfig(**settings(cookie_name=name, **changes))

    if fits:
        line = CookieWriter(config()).session("SEAL")[0].line
        assert read(line, config().redirect_uri) is not None
    else:
        with pytest.raises(ConfigurationError, match="WORKOS_COOKIE_NAME"):
            config()


texts = st.text(max_size=40) | st.sampled_from(
    ["\r\nSet-Cookie: a=b", "; Domain=evil.example", "\x00", "ü", "\ud800", '"; Path=/x', "\u2028"]
)


@given(texts, texts, st.dictionaries(texts, texts, max_size=3))
def test_nothing_in_a_session_becomes_part_of_the_line(email, token, metadata):
    user = {"id": "user_1", "email": email, "metadata": metadata}
    session = Session(access_token=token, refresh_token=token, user_json=user)
    sealed = seal_session(session, PASSWORD)
    assume(len(sealed) < MAX_PAIR - 20)
    for line in CookieWriter(AuthKitConfig(**settings())).session(sealed):
        assert re.fullmatch(
            rb"wos-session=[A-Za-z0-9*._~-]+; Path=/; Max-Age=34560000; HttpOnly; Secure; "
            rb"SameSite=Lax",
            line.line,
        )


@given(texts, texts)
def test_nothing_in_a_pending_sign_in_becomes_part_of_the_line(path, custom):
    _, state = begin_sign_in(PASSWORD, return_path=path, custom_state=custom)
    line = CookieWriter(AuthKitConfig(**settings())).verifier(verifier_cookie_name(state), state)
    assert re.fullmatch(
        rb"wos-auth-verifier-[0-9a-f]{8}=[A-Za-z0-9*._~-]+; Path=/; Max-Age=600; HttpOnly; Secure; "
        rb"SameSite=Lax",
        line.line,
    )


@given(st.integers(1, 40), st.integers(-3, 3), st.sampled_from([None, "example.com"]))
def test_session_of_any_size_is_stored_whole_or_refused(name_size, excess, domain):
    name = "s" * name_size
    changes = {"cookie_name": name, "cookie_domain": domain, "cookie_chunking": False}
    cookies = CookieWriter(AuthKitConfig(**settings(**changes)))
    value = "x" * (MAX_COOKIE_BYTES - name_size + excess)
    if excess > 0:
        with pytest.raises(SessionTooLargeError):
            cookies.session(value)
    else:
        cookie = read(cookies.session(value)[0].line, ORIGIN)
        assert cookie is not None
        assert cookie.value == value


@pytest.mark.parametrize("size", [2_049, 3_000, 4_000, 100_000])
def test_pending_sign_in_of_any_size_is_stored_whole_or_refused(size):
    cookies = CookieWriter(AuthKitConfig(**settings(cookie_domain="example.com")))
    stored: list[Cookie | None] = []
    for path in ("/" + "x" * size, "/" + "ü" * (size // 2)):
        try:
            _, state = begin_sign_in(OTHER_PASSWORD, return_path=path)
            stored.append(read(cookies.verifier(VERIFIER, state).line, ORIGIN))
        except PKCEPayloadTooLargeError:
            assert size > 2_049
    assert None not in stored
    assert len(stored) == {2_049: 2, 3_000: 0, 4_000: 0, 100_000: 0}[size]


def test_browser_used_here_ignores_what_the_specification_ignores():
    page = ORIGIN
    assert read(b"a=1; Domain=evil.example", page) is None
    assert read(b"a=1; Domain=com", page) is None
    assert read(b"__hOSt-a=1; Secure; Path=/; Domain=example.com", page) is None
    assert read(b"__Secure-a=1", page) is None
    assert read(b"=__Host-a=1; Secure", page) is None
    assert read(b"a=1; SameSite=None", page) is None
    assert read(b"a=\x01", page) is None
    assert read(b"a=" + b"x" * MAX_PAIR, page) is None
    assert read(b"a=1; Secure", "http://app.example.com/") is None
    assert read(b"a=1; Domain=" + b"x" * 1025, page).host_only
    assert read(b"a=1; Max-Age=99999999999", page).max_age == 34_560_000
