"""Which access tokens go into a cookie: what fits, what may stand there, what is new."""

from __future__ import annotations

import pytest
from emulated import settings
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.eager_auth import EagerAuth

NAME = "workos-access-token"
ROOM = 4096 - len(NAME)


def written(token: str, *sent: str) -> list[str]:
    eager = EagerAuth(CookieWriter(AuthKitConfig(**settings())))
    return [cookie.line.decode() for cookie in eager.cookies(token, sent)]


def test_token_that_just_fits_is_written_and_a_longer_one_is_not(caplog):
    (line,) = written("x" * ROOM)
    assert line.startswith(f"{NAME}={'x' * ROOM}; Path=/; Max-Age=30")
    assert caplog.messages == []
    assert written("x" * (ROOM + 1)) == []
    assert len(caplog.messages) == 1


def test_warning_comes_once(caplog):
    eager = EagerAuth(CookieWriter(AuthKitConfig(**settings())))
    for token in ("x" * 5000, "y" * 5000, "z"):
        eager.cookies(token, ())
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("token", ["", "a;b", "a b", "a\r\nb", "a,b", 'a"b', "a=", "é", "a\n"])
def test_text_that_is_no_token_is_not_written(token):
    assert written(token) == []


@given(st.text(st.characters(max_codepoint=255)))
def test_nothing_but_a_token_gets_into_the_line(token):
    for line in written(token):
        assert line == f"{NAME}={token}; Path=/; Max-Age=30; Secure; SameSite=Lax"
        assert not set(token) & set(' ;,"\\\r\n\t\x00')


def test_token_that_was_sent_is_not_written():
    assert written("a.b.c", "x", "a.b.c") == []
    assert len(written("a.b.c", "x", "a.b")) == 1
