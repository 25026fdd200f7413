"""Which domain may share the cookies: one that browsers let an application share them with."""

from __future__ import annotations

import pytest
from emulated import settings

from authkit_asgi import AuthKitConfig, ConfigurationError


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        ("com", "app.example.com"),
        (".com", "app.example.com"),
        ("COM", "example.com"),
        ("intranet", "intranet"),
        ("localhost", "app.localhost"),
        (".localhost", "app.localhost"),
    ],
)
def test_domain_of_one_word_is_a_fault_that_says_what_to_use(domain, host):
    with pytest.raises(ConfigurationError) as raised:
        AuthKitConfig(**settings(redirect_uri=f"https://{host}/callback", cookie_domain=domain))
    (problem,) = raised.value.problems
    assert problem.startswith("WORKOS_COOKIE_DOMAIN (cookie_domain) is one word: browsers drop")
    assert "site.localhost" in problem


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        ("localhost", "localhost"),
        ("Localhost", "localhost"),
        ("site.localhost", "app.site.localhost"),
        (".site.localhost", "app.site.localhost"),
        ("example.com", "example.com"),
        ("example.co.uk", "app.example.co.uk"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_domain_that_browsers_share_cookies_with_passes(domain, host):
    uri = f"https://{host}/callback"
    config = AuthKitConfig(**settings(redirect_uri=uri, cookie_domain=domain))
    assert config.cookie_domain == domain
