"""Where a sign-in or sign-out may end: on this site, whatever the browser makes of the text."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from authkit_asgi.pkce import safe_return_path

ORIGIN = "https://app.example.com"
DEFAULT = "/default"


def as_browser(target: str) -> str:
    """Return the origin a browser goes to from a `Location` or `href` of this application.

    As the WHATWG URL parser reads it: blanks and controls around are cut off, tabs and line ends
    anywhere taken out, backslashes are slashes.
    """
    target = re.sub(r"[\t\r\n]", "", target.strip("".join(map(chr, range(0x21)))))
    parts = urlsplit(urljoin(ORIGIN + "/login", target.replace("\\", "/")))
    return f"{parts.scheme}://{parts.netloc}"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/dashboard",
        "/a/b/c.html",
        "/a?b=c&d=e#f",
        "/a?next=https://evil.example/",
        "/a?next=//evil.example",
        "/a#//evil.example",
        "/a//b",
        "/.//evil.example",
        "/a/../b",
        "/@evil.example",
        "/:80",
        "/https://evil.example",
        "/javascript:alert(1)",
        "/%2F%2Fevil.example",
        "/%2f/evil.example",
        "/%5Cevil.example",
        "/%5c%5cevil.example",
        "/%09/evil.example",
        "/%0d%0aSet-Cookie:%20x=y",
        "/%00",
        "/%",
        "/%zz",
        "/%C3%BC?q=%F0%9F%98%80+x",
        "/search?q=a+b%20c",
        "/a;v=1,2",
        "/~user/!$&'()*+,=",
        "/[x]?[y]=^`{|}",
        "/?",
        "/#",
        "/" + "x" * 2047,
    ],
)
def test_path_of_this_site_survives_unchanged(path):
    assert safe_return_path(path, DEFAULT) == path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ü", "/%C3%BC"),
        ("/über?q=naïve#ß", "/%C3%BCber?q=na%C3%AFve#%C3%9F"),
        ("/日本?x=1&y=2", "/%E6%97%A5%E6%9C%AC?x=1&y=2"),
        ("/😀", "/%F0%9F%98%80"),
        ("/%C3%BC/ü", "/%C3%BC/%C3%BC"),
        ("/ü[a]{b}|^`\"<>'", "/%C3%BC[a]{b}|^`\"<>'"),
        ("/\u2028\u2029", "/%E2%80%A8%E2%80%A9"),
        ("/\u3000x\xa0", "/%E3%80%80x%C2%A0"),
        ("/\x85x\x9f", "/%C2%85x%C2%9F"),
        ("/／evil.example", "/%EF%BC%8Fevil.example"),  # noqa: RUF001  # full-width slash
        ("/\u2044evil.example", "/%E2%81%84evil.example"),
        ("/＼evil.example", "/%EF%BC%BCevil.example"),  # noqa: RUF001  # full-width backslash
        ("/\u202eevil", "/%E2%80%AEevil"),
        ("/\ufeff//evil.example", "/%EF%BB%BF//evil.example"),
    ],
)
def test_non_ascii_is_percent_encoded_as_browsers_do(path, expected):
    assert safe_return_path(path, DEFAULT) == expected
    assert unquote(expected) == unquote(path)


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "dashboard",
        "./x",
        "../x",
        "?x",
        "#x",
        "@evil.example",
        ".evil.example",
        "evil.example",
        "https://evil.example",
        "https://app.example.com/",
        "https:/evil.example",
        "https:evil.example",
        "http:/\\evil.example",
        "HTTPS://evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "mailto:x@y",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "//evil.example/..",
        "//evil.example@app.example.com",
        "//app.example.com@evil.example",
        "//",
        "//\tevil.example",
        "/\\evil.example",
        "/\\/evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "\\evil.example",
        "/a\\b",
        "/a\\..\\..\\b",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\t\\evil.example",
        "\t//evil.example",
        "\n//evil.example",
        " //evil.example",
        " /x",
        "/ /evil.example",
        "/x ",
        "/a b",
        "/\x00/evil.example",
        "\x00//evil.example",
        "/\x01x",
        "/\x0b/evil.example",
        "/\x0c/evil.example",
        "/\x1f/evil.example",
        "/\x7f/evil.example",
        "/x\r\nSet-Cookie: a=b",
        "/x\r\n\r\n<script>",
        "/x\n",
        "\u2028//evil.example",
        "\u3000/evil.example",
        "\ufeff//evil.example",
        "／／evil.example",  # noqa: RUF001  # full-width slashes
        "/\ud800",
        "/a\udfffb",
        "/\ud83d\ude00",
        "/" + "x" * 2048,
        "/" + "x" * 1_000_000,
    ],
)
def test_what_leads_away_or_is_ambiguous_becomes_the_default(path):
    assert safe_return_path(path, DEFAULT) == DEFAULT


pieces = st.lists(
    st.sampled_from(
        ["/", "\\", "//", ".", "..", "@", ":", "?", "#", "%", "%2f", "%5c", "%09", "\t", "\n",
         "\r", " ", "\x00", "\x0b", "evil.example", "https:", "javascript:", "[", "]", "ü",
         "\uff0f", "\u2028", "\ufeff", "\ud800", "a", "<", ">", '"', "&", ";"]
    )
).map("".join)  # fmt: skip


@given(pieces | st.text())
@example("/\t/evil.example")
@example("/.//evil.example")
def test_result_never_leaves_the_site(path):
    for candidate in (path, "/" + path, "//" + path, "/\\" + path):
        result = safe_return_path(candidate, DEFAULT)
        assert as_browser(result) == ORIGIN
        assert as_browser(ORIGIN + result) == ORIGIN
        assert result.isascii()
        assert not set(result) & set("\r\n\t \\\x00")


@given(st.text(alphabet=[chr(code) for code in range(0x21, 0x7F) if chr(code) != "\\"]))
def test_ascii_paths_survive_unchanged(rest):
    assume(not rest.startswith("/"))
    assert safe_return_path("/" + rest, DEFAULT) == "/" + rest


@given(st.text(alphabet=st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=1))
def test_unicode_paths_are_what_quote_makes_of_them(rest):
    assert safe_return_path("/" + rest, DEFAULT) == "/" + quote(rest, safe="")


def test_browser_reading_used_here_sees_the_known_tricks():
    for trick in ("//evil.example", "/\\evil.example", "/\t/evil.example", " //evil.example"):
        assert as_browser(trick) == "https://evil.example"
