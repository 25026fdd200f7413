"""Cookies on the wire: read as browsers write them, written octet for octet as the kits do."""

from __future__ import annotations

import itertools

import pytest
from emulated import settings
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import (
    MAX_COOKIE_BYTES,
    MAX_VERIFIER_LINE_BYTES,
    CookieWriter,
    cookie_values,
    is_verifier_cookie,
    read_cookies,
)
from authkit_asgi.errors import (
    ConfigurationError,
    PKCEPayloadTooLargeError,
    SessionTooLargeError,
)

EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
VERIFIER = "wos-auth-verifier-1a47e90b"
HTTP = "http://localhost:8000/callback"


def writer(**changes) -> CookieWriter:
    return CookieWriter(AuthKitConfig(**settings(**changes)))


def read(*lines: bytes) -> list[tuple[bytes, bytes]]:
    return list(read_cookies([(b"cookie", line) for line in lines]))


@pytest.mark.parametrize(
    ("lines", "cookies"),
    [
        ([b"wos-session=a"], [(b"wos-session", b"a")]),
        ([b"a=1; b=2"], [(b"a", b"1"), (b"b", b"2")]),
        ([b"a=1;b=2"], [(b"a", b"1"), (b"b", b"2")]),
        ([b"a=1", b"b=2; c=3"], [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]),
        ([b" \ta \t=\t 1 ;\tb=2 "], [(b"a", b"1"), (b"b", b"2")]),
        ([b"a=1;;; ;b=2;"], [(b"a", b"1"), (b"b", b"2")]),
        ([b"a=new; a=old"], [(b"a", b"new"), (b"a", b"old")]),
        ([b"a=1", b"a=2"], [(b"a", b"1"), (b"a", b"2")]),
        ([b'a="1"'], [(b"a", b"1")]),
        ([b'a=""'], [(b"a", b"")]),
        ([b'a="'], [(b"a", b'"')]),
        ([b'a="1'], [(b"a", b'"1')]),
        ([b'a=1"'], [(b"a", b'1"')]),
        ([b"a='1'"], [(b"a", b"'1'")]),
        ([b'a=" 1 "'], [(b"a", b" 1 ")]),
        ([b"a=b=c=="], [(b"a", b"b=c==")]),
        ([b"a="], [(b"a", b"")]),
        ([b"=a"], [(b"", b"a")]),
        ([b"nameless"], []),
        ([b"nameless; wos-session=a"], [(b"wos-session", b"a")]),
        ([b""], []),
        ([b"xwos-session=a; wos-sessionx=b; wos-session=c"],
         [(b"xwos-session", b"a"), (b"wos-sessionx", b"b"), (b"wos-session", b"c")]),
        ([b"x=wos-session=a"], [(b"x", b"wos-session=a")]),
        ([b"WOS-Session=a"], [(b"WOS-Session", b"a")]),
        ([b"a=%20%2B"], [(b"a", b"%20%2B")]),
        ([b"a=1+2"], [(b"a", b"1+2")]),
        ([b"a=\xc3\xbc; \xff=\xfe"], [(b"a", b"\xc3\xbc"), (b"\xff", b"\xfe")]),
        ([b"a=1, b=2"], [(b"a", b"1, b=2")]),
        ([b"a=\xa01\xa0"], [(b"a", b"\xa01\xa0")]),
        ([b"\x0ca=\x0b1\x0c"], [(b"\x0ca", b"\x0b1\x0c")]),
        ([b"a=Fe26.2*1*x*y-z_w**~2"], [(b"a", b"Fe26.2*1*x*y-z_w**~2")]),
        ([b"$Version=1; a=1; $Path=/"], [(b"$Version", b"1"), (b"a", b"1"), (b"$Path", b"/")]),
    ],
)  # fmt: skip
def test_cookie_header_is_read_as_browsers_write_it(lines, cookies):
    assert read(*lines) == cookies


def test_only_cookie_headers_are_read():
    headers = [(b"set-cookie", b"a=1"), (b"x-cookie", b"b=2"), (b"cookie", b"c=3")]
    assert list(read_cookies(headers)) == [(b"c", b"3")]


@pytest.mark.parametrize(
    ("headers", "values"),
    [
        ([], []),
        ([(b"cookie", b"a=1; wos-session=b"), (b"cookie", b'wos-session="c"')], ["b", "c"]),
        ([(b"cookie", b"xwos-session=a; wos-sessionx=b; x=wos-session; Wos-Session=c")], []),
        ([(b"cookie", b"wos-session"), (b"cookie", b"wos-session=")], [""]),
        ([(b"cookie", b"wos-session=\xc3\xbc\xff")], ["\xc3\xbc\xff"]),
        ([(b"set-cookie", b"wos-session=a"), (b"x", b"wos-session=b")], []),
    ],
)
def test_values_are_those_of_one_name_in_their_order(headers, values):
    assert cookie_values(headers, b"wos-session") == values


