"""What is taken off around a cookie's name and value: blanks and tabs, and no other octet."""

from __future__ import annotations

import pytest

from authkit_asgi.cookies import read_cookies

OCTETS = [bytes([octet]) for octet in range(256) if octet not in b';=" \t']


@pytest.mark.parametrize("blank", [b" ", b"\t", b" \t \t"], ids=repr)
def test_blanks_and_tabs_are_taken_off(blank):
    line = blank + b"a" + blank + b"=" + blank + b"1" + blank
    assert read_cookies([(b"cookie", line)]) == [(b"a", b"1")]


@pytest.mark.parametrize("octet", OCTETS, ids=bytes.hex)
def test_other_octet_at_an_end_is_part_of_the_name_or_value(octet):
    line = b"%ba%b=%b1%b" % (octet, octet, octet, octet)
    assert read_cookies([(b"cookie", line)]) == [
        (b"%ba%b" % (octet, octet), b"%b1%b" % (octet, octet))
    ]
