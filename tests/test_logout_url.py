"""Where a sign-out leads: to WorkOS with an authentic session's id, and back to allowed places."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from emulated import API, ORIGIN, PASSWORD, sealed, service, settings
from hypothesis import example, given
from hypothesis import strategies as st

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.seal import seal
from authkit_asgi.session import Session, session_from_answer, unseal_session

pytestmark = pytest.mark.anyio

ALLOWED = ["https://www.example.com", "https://*.preview.example.com", "http://localhost:*"]
AUTHKIT = AuthKit(AuthKitConfig(**settings()))
TEXTS = st.builds(str.__add__, st.sampled_from(["", "/", "//", "https://", ORIGIN]), st.text())


def session_of(access_token: str) -> Session:
    user = {"id": "user_ada", "email": "ada@example.com"}
    return unseal_session(seal({"accessToken": access_token, "user": user}, PASSWORD), PASSWORD)


@pytest.mark.parametrize(
    ("return_to", "target"),
    [
        ("/", f"{ORIGIN}/"),
        ("/bye?a=b#c", f"{ORIGIN}/bye?a=b#c"),
        ("/ü", f"{ORIGIN}/%C3%BC"),
        (f"{ORIGIN}/bye", f"{ORIGIN}/bye"),
        ("https://www.example.com/bye?x=1", "https://www.example.com/bye?x=1"),
        ("https://a.preview.example.com/", "https://a.preview.example.com/"),
        ("http://localhost:3000/x", "http://localhost:3000/x"),
        ("", f"{ORIGIN}/home"),
        ("bye", f"{ORIGIN}/home"),
        ("https://evil.example", f"{ORIGIN}/home"),
        ("//evil.example", f"{ORIGIN}/home"),
        ("/\\evil.example", f"{ORIGIN}/home"),
        ("/\t/evil.example", f"{ORIGIN}/home"),
        ("https://app.example.com@evil.example/", f"{ORIGIN}/home"),
        ("https://app.example.com.evil.example/", f"{ORIGIN}/home"),
        ("https://app.example.com\\@evil.example/", f"{ORIGIN}/home"),
        ("http://app.example.com/", f"{ORIGIN}/home"),
        ("https://app.example.com:8443/", f"{ORIGIN}/home"),
        ("https://preview.example.com/", f"{ORIGIN}/home"),
        ("https://a.b.preview.example.com/", f"{ORIGIN}/home"),
        ("https://evil.example/.preview.example.com", f"{ORIGIN}/home"),
        ("https://evil.example#.preview.example.com", f"{ORIGIN}/home"),
        ("http://a.preview.example.com/", f"{ORIGIN}/home"),
        ("https://localhost:3000/", f"{ORIGIN}/home"),
        ("javascript:alert(1)", f"{ORIGIN}/home"),
        ("https://www.example.com/\r\nX: y", f"{ORIGIN}/home"),
        ("/" + "x" * 100_000, f"{ORIGIN}/home"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_return_to_is_of_this_site_or_of_the_list(emulator, return_to, target):
    authkit = service(emulator, logout_return_origins=ALLOWED, default_return_path="/home")
    answer = emulator.sign_in("user_ada")
    claims = (await authkit.load([sealed(answer)])).auth.claims
    url = authkit.logout_url(session_from_answer(answer), return_to)
    assert url.startswith(f"{API}/user_management/sessions/logout?")
    assert parse_qs(urlsplit(url).query) == {"session_id": [claims.sid], "return_to": [target]}
    assert authkit.logout_url(None, return_to) == target
    assert url.isascii()


async def test_without_return_to_workos_decides_or_the_default_page(emulator):
    authkit = service(emulator, default_return_path="/home")
    answer = emulator.sign_in("user_ada")
    url = authkit.logout_url(session_from_answer(answer), None)
    assert list(parse_qs(urlsplit(url).query)) == ["session_id"]
    assert authkit.logout_url(None, None) == "/home"


async def test_list_is_empty_unless_configured(authkit, emulator):
    assert authkit.logout_url(None, "https://www.example.com/") == f"{ORIGIN}/"
    assert emulator.count() == 0


@pytest.mark.parametrize(
    "claims",
    [{}, {"sid": None}, {"sid": ""}, {"sid": 7}, {"sid": ["s"]}, {"sid": {}}, {"sid": "\ud800"}],
)
async def test_session_without_an_id_ends_here_only(authkit, emulator, claims):
    token = emulator.mint_access_token({"sub": "user_ada", **claims})
    assert authkit.logout_url(session_of(token), "/bye") == f"{ORIGIN}/bye"


@pytest.mark.parametrize("token", ["rubbish", "a.b.c", "..", "é", "\ud800", "x" * 12_000])
async def test_half_broken_session_ends_here_only(authkit, token):
    assert authkit.logout_url(session_of(token), "/bye") == f"{ORIGIN}/bye"
    assert authkit.logout_url(session_of(token), None) == "/"


async def test_expired_session_still_ends_at_workos_without_asking_anybody(authkit, emulator):
    answer = emulator.sign_in("user_ada", lifetime=-1000)
    emulator.fail("*", times=None, status=500)
    url = authkit.logout_url(session_from_answer(answer), "/bye")
    assert "session_id=session_" in url
    assert emulator.count() == 0


async def test_session_id_cannot_add_parameters(authkit, emulator):
    token = emulator.mint_access_token({"sid": "s&return_to=https://evil.example#x\r\ny"})
    url = authkit.logout_url(session_of(token), "/bye")
    query = parse_qs(urlsplit(url).query)
    assert query["return_to"] == [f"{ORIGIN}/bye"]
    assert query["session_id"] == ["s&return_to=https://evil.example#x\r\ny"]
    assert not set(url) & set("\r\n ")


@given(TEXTS)
@example("https://evil.example/")
def test_any_return_to_ends_at_an_allowed_origin(return_to):
    target = AUTHKIT.logout_url(None, return_to)
    parts = urlsplit(target.replace("\\", "/"))  # as browsers read it
    assert (parts.scheme, parts.hostname, parts.username) == ("https", "app.example.com", None)
    assert parts.port in {None, 443}
    assert not set(target) & set("\t\r\n ")