def test_huge_values_and_many_cookies_are_read_within_bounds():
    assert read(b"a=" + b"x" * 1_000_000) == [(b"a", b"x" * 1_000_000)]
    cookies = read(b"; ".join(b"c%d=1" % number for number in range(10_000)))
    assert [name for name, _ in cookies] == [b"c%d" % number for number in range(500)]


@given(st.lists(st.binary()))
def test_any_octets_are_read_without_an_exception(lines):
    for name, value in read(*lines):
        assert b"=" not in name
        assert b";" not in name + value


names = st.binary(min_size=1).filter(lambda name: not set(name) & set(b"=; \t"))
values = st.binary().filter(lambda value: not set(value) & set(b'; \t"'))


@given(st.lists(st.tuples(names, values), max_size=20), st.sampled_from([b";", b"; ", b" ;\t"]))
def test_what_is_joined_is_read_again(cookies, separator):
    assert read(separator.join(name + b"=" + value for name, value in cookies)) == cookies


@pytest.mark.parametrize(
    ("changes", "middle", "secure", "same_site", "verifier_same_site"),
    [
        ({}, "", "; Secure", "Lax", "Lax"),
        ({"redirect_uri": HTTP}, "", "", "Lax", "Lax"),
        ({"cookie_same_site": "strict"}, "", "; Secure", "Strict", "Lax"),
        ({"cookie_same_site": "STRICT", "redirect_uri": HTTP}, "", "", "Strict", "Lax"),
        ({"cookie_same_site": "none"}, "", "; Secure", "None", "None"),
        ({"cookie_same_site": "none", "redirect_uri": HTTP}, "", "; Secure", "None", "None"),
        ({"cookie_domain": "example.com"}, "; Domain=example.com", "; Secure", "Lax", "Lax"),
    ],
)
def test_lines_are_those_of_the_kits(changes, middle, secure, same_site, verifier_same_site):
    cookies = writer(**changes)
    start, end = f"; Path=/{middle}", f"; HttpOnly{secure}; SameSite="
    gone = f"; Max-Age=0; Expires={EPOCH}"
    assert cookies.session("SEAL")[0].line.decode() == (
        f"wos-session=SEAL{start}; Max-Age=34560000{end}{same_site}"
    )
    assert cookies.expire_session()[0].line.decode() == f"wos-session={start}{gone}{end}{same_site}"
    # Read by scripts; authkit-nextjs gives it no path.
    readable = end.replace("; HttpOnly", "") + same_site
    assert cookies.expire_access_token()[0].line.decode() == (
        f"workos-access-token={start}{gone}{readable}"
    )
    assert cookies.access_token("JWT").line.decode() == (
        f"workos-access-token=JWT; Path=/; Max-Age=30{readable}"
    )
    assert cookies.verifier(VERIFIER, "SEAL").line.decode() == (
        f"{VERIFIER}=SEAL{start}; Max-Age=600{end}{verifier_same_site}"
    )
    assert cookies.expire_verifier(VERIFIER).line.decode() == (
        f"{VERIFIER}={start}{gone}{end}{verifier_same_site}"
    )


def test_name_and_age_come_from_the_settings():
    line = writer(cookie_name="__Host-s", cookie_max_age=60).session("SEAL")[0].line
    assert line == b"__Host-s=SEAL; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"


def test_without_domain_there_is_one_deletion_and_with_domain_two():
    assert [cookie.key for cookie in writer().expire_session()] == [("wos-session", None)]
    lines = writer(cookie_domain="example.com").expire_session()
    assert [cookie.key for cookie in lines] == [
        ("wos-session", "example.com"),
        ("wos-session", None),
    ]
    assert b"; Domain=example.com;" in lines[0].line
    assert b"Domain" not in lines[1].line


def attributes(line: bytes) -> dict[str, str]:
    _, *rest = line.decode().split("; ")
    return dict(part.partition("=")[::2] for part in rest)


