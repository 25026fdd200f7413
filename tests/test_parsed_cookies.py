"""The one cookie that is asked for is found as if all were taken apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authkit_asgi.cookies import parsed_cookies, read_cookies, sole_cookie
from authkit_asgi.session_cookies import NONE_SENT, SentCookies, sent_cookies

NAME = b"wos-session"
MOST = 500

pieces = st.lists(
    st.sampled_from(
        [NAME, b"wos-session=x", b"wos-session.0=y", b"wos-session-activity=z", b"=", b";", b"; ",
         b'"', b" ", b"\t", b"a=1", b"a", b"\xff", b"Wos-Session"]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


def cookies(*lines: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"wos-session=no cookie"), *((b"cookie", line) for line in lines)]


@given(st.lists(pieces, max_size=3))
@example([b"a=1; wos-session=x", b"wos-session=y"])
@example([b"wos-session=x; a=wos-session"])
@example([b"wos-session=wos-session"])
def test_every_cookie_of_the_name_is_found_and_none_that_is_not_there(lines):
    headers = cookies(*lines)
    everything = read_cookies(headers)
    found = list(parsed_cookies(headers, NAME))
    for name in (NAME, b"wos-session.0", b"wos-session-activity"):
        assert [one for one in found if one[0] == name] == [
            one for one in everything if one[0] == name
        ]
    assert found == [one for one in everything if one in found]


@given(st.lists(pieces, max_size=3))
@example([b"wos-session=x"])
@example([b"a=1; wos-session=x; b=2"])
@example([b"a=1;  wos-session=x"])
@example([b"a=1;wos-session=x"])
@example([b"wos-session=x; wos-session=y"])
@example([b"wos-session=x", b"wos-session=x"])
@example([b"wos-session="])
@example([b'wos-session="x"'])
@example([b"wos-session= x"])
@example([b"a-wos-session=x"])
@example([b"wos-session.0=x"])
@example([b"", b"wos-session=x"])
def test_a_look_finds_what_a_full_reading_does_or_says_that_it_takes_one(lines):
    headers = cookies(*lines)
    sent = sent_cookies(headers, NAME)
    found = sole_cookie(headers, NAME)
    if found == b"":
        assert sent is NONE_SENT
    elif found is not None:
        assert sent == SentCookies(plain=(found.decode("latin-1"),))


@pytest.mark.parametrize(
    "line",
    [
        b"wos-session=x",
        b"a=1; wos-session=x",
        b"wos-session=x; b=2",
        b"wos-session=x; b=2; c=3",
        b"a=1; " * 120 + b"wos-session=x" + b"; b=2" * MOST,
    ],
)
def test_a_look_is_enough_for_what_browsers_send(line):
    assert sole_cookie(cookies(line), NAME) == b"x"
    assert sole_cookie(cookies(b"a=1; b=2"), NAME) == b""
    assert sole_cookie([], NAME) == b""


@pytest.mark.parametrize("value", [b"X", b"XxX", b"a=b", b"=", b"a b", b"\xff"])
def test_a_look_is_enough_for_a_value_that_no_blanks_or_quotes_surround(value):
    assert sole_cookie(cookies(b"a=1; wos-session=" + value), NAME) == value


@given(st.lists(pieces, max_size=3))
@example([b"a-wos-session=x"])
def test_session_cookies_are_those_that_a_full_reading_finds(lines):
    headers = cookies(*lines)
    plain = [value.decode("latin-1") for name, value in read_cookies(headers) if name == NAME]
    sent = sent_cookies(headers, NAME)
    assert list(sent.plain) == list(dict.fromkeys(plain))[:8]
    assert sent is NONE_SENT or sent.plain or sent.chunks


@pytest.mark.parametrize("other", [b"a=1; ", b"; "])
@pytest.mark.parametrize(
    ("before", "is_read"), [(0, True), (MOST - 1, True), (MOST, False), (MOST + 1, False)]
)
def test_a_cookie_behind_500_others_is_not_read(before, is_read, other):
    headers = cookies(other * before + b"wos-session=x")
    assert list(parsed_cookies(headers, NAME)) == [(NAME, b"x")] * is_read
    assert [one for one in read_cookies(headers) if one[0] == NAME] == [(NAME, b"x")] * is_read
    assert sole_cookie(headers, NAME) == (b"x" if is_read else None)


def test_blanks_and_quotes_around_the_one_cookie_are_taken_off():
    assert list(parsed_cookies(cookies(b'a=1;\t wos-session \t= "x" ;b=2'), NAME)) == [(NAME, b"x")]
