"""Hostile Cookie headers: what other parsers were talked into, and what browsers really send."""

from __future__ import annotations

import pytest
from emulated import ORIGIN
from hypothesis import example, given
from hypothesis import strategies as st
from user_agent import Jar

from authkit_asgi.cookies import cookie_values, is_verifier_cookie, read_cookies

NAME = b"wos-session"
SEAL = b"Fe26.2*1*ab*cd*ef**gh*ij~2"

# The header, and the values that it holds of `wos-session`.
HEADERS: dict[str, tuple[list[bytes], list[bytes]]] = {
    # RFC 6265bis, 5.6: the octets that a browser cuts off are blank and tab, and no others.
    "tabs around": ([b"\twos-session\t=\tx\t"], [b"x"]),
    "a tab inside the value": ([b"wos-session=a\tb"], [b"a\tb"]),
    "a tab inside the name": ([b"wos\t-session=x"], []),
    "a no-break space before": ([b"\xa0wos-session=x"], []),
    "a line feed before": ([b"\nwos-session=x"], []),
    "a vertical tab after": ([b"wos-session\x0b=x"], []),
    "NUL at the end of the name": ([b"wos-session\x00=x"], []),
    "NUL inside the value": ([b"wos-session=a\x00b"], [b"a\x00b"]),
    "a control character in a neighbour": ([b"a=\x01; wos-session=x"], [b"x"]),
    # Nameless cookies: `=v` and `v`, which browsers send back as `v`.
    "nameless with an equals sign": ([b"=wos-session=x"], []),
    "nameless with two": ([b"==wos-session=x"], []),
    "nameless between": ([b"; =x; wos-session=y; =z"], [b"y"]),
    "name alone": ([b"wos-session"], []),
    "name alone beside the cookie": ([b"wos-session; wos-session=x"], [b"x"]),
    "blank name": ([b" \t = wos-session=x"], []),
    # The cookie sandwich: parsers that know RFC 2109 read quoted strings across semicolons.
    "a quote opened before": ([b'a="1; wos-session=x; b=2"'], [b"x"]),
    "a quote opened before, with a version": ([b'$Version=1; a="1; wos-session=x; b=2"'], [b"x"]),
    "a quote opened by the value": ([b'wos-session="x; a=1"'], [b'"x']),
    "an escaped quote": ([b'wos-session="a\\"b"'], [b'a\\"b']),
    "an octal escape is left alone": ([b'wos-session="\\073"'], [b"\\073"]),
    "quotes inside quotes": ([b'wos-session=""x""'], [b'"x"']),
    "three quotes": ([b'wos-session="""'], [b'"']),
    "quotes that do not match": ([b"wos-session=\"x'"], [b"\"x'"]),
    "quotes around the name": ([b'"wos-session"=x'], []),
    # RFC 2109 and 2965 attributes are cookies of these names.
    "$Path after": ([b"wos-session=x; $Path=/; $Domain=evil.example"], [b"x"]),
    "$-name": ([b"$wos-session=x"], []),
    "comma instead of semicolon": ([b"a=1,wos-session=x"], []),
    "comma in the value": ([b"wos-session=x,wos-session=y"], [b"x,wos-session=y"]),
    # Look-alikes.
    "suffix of a name": ([b"not-wos-session=x"], []),
    "prefix of a name": ([b"wos-session2=x; wos-session.=y; wos-session =z"], [b"z"]),
    "other case": ([b"WOS-SESSION=x; Wos-Session=y"], []),
    "other case beside the cookie": ([b"WOS-SESSION=x; wos-session=y; Wos-Session=z"], [b"y"]),
    "percent-encoded name": ([b"wos%2Dsession=x; wos-sessio%6e=y"], []),
    "underscore": ([b"wos_session=x"], []),
    "full-width hyphen": (["wos－session=x".encode()], []),  # noqa: RUF001
    "dotless i": (["wos-sessıon=x".encode()], []),  # noqa: RUF001
    "overlong UTF-8 of a hyphen": ([b"wos\xc0\xadsession=x"], []),
    "byte order mark": ([b"\xef\xbb\xbfwos-session=x"], []),
    "inside another value": ([b"a=b&wos-session=x; c=wos-session=y"], []),
    "array style": ([b"wos-session[]=x; wos-session[0]=y"], []),
    "prefixes": ([b"__Host-wos-session=x; __Secure-wos-session=y; __hOSt-wos-session=z"], []),
    # Several headers, as HTTP/2 allows; each ends its last pair.
    "split within a value": ([b'a="1', b'wos-session=x"'], [b'x"']),
    "split within a name": ([b"wos-", b"session=x"], []),
    "split after the semicolon": ([b"a=1;", b";wos-session=x"], [b"x"]),
    "empty headers between": ([b"", b"wos-session=x", b"", b" "], [b"x"]),
    "one in each": ([b"wos-session=x", b"wos-session=y"], [b"x", b"y"]),
    # Others.
    "nothing but separators": ([b";;;=;=;;"], []),
    "value with every separator": ([b"wos-session=a=b, c:d/e?f@g"], [b"a=b, c:d/e?f@g"]),
    "UTF-8": (["wos-session=ü".encode()], ["ü".encode()]),
    "Latin-1": ([b"wos-session=\xfc"], [b"\xfc"]),
    "empty": ([b"wos-session="], [b""]),
    "empty in quotes": ([b'wos-session=""'], [b""]),
    "a seal": ([b"a=1; wos-session=" + SEAL], [SEAL]),
}


