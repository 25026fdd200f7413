"""The cookies that a response is about to carry, until its headers are sent."""

from __future__ import annotations

import pytest

from authkit_asgi.cookie_changes import CookieChanges
from authkit_asgi.cookies import SetCookie, verifier_cookies
from authkit_asgi.errors import ResponseStartedError

FIRST = SetCookie("a", None, b"a=1")
SECOND = SetCookie("a", None, b"a=2")
OF_THE_DOMAIN = SetCookie("a", "example.com", b"a=3")
OTHER = SetCookie("b", None, b"b=1")


def test_of_several_for_one_cookie_the_last_is_sent():
    changes = CookieChanges()
    changes.write(FIRST, OTHER)
    changes.write(SECOND)
    assert changes.close() == [SECOND, OTHER]


def test_cookies_of_host_and_domain_are_two():
    changes = CookieChanges()
    changes.write(FIRST, OF_THE_DOMAIN)
    assert changes.close() == [FIRST, OF_THE_DOMAIN]


def test_what_is_discarded_is_not_sent_whatever_it_would_have_become():
    changes = CookieChanges()
    changes.write(FIRST, OTHER, OF_THE_DOMAIN)
    changes.discard(SECOND, SetCookie("c", None, b"c="))
    assert changes.close() == [OTHER, OF_THE_DOMAIN]


def test_after_the_headers_nothing_can_be_written():
    changes = CookieChanges()
    changes.require_open()
    changes.write(FIRST)
    assert changes.is_closed is False
    assert changes.close() == [FIRST]
    assert changes.is_closed is True
    with pytest.raises(ResponseStartedError):
        changes.require_open()
    with pytest.raises(ResponseStartedError):
        changes.write(OTHER)
    assert changes.close() == [FIRST]


def test_verifier_cookies_are_those_of_pending_sign_ins():
    headers = [
        (b"cookie", b"wos-auth-verifier-00c0ffee=st\xe4te; wos-session=s; wos-auth-verifier-1=x"),
        (b"host", b"wos-auth-verifier-00000001=y"),
        (b"cookie", b"wos-auth-verifier-0badcafe=other"),
    ]
    assert verifier_cookies(headers) == {
        "wos-auth-verifier-00c0ffee": "st\xe4te",
        "wos-auth-verifier-0badcafe": "other",
    }
    assert verifier_cookies([]) == {}
