"""The soak notices what is somebody else's, what comes out of a cache, and what is lost."""

from __future__ import annotations

import collections
import json

import pytest
from caching_front import CACHES, Front
from emulated import sealed
from front_client import Reply
from soak import idle_caches
from soak_checks import SESSION, Asked, Identity, faults, is_lost, opened

from authkit_asgi.testing import WorkOSEmulator


@pytest.fixture
def ada(emulator: WorkOSEmulator) -> str:
    """Ada's session cookie."""
    return sealed(emulator.sign_in("user_ada"))


@pytest.fixture
def bob(emulator: WorkOSEmulator) -> str:
    return sealed(emulator.sign_in("user_bob"))


def reply(body: object = None, *, cookie: str | None = None, cache: str = "MISS") -> Reply:
    headers = [("content-type", "application/json"), ("x-cache-status", cache)]
    if cookie is not None:
        headers.append(("set-cookie", f"{SESSION}={cookie}; Path=/"))
    return Reply(200, tuple(headers), json.dumps(body).encode())


def page_of(who: Identity) -> dict[str, str | None]:
    return {"user": who.user_id, "session": who.session_id}


def test_own_page_and_own_cookie_are_right(ada):
    asked = Asked("GET", "/who/plain", opened(ada))
    assert list(faults(asked, reply(page_of(opened(ada)), cookie=ada))) == []
    session = {"user": {"id": "user_ada"}}
    assert list(faults(Asked("GET", "/session", opened(ada)), reply(session))) == []


@pytest.mark.parametrize("path", ["/who/plain", "/news/1", "/session", "/logout"])
def test_cookie_of_another_is_noticed(ada, bob, path):
    for who in (opened(ada), None):
        (fault,) = faults(Asked("GET", path, who), reply({"page": "1"}, cookie=bob))
        assert fault.startswith("the cookie of Identity(user_id='user_bob'")


def test_cookie_of_another_session_of_the_same_user_is_noticed(ada, emulator):
    other = sealed(emulator.sign_in("user_ada"))
    assert len(list(faults(Asked("GET", "/who/plain", opened(ada)), reply(cookie=other)))) == 1


def test_cookie_that_is_no_session_is_noticed(ada):
    (fault,) = faults(Asked("GET", "/who/plain", opened(ada)), reply(cookie="Fe26.2*1*x"))
    assert fault == "a cookie comes that is no session of this site's"


def test_callback_has_to_bring_the_user_who_signs_in(ada, bob):
    asked = Asked("GET", "/callback", opened(ada), signs_in="user_bob")
    assert list(faults(asked, reply(cookie=bob))) == []
    assert len(list(faults(asked, reply(cookie=ada)))) == 1


@pytest.mark.parametrize("kind", ["page", "session", "token"])
def test_page_of_another_is_noticed(ada, bob, emulator, kind):
    token = emulator.sign_in("user_bob")["access_token"]
    body = {
        "page": page_of(opened(bob)),
        "session": {"user": {"id": "user_bob"}},
        "token": {"access_token": token},
    }[kind]
    for who in (opened(ada), None):
        (fault,) = faults(Asked("GET", "/api", who), reply(body))
        assert fault.startswith("the page of Identity(user_id='user_bob'")


def test_strangers_page_is_noticed_where_a_cookie_was_sent(ada):
    nobody = {"user": None, "reason": "no_session_cookie_provided"}
    (fault,) = faults(Asked("GET", "/who/plain", opened(ada)), reply(nobody))
    assert fault == "a stranger's page comes to somebody with a cookie"
    stranger = Asked("GET", "/who/plain", None, has_cookie=False)
    assert list(faults(stranger, reply(nobody, cache="HIT"))) == []


@pytest.mark.parametrize("status", ["HIT", "STALE", "UPDATING", "REVALIDATED"])
def test_what_a_cache_may_not_keep_is_noticed(ada, status):
    (fault,) = faults(
        Asked("GET", "/news/1", opened(ada)), reply({"page": "1"}, cookie=ada, cache=status)
    )
    assert fault == f"the cookie {SESSION} comes out of the cache"
    for path in ("/login", "/callback", "/logout", "/session", "/token", "/members", "/socket"):
        (fault,) = faults(Asked("GET", path, opened(ada)), reply(cache=status))
        assert fault == "what is nobody else's comes out of the cache"


def test_another_page_or_file_is_noticed(ada):
    assert list(faults(Asked("GET", "/news/1", opened(ada)), reply({"page": "2"})))
    assert list(faults(Asked("GET", "/static/1", opened(ada)), reply()))
    assert list(faults(Asked("GET", "/who/plain", opened(ada)), Reply(500, (), b""))) == [
        "status 500"
    ]


def test_who_is_nobody_all_at_once_has_lost_a_session(ada):
    asked = Asked("GET", "/who/plain", opened(ada))
    assert is_lost(asked, reply({"user": None, "reason": "refresh_denied"}))
    assert is_lost(asked, reply(cookie=""))
    assert is_lost(asked, Reply(401, (), b""))
    assert is_lost(Asked("GET", "/members", opened(ada)), Reply(303, (), b""))


def test_who_has_signed_out_or_has_to_wait_has_lost_nothing(ada):
    nobody = reply({"user": None, "reason": "temporarily_unavailable"})
    assert not is_lost(Asked("GET", "/who/plain", opened(ada)), nobody)
    assert not is_lost(Asked("GET", "/who/plain", None), Reply(401, (), b""))
    assert not is_lost(Asked("POST", "/logout", opened(ada)), reply(cookie=""))
    assert not is_lost(Asked("GET", "/callback", opened(ada), signs_in="user_bob"), reply())


def test_cache_that_has_served_nothing_is_named():
    fronts = [Front(name, 1, 2) for name in CACHES]
    first, *others = CACHES
    counts = collections.Counter({f"cache {first}: HIT": 1, f"cache {others[0]}: MISS": 5})
    assert idle_caches(fronts, counts) == others
