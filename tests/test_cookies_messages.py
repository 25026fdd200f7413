"""What a cookie that is too large says: why, and what to shorten."""

from __future__ import annotations

import pytest
from emulated import settings

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import PKCEPayloadTooLargeError, SessionTooLargeError


def test_session_that_is_too_large_names_the_limit_and_the_remedy():
    with pytest.raises(SessionTooLargeError) as caught:
        CookieWriter(AuthKitConfig(**settings())).session("x" * 4096)
    assert str(caught.value) == (
        "The sealed session and its cookie's name are longer than the 4096 bytes that browsers "
        "store. Shorten the access token: fewer permissions in the role, or a smaller JWT template"
    )


def test_verifier_that_is_too_large_names_what_makes_it_so():
    with pytest.raises(PKCEPayloadTooLargeError) as caught:
        CookieWriter(AuthKitConfig(**settings())).verifier("wos-auth-verifier-0", "x" * 4096)
    assert str(caught.value) == (
        "The return path and the custom state together do not fit into a cookie"
    )
