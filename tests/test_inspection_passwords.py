"""`authkit-asgi inspect` opens what the middleware opens while a password is changed."""

from __future__ import annotations

import pytest
from emulated import PASSWORD

from authkit_asgi.errors import ConfigurationError
from authkit_asgi.inspection import CookieSettings
from authkit_asgi.seal import seal, unseal

OLDER = "an older cookie password that has no comma"


def test_cookie_under_a_previous_password_is_opened():
    environ = {
        "WORKOS_COOKIE_PASSWORD": PASSWORD,
        "WORKOS_COOKIE_PASSWORD_PREVIOUS": OLDER,
    }
    password = CookieSettings.from_env(environ).password
    assert unseal(seal("old", OLDER), password) == "old"
    assert unseal(seal("new", PASSWORD), password) == "new"


def test_previous_password_that_cannot_be_one_is_a_fault():
    environ = {"WORKOS_COOKIE_PASSWORD": PASSWORD, "WORKOS_COOKIE_PASSWORD_PREVIOUS": "short"}
    with pytest.raises(ConfigurationError, match="WORKOS_COOKIE_PASSWORD_PREVIOUS"):
        CookieSettings.from_env(environ)