@pytest.mark.parametrize(("lines", "values"), HEADERS.values(), ids=HEADERS)
def test_hostile_header_yields_the_cookies_that_a_browser_meant(lines, values):
    headers = [(b"cookie", line) for line in lines]
    assert cookie_values(headers, NAME) == [value.decode("latin-1") for value in values]
    assert [value for name, value in read_cookies(headers) if name == NAME] == values


def unquoted(value: bytes) -> bytes:
    return value[1:-1] if len(value) > 1 and value[:1] == value[-1:] == b'"' else value


def as_specified(line: bytes) -> list[tuple[bytes, bytes]]:
    """Take a Cookie header apart octet by octet, by the rules of RFC 6265bis, 5.6."""
    found, pair = [], bytearray()
    for octet in line + b";":
        if octet != ord(";"):
            pair.append(octet)
            continue
        if ord("=") in pair:
            at = pair.index(ord("="))
            name, value = bytes(pair[:at]), bytes(pair[at + 1 :])
            found.append((name.strip(b" \t"), unquoted(value.strip(b" \t"))))
        pair.clear()
    return found


pieces = st.lists(
    st.sampled_from(
        [NAME, b"=", b";", b'"', b'="a"', b" ", b"\t", b",", b"\\", b"$Version=1", b"a", b"\x00",
         b"\x0b", b"\xa0", b"\xc3\xbc", b"\xff", b"wos-auth-verifier-1a47e90b", b"__Host-", b"%3D"]
    ),
    max_size=30,
).map(b"".join)  # fmt: skip


@given(st.lists(pieces | st.binary(), max_size=4))
@example([b"\x0ba=1"])
def test_any_header_is_taken_apart_by_the_rules_for_browsers(lines):
    headers = [(b"cookie", line) for line in lines]
    assert read_cookies(headers) == as_specified(b";".join(lines))


@given(pieces, pieces)
def test_neighbours_never_change_the_cookie_between_them(before, after):
    line = before + b"; wos-session=" + SEAL + b"; " + after
    assert SEAL.decode() in cookie_values([(b"cookie", line)], NAME)[:8]


@given(st.lists(pieces, max_size=4))
def test_pending_sign_ins_are_found_under_exactly_their_names_only(lines):
    for name, _ in read_cookies([(b"cookie", line) for line in lines]):
        if is_verifier_cookie(name):
            assert name == b"wos-auth-verifier-1a47e90b"


# Names, values and attributes that a page of a sibling host can give a cookie in a browser.
tossed = st.tuples(
    st.sampled_from(["wos-session", "=wos-session", "", "a", "Wos-Session", "__Host-wos-session"]),
    st.sampled_from(["x", '"x', 'y"', "wos-session=x", "=", ",", "a b"]),
    st.sampled_from(["", "; Domain=example.com", "; Domain=.example.com; Path=/who"]),
)


@given(st.lists(tossed, max_size=8))
def test_what_a_browser_sends_beside_the_session_leaves_its_value_whole(cookies):
    jar = Jar()
    for name, value, attributes in cookies:
        jar.set(f"{name}={value}; Secure{attributes}", "https://evil.example.com/")
    jar.set(b"wos-session=" + SEAL + b"; Path=/; Secure", ORIGIN)
    line = jar.header(f"{ORIGIN}/who") or ""
    assert SEAL.decode() in cookie_values([(b"cookie", line.encode())], NAME)
