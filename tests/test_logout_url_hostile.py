"""The address at WorkOS that ends a session: no session id and no return_to can bend it."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from emulated import API, ORIGIN, OTHER_PASSWORD, PASSWORD, service, settings
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.origins import origin_of
from authkit_asgi.seal import seal
from authkit_asgi.session import Session, unseal_session

pytestmark = pytest.mark.anyio

ADDRESS = f"{API}/user_management/sessions/logout"
LISTED = ("https://www.example.com", "https://*.preview.example.com", "http://localhost:*")
AUTHKIT = AuthKit(AuthKitConfig(**settings(logout_return_origins=LISTED)))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def sealed_with(claims: object, password: str = PASSWORD) -> str:
    """Return a cookie whose token has these claims, and neither a good header nor signature."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    user = {"id": "user_ada", "email": "ada@example.com"}
    return seal({"accessToken": f"e30.{body}.AAAA", "user": user}, password)


def session_with(claims: object) -> Session:
    return unseal_session(sealed_with(claims), PASSWORD)


def check_leads_to_workos(url: str, session_id: str, return_to: str | None) -> None:
    assert url.partition("?")[0] == ADDRESS
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    expected = [("session_id", session_id)]
    if return_to is not None:
        expected.append(("return_to", return_to))
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert sorted(query) == sorted(expected)


ODD_IDS = {
    "another parameter": "s&return_to=https://evil.example",
    "a semicolon": "s;return_to=https://evil.example",
    "the end of the query": "s#return_to",
    "another path": "../../authorize?client_id=x",
    "another host": "@evil.example/",
    "line ends": "s\r\nSet-Cookie: a=b",
    "a NUL": "s\x00",
    "escapes": "s%26return_to%3Dx",
    "a plus": "s+t",
    "a blank": " ",
    "another alphabet": "сессия",
    "line separators": "s\u2028\u2029\x85",
    "bidi controls": "s\u202e\u2066",
    "beyond the first plane": "s\U0001f511",
    "the last of all": "\U0010ffff",
    "a terminal's escape": "\x1b[2J",
    "HTML": "<script>alert(1)</script>",
    "long": "s" * 3000,
}


@pytest.mark.parametrize("session_id", ODD_IDS.values(), ids=ODD_IDS)
@pytest.mark.parametrize("return_to", [None, "/bye?a=b&session_id=c", "https://evil.example"])
async def test_odd_session_id_is_one_parameter_and_no_more(session_id, return_to):
    url = AUTHKIT.logout_url(session_with({"sid": session_id}), return_to)
    target = {None: None, "https://evil.example": f"{ORIGIN}/"}
    check_leads_to_workos(url, session_id, target.get(return_to, f"{ORIGIN}{return_to}"))


@given(TEXT, st.none() | st.text() | TEXT.map("/".__add__))
def test_any_session_id_and_any_return_to_are_two_parameters_at_most(session_id, return_to):
    url = AUTHKIT.logout_url(session_with({"sid": session_id}), return_to)
    reached = parse_qs(urlsplit(url).query, keep_blank_values=True).get("return_to", [None])[0]
    check_leads_to_workos(url, session_id, reached)
    assert (reached is None) == (return_to is None)
    assert reached is None or reached.startswith(f"{ORIGIN}/")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.just(""),
                    lambda items: st.lists(items) | st.dictionaries(st.text(), items)))  # fmt: skip
def test_session_id_of_any_other_type_never_leaves_the_site(value):
    for claims in ({"sid": value}, [value], value):
        assert AUTHKIT.logout_url(session_with(claims), "/bye") == f"{ORIGIN}/bye"


@pytest.mark.parametrize("name", ["SID", "sid ", "session_id", "sub", "jti", "org_id"])
async def test_no_other_claim_stands_for_the_session_id(name):
    assert AUTHKIT.logout_url(session_with({name: "session_1"}), None) == "/"


def other_end(sealed: str) -> str:
    """Return a seal whose MAC ends in another character."""
    return f"{sealed[:-3]}{'A' if sealed[-3] != 'A' else 'E'}~2"


