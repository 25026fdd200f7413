"""What the settings make of cookies: whole lines, for the domain and for this host."""

from __future__ import annotations

import pytest
from emulated import settings

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter

GONE = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite="


def writer(**changes) -> CookieWriter:
    return CookieWriter(AuthKitConfig(**settings(**changes)))


@pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
def test_deletion_beside_a_domain_differs_from_the_first_in_the_domain_only(same_site):
    cookies = writer(cookie_domain="example.com", cookie_same_site=same_site.lower())
    end = GONE + same_site
    readable = end.replace("; HttpOnly", "")
    assert [cookie.line.decode() for cookie in cookies.expire_session()] == [
        f"wos-session=; Path=/; Domain=example.com{end}",
        f"wos-session=; Path=/{end}",
    ]
    assert [cookie.line.decode() for cookie in cookies.expire_access_token()] == [
        f"workos-access-token=; Path=/; Domain=example.com{readable}",
        f"workos-access-token=; Path=/{readable}",
    ]
    assert [cookie.line.decode() for cookie in cookies.expire_host_only_session()] == [
        f"wos-session=; Path=/{end}"
    ]


def test_without_a_domain_no_host_only_session_is_left_to_delete():
    assert writer().expire_host_only_session() == []


@pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
def test_time_of_last_use_is_written_and_deleted_like_the_session(same_site):
    cookies = writer(cookie_domain="example.com", cookie_same_site=same_site.lower())
    assert cookies.activity("value").line.decode() == (
        "wos-session-activity=value; Path=/; Domain=example.com; Max-Age=34560000; HttpOnly; "
        f"Secure; SameSite={same_site}"
    )
    assert [cookie.line.decode() for cookie in cookies.expire_activity()] == [
        f"wos-session-activity=; Path=/; Domain=example.com{GONE}{same_site}",
        f"wos-session-activity=; Path=/{GONE}{same_site}",
    ]


def test_time_of_last_use_is_noted_where_it_is_asked_for():
    assert writer(inactivity_timeout=3600).notes_activity is True
    assert writer().notes_activity is False


def test_session_may_be_several_cookies_unless_they_are_not_wanted():
    assert writer().may_chunk is True
    assert writer(cookie_chunking=False).may_chunk is False
