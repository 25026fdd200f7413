"""Web origins: hostile URLs are none, and WorkOS's wildcards reach no further than documented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.origins import (
    is_loopback,
    is_origin_pattern,
    is_secure_url,
    origin_matches,
    origin_of,
    parse_http_url,
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("https://app.example.com/a/b?c=d#e", "https://app.example.com"),
        ("HTTPS://APP.Example.COM/Path", "https://app.example.com"),
        ("https://app.example.com:443/", "https://app.example.com"),
        ("https://app.example.com:/", "https://app.example.com"),
        ("https://app.example.com:8443/", "https://app.example.com:8443"),
        ("https://app.example.com:0443/", "https://app.example.com"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("https://localhost:80/", "https://localhost:80"),
        ("http://127.0.0.1:8000/callback", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/callback", "http://[::1]:8000"),
        ("http://[::ffff:1.2.3.4]/", "http://[::ffff:1.2.3.4]"),
        ("https://my_host.example.com", "https://my_host.example.com"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("https://example.com?a", "https://example.com"),
        ("https://example.com#a@b", "https://example.com"),
        ("https://example.com/@evil.example", "https://example.com"),
    ],
)
def test_origin_is_what_browsers_send(url, origin):
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "//app.example.com",
        "/\\app.example.com",
        "app.example.com",
        "app.example.com:443",
        "null",
        "https:",
        "https:app.example.com",
        "https:/app.example.com",
        "https://",
        "https:///app.example.com",
        "https://?app.example.com",
        "https://:443",
        "https://.",
        "https://.example.com",
        "https://-x.example.com",
        "https://x.example.com-",
        "javascript:alert(1)",
        "javascript://app.example.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://app.example.com",
        "ws://app.example.com",
        "file:///etc/passwd",
        "blob:https://app.example.com/1",
        "https://user@app.example.com",
        "https://user:secret@app.example.com",
        "https://@app.example.com",
        "https://app.example.com@evil.example",
        "https://evil.example\\@app.example.com",
        "https://app.example.com\\.evil.example",
        "https://app.example.com\\",
        "https://app.example.com/\\evil.example",
        "https:\\\\app.example.com",
        " https://app.example.com",
        "https://app.example.com ",
        "https://app.exa mple.com",
        "\thttps://app.example.com",
        "ht\ttps://app.example.com",
        "https://app.example.com\n",
        "https://app\r\n.example.com",
        "https://app.example.com\x00",
        "https://app.example.com\x7f",
        "https://app.example.com%2eevil.example",
        "https://app.example.com%00",
        "https://app.example.com;evil.example",
        "https://app.example.com,evil.example",
        "https://app.example.com'",
        'https://app.example.com"',
        "https://app.example.com/<x>",
        "https://app.example.com:0",
        "https://app.example.com:65536",
        "https://app.example.com:-1",
        "https://app.example.com:+1",
        "https://app.example.com:1_0",
        "https://app.example.com:a",
        "https://app.example.com:443:443",
        "https://app.example.com:99999999999999999999",
        "https://app.example.com:٤٤٣",
        "https://аpp.example.com",  # noqa: RUF001  # Cyrillic
        "https://app。example.com",
        "https://app.example.com／evil",  # noqa: RUF001  # a full-width slash
        "https://app.example.com\u2028",
        "https://\ud800.example.com",
        "https://[::1",
        "https://::1]",
        "https://[::1]evil.example",
        "https://[::1]@evil.example",
        "https://[v1.a]/",
        "https://[fe80::1%25eth0]/",
        "https://[]/",
        "https://*.example.com",
        "https://*",
    ],
)  # fmt: skip
def test_hostile_or_ambiguous_url_has_no_origin(url):
    assert origin_of(url) is None
    assert parse_http_url(url) is None
    assert is_secure_url(url) is False


@given(st.text())
def test_any_text_is_taken_without_an_exception(text):
    for url in (text, f"https://{text}", f"https://[{text}]", f"https://a:{text}"):
        origin = origin_of(url)
        assert origin is None or origin_of(origin) == origin
        assert isinstance(is_origin_pattern(url), bool)


@pytest.mark.parametrize(
    ("hostname", "loopback"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.com", False),
        ("127.1", False),
        ("0.0.0.0", False),  # noqa: S104  # all interfaces: not this machine alone
        ("10.0.0.1", False),
        ("::", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback_can_only_mean_this_machine(hostname, loopback):
    assert is_loopback(hostname) is loopback


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://app.example.com/callback", True),
        ("http://localhost:8000/callback", True),
        ("http://app.localhost/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://[::1]:8000/callback", True),
        ("http://app.example.com/callback", False),
        ("http://192.168.1.10/callback", False),
        ("http://localhost.example.com/callback", False),
        ("http://localhost@evil.example/callback", False),
    ],
)
def test_http_is_secure_on_loopback_only(url, secure):
    assert is_secure_url(url) is secure


@pytest.mark.parametrize(
    "pattern",
    [
        "https://app.example.com",
        "http://localhost:3000",
        "http://app.example.com",
        "https://*.example.com",
        "https://*.example.com:8443",
        "https://*.a.b.example.com",
        "https://preview-*.example.com",
        "https://*-preview.example.com",
        "http://localhost:*",
        "http://127.0.0.1:*",
        "http://[::1]:*",
        "https://app.localhost:*",
    ],
)
def test_pattern_is_an_origin_or_has_a_wildcard_as_workos_allows(pattern):
    assert is_origin_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "https://*",
        "https://*.com",
        "https://*com",
        "https://*example.com",
        "http://*.example.com",
        "https://app.*.example.com",
        "https://app.*",
        "https://app.example.*",
        "https://*.*.example.com",
        "https://**.example.com",
        "https://*.example.com/",
        "https://*.example.com/path",
        "https://*/x.example.com",
        "https://*@evil.example.com",
        "https://a@*.example.com",
        "https://*.example.com:*",
        "https://app.example.com:*",
        "http://192.168.0.1:*",
        "http://localhost:*/",
        "http://localhost:80*",
        "http://LOCALHOST:*",
        "http://*:*",
        ":*",
        "https://*.Example.com",
        "https://app.example.com/",
        "https://app.example.com:443",
        "https://App.example.com",
        "*.example.com",
        "ws://*.example.com",
        "https:*.example.com",
        "https://*.exa mple.com",
        "https://*.example.com\n",
    ],
)
def test_pattern_that_workos_would_refuse_is_refused(pattern):
    assert not is_origin_pattern(pattern)


@pytest.mark.parametrize(
    ("origin", "pattern", "matches"),
    [
        ("https://app.example.com", "https://app.example.com", True),
        ("https://app.example.com", "https://other.example.com", False),
        ("http://app.example.com", "https://app.example.com", False),
        ("https://app.example.com:8443", "https://app.example.com", False),
        ("https://a.example.com", "https://*.example.com", True),
        ("https://a-b.example.com", "https://*.example.com", True),
        ("https://example.com", "https://*.example.com", False),
        ("https://.example.com", "https://*.example.com", False),
        ("https://a.b.example.com", "https://*.example.com", False),
        ("https://evilexample.com", "https://*.example.com", False),
        ("https://a.example.com.evil.example", "https://*.example.com", False),
        ("http://a.example.com", "https://*.example.com", False),
        ("https://a.example.com:8443", "https://*.example.com", False),
        ("https://a.example.com:8443", "https://*.example.com:8443", True),
        ("https://a:1.example.com", "https://*.example.com", False),
        ("https://preview-1.example.com", "https://preview-*.example.com", True),
        ("https://preview-.example.com", "https://preview-*.example.com", False),
        ("https://preview.example.com", "https://preview-*.example.com", False),
        ("https://x-preview-1.example.com", "https://preview-*.example.com", False),
        ("http://localhost:3000", "http://localhost:*", True),
        ("http://localhost", "http://localhost:*", False),
        ("http://localhost:", "http://localhost:*", False),
        ("http://localhost:3000.evil.example", "http://localhost:*", False),
        ("http://localhost:a", "http://localhost:*", False),
        ("https://localhost:3000", "http://localhost:*", False),
        ("https://aa", "https://a*a", False),
    ],
)
def test_wildcard_stands_for_one_label_or_one_port(origin, pattern, matches):
    assert origin_matches(origin, pattern) is matches
