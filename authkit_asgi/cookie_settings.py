"""The session cookie's name and domain: what browsers take, and what would go unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from authkit_asgi.origins import parse_http_url

VERIFIER_COOKIE_PREFIX = "wos-auth-verifier-"
"""Name of the cookies that hold a pending sign-in, before the hash that tells them apart."""

ACCESS_TOKEN_COOKIE = "workos-access-token"  # noqa: S105  # the name authkit-nextjs gives it

_MAX_NAME_LENGTH = 256
_CHUNK = re.compile(r"\.[0-9]\Z")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 6265: a token
_COOKIE_DOMAIN = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def name_problems(cookie_name: str, *, is_secure: bool, has_domain: bool) -> Iterator[str]:
    """Yield what is wrong with the session cookie's name."""
    name = "WORKOS_COOKIE_NAME (cookie_name)"
    lowered = cookie_name.lower()
    if not _COOKIE_NAME.fullmatch(cookie_name) or lowered.startswith(VERIFIER_COOKIE_PREFIX):
        yield f"{name} is not a usable cookie name: letters, digits and -._ are"
    if _CHUNK.search(cookie_name):
        yield f"{name} ends in a dot and a digit, as the parts of a large session do"
    if cookie_name == ACCESS_TOKEN_COOKIE:
        yield f"{name} is the name of the cookie that hands the access token to scripts"
    if len(lowered) > _MAX_NAME_LENGTH:
        yield f"{name} is longer than {_MAX_NAME_LENGTH} characters"
    if lowered.startswith(("__host-", "__secure-", "__http-")) and not is_secure:
        yield f"{name} has a prefix that needs Secure: use an https WORKOS_REDIRECT_URI"
    if lowered.startswith("__host-") and has_domain:
        yield f"{name} has the prefix __Host-, which forbids WORKOS_COOKIE_DOMAIN"


def domain_problems(domain: str, redirect_uri: str) -> Iterator[str]:
    """Yield what is wrong with the domain that is to share the session cookie."""
    name = "WORKOS_COOKIE_DOMAIN (cookie_domain)"
    parts = parse_http_url(redirect_uri)
    host = (parts.hostname or "") if parts else ""
    parent = domain.lower().removeprefix(".")
    if not _COOKIE_DOMAIN.fullmatch(domain):
        yield f"{name} is not a domain such as example.com"
    elif host and host != parent and not host.endswith(f".{parent}"):
        yield f"{name} does not contain WORKOS_REDIRECT_URI's host: browsers would drop the cookie"
    elif "." not in parent and not parent == host == "localhost":
        yield (
            f"{name} is one word: browsers drop cookies for all of it. Use a domain of your own, "
            "such as example.com; site.localhost in development"
        )
