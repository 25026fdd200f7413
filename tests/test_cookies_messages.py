"""What a cookie that is too large says: why, and what to shorten."""

from __future__ import annotations

import pytest
from emulated import settings

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import PKCEPayloadTooLargeError, SessionTooLargeError


@pytest.mark.parametrize(
    ("changes", "limit"),
    [({}, 7168), ({"cookie_chunking": False}, 4096), ({"max_session_cookie_bytes": 5000}, 5000)],
)
def test_session_that_is_too_large_names_the_limit_and_the_remedy(changes, limit):
    with pytest.raises(SessionTooLargeError) as caught:
        CookieWriter(AuthKitConfig(**settings(**changes))).session("x" * 7168)
    assert str(caught.value) == (
        f"The sealed session does not fit into cookies of {limit} bytes in all. Choose "
        "session_user_fields, or shorten the access token: fewer permissions in the role, or a "
        "smaller JWT template"
    )


def test_verifier_that_is_too_large_names_what_makes_it_so():
    with pytest.raises(PKCEPayloadTooLargeError) as caught:
        CookieWriter(AuthKitConfig(**settings())).verifier("wos-auth-verifier-0", "x" * 4096)
    assert str(caught.value) == (
        "The return path and the custom state together do not fit into a cookie"
    )