@pytest.mark.parametrize(
    "changes",
    [
        {"cookie_same_site": same_site, "redirect_uri": uri, "cookie_domain": domain}
        for same_site, (uri, domain) in itertools.product(
            ("lax", "strict", "none"),
            (
                (HTTP, None),
                ("https://app.example.com/callback", None),
                ("https://app.example.com/callback", "example.com"),
            ),
        )
    ],
)
def test_deletion_repeats_the_attributes_of_what_it_deletes(changes):
    cookies = writer(**changes)
    pairs = [
        (cookies.session("SEAL")[0], cookies.expire_session()[0]),
        (cookies.verifier(VERIFIER, "SEAL"), cookies.expire_verifier(VERIFIER)),
    ]
    for stored, deleted in pairs:
        assert stored.key == deleted.key
        kept, gone = attributes(stored.line), attributes(deleted.line)
        assert (gone.pop("Max-Age"), gone.pop("Expires")) == ("0", EPOCH)
        kept.pop("Max-Age")
        assert gone == kept


HOSTILE = ["\r\nSet-Cookie: x=y", "\n", "\r", ";", "; Domain=evil.example", ",", "=", " ", "\t",
           "\x00", "\x7f", '"', "é", "\u2028", "\ud800"]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cookie_name", "wos{}session"),
        ("cookie_name", "wos-session{}"),
        ("cookie_name", "{}wos-session"),
        ("cookie_domain", "example{}.com"),
        ("cookie_domain", "example.com{}"),
        ("cookie_domain", "{}example.com"),
        ("cookie_same_site", "lax{}"),
        ("cookie_same_site", "{}lax"),
        ("redirect_uri", "https://app.example{}.com/callback"),
        ("default_return_path", "/{}\\x"),
    ],
)
def test_setting_that_would_inject_into_a_header_is_refused(setting, value, hostile):
    with pytest.raises(ConfigurationError):
        writer(**{setting: value.format(hostile)})


@pytest.mark.parametrize("name", ["wos-session", "s", "a-much-longer-cookie-name"])
def test_session_cookie_fits_to_the_octet(name):
    cookies = writer(cookie_name=name, cookie_chunking=False)
    longest = "x" * (MAX_COOKIE_BYTES - len(name))
    (cookie,) = cookies.session(longest)
    assert longest.encode() in cookie.line
    with pytest.raises(SessionTooLargeError, match="4096") as caught:
        cookies.session(longest + "x")
    assert "xxxx" not in str(caught.value)


def test_verifier_line_fits_to_the_octet():
    cookies = writer()
    rest = len(cookies.verifier(VERIFIER, "").line)
    longest = "x" * (MAX_VERIFIER_LINE_BYTES - rest)
    assert len(cookies.verifier(VERIFIER, longest).line) == MAX_VERIFIER_LINE_BYTES
    with pytest.raises(PKCEPayloadTooLargeError) as caught:
        cookies.verifier(VERIFIER, longest + "x")
    assert "xxxx" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (b"wos-auth-verifier-1a47e90b", True),
        (b"wos-auth-verifier-00000000", True),
        (b"wos-auth-verifier-", False),
        (b"wos-auth-verifier", False),
        (b"wos-auth-verifier-1A47E90B", False),
        (b"wos-auth-verifier-1a47e90b0", False),
        (b"wos-auth-verifier-1a47e90", False),
        (b"xwos-auth-verifier-1a47e90b", False),
        (b"wos-auth-verifier-1a47e9\xc3\xbc", False),
        (b"wos-auth-verifier-1a47e90b\n", False),
        (b"wos-auth-verifier-a, b: c", False),
        (b"wos-session", False),
    ],
)
def test_verifier_cookies_are_known_by_their_whole_name(name, ours):
    assert is_verifier_cookie(name) is ours


def test_cookie_values_are_the_first_of_a_name_over_all_headers():
    line = b"; ".join(b"wos-session=%d" % number for number in range(6))
    headers = [(b"cookie", line), (b"accept", b"wos-session=x"), (b"cookie", line)]
    assert cookie_values(headers, b"wos-session") == ["0", "1", "2", "3", "4", "5", "0", "1"]
    assert cookie_values([(b"cookie", b"xwos-session=1; other=wos-session")], b"wos-session") == []
    assert cookie_values([(b"cookie", b"theme=dark")], b"wos-session") == []


def test_read_cookies_counts_over_all_headers():
    headers = [(b"cookie", b"; ".join([b"a=1"] * 400))] * 2
    assert len(list(read_cookies(headers))) == 500


def test_set_cookie_keeps_the_value_out_of_its_repr():
    (cookie,) = CookieWriter(AuthKitConfig(**settings())).session("a-sealed-session")
    assert b"a-sealed-session" in cookie.line
    assert "a-sealed-session" not in repr(cookie)