NOT_AUTHENTIC = {
    "of another password": lambda: sealed_with({"sid": "session_evil"}, OTHER_PASSWORD),
    "another end": lambda: other_end(sealed_with({"sid": "session_evil"})),
    "no seal": lambda: json.dumps({"accessToken": "e30.eyJzaWQiOiJzZXNzaW9uX2V2aWwifQ.AAAA"}),
    "the token itself": lambda: "e30.eyJzaWQiOiJzZXNzaW9uX2V2aWwifQ.AAAA",
    "no user": lambda: seal({"accessToken": "e30.eyJzaWQiOiJzZXNzaW9uX2V2aWwifQ.AAAA"}, PASSWORD),
    "no token": lambda: seal({"sid": "session_evil", "user": {"id": "u", "email": "e"}}, PASSWORD),
    "of two users": lambda: sealed_with({"sid": "session_evil"}),
}


@pytest.mark.parametrize("kind", NOT_AUTHENTIC)
async def test_session_id_that_is_not_authentic_never_reaches_workos(emulator, kind):
    authkit = service(emulator)
    values = [NOT_AUTHENTIC[kind]()]
    if kind == "of two users":
        user = {"id": "user_bob", "email": "bob@example.com"}
        values.append(seal({"accessToken": "e30.e30.AAAA", "user": user}, PASSWORD))
    loaded = await authkit.load(values, may_refresh=False)
    assert loaded.session is None
    assert authkit.logout_url(loaded.session, "/bye") == f"{ORIGIN}/bye"


HOSTS = st.sampled_from(["app.example.com", "www.example.com", "preview.example.com",
                         "evil.example", "localhost", "a", "*", "a.b"])  # fmt: skip
PIECES = st.sampled_from(["https://", "http://", "//", "/", "\\", "@", ":", "443", "3000", ".", "?",
                          "#", "%2e", "%00", "\t", "\n", "a", "[::1]", "。", "\u202e"])  # fmt: skip


@given(st.lists(HOSTS | PIECES, max_size=8).map("".join))
def test_return_to_made_of_what_urls_are_made_of_ends_at_an_allowed_origin(return_to):
    reached = AUTHKIT.logout_url(None, return_to)
    parts = urlsplit(reached.replace("\\", "/"))  # as browsers read it
    host = parts.hostname or ""
    assert parts.username is None
    if parts.scheme == "http":
        assert (host, parts.port is None) == ("localhost", False)
    else:
        assert parts.scheme == "https"
        label, _, parent = host.partition(".")
        listed = host in {"app.example.com", "www.example.com"}
        assert listed or (label and parent == "preview.example.com")
        assert parts.port in {None, 443}


@pytest.mark.parametrize("origin", [ORIGIN, "https://www.example.com"])
async def test_return_to_too_long_for_a_header_becomes_the_default_page(origin):
    """A proxy would answer 502 in place of the redirect, and drop the deletion of the cookies."""
    longest = f"{origin}/".ljust(2048, "x")
    assert AUTHKIT.logout_url(None, longest) == longest
    assert AUTHKIT.logout_url(None, longest + "x") == f"{ORIGIN}/"


@pytest.mark.parametrize(
    ("return_to", "origin"),
    [
        ("https://a.preview.example.com", "https://a.preview.example.com"),
        ("https://xn--a-0ga.preview.example.com/", "https://xn--a-0ga.preview.example.com"),
        ("http://localhost:1/", "http://localhost:1"),
        ("https://a.preview.example.com./", ORIGIN),
        ("https://a..preview.example.com/", ORIGIN),
        ("https://*.preview.example.com/", ORIGIN),
        ("https://a%2eb.preview.example.com/", ORIGIN),
        ("https://a@b.preview.example.com/", ORIGIN),
        ("https://evil.example/https://a.preview.example.com", ORIGIN),
        ("https://evil.example:443#.preview.example.com", ORIGIN),
        ("https://evil.example?.preview.example.com", ORIGIN),
        ("https://evil.example:80.preview.example.com/", ORIGIN),
        ("http://localhost:٣٠٠٠/", ORIGIN),
        ("http://localhost:3000@evil.example/", ORIGIN),
        ("http://localhost:/", ORIGIN),
        ("http://localhost.evil.example:3000/", ORIGIN),
        ("http://127.0.0.1:3000/", ORIGIN),
        ("http://[::1]:3000/", ORIGIN),
    ],
)
async def test_wildcards_reach_no_further_than_one_label_or_one_port(return_to, origin):
    assert origin_of(AUTHKIT.logout_url(None, return_to)) == origin
