"""What is told of a session cookie, however it was copied; and why another text is none."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, START, Clock, sealed, shown
from hypothesis import example, given
from hypothesis import strategies as st

from authkit_asgi.errors import ConfigurationError, InvalidSessionError
from authkit_asgi.inspection import (
    CookieSettings,
    Inspection,
    as_json,
    as_text,
    copied_cookies,
    inspect_cookie,
)
from authkit_asgi.pkce import begin_sign_in
from authkit_asgi.seal import seal
from authkit_asgi.testing import WorkOSEmulator

SETTINGS = CookieSettings(password=PASSWORD)
USER = {"id": "user_ada", "email": "ada@example.com"}


def reading(text: str, at: float = START, **settings: Any) -> Inspection:
    return inspect_cookie(
        text, CookieSettings(**{"password": PASSWORD, **settings}), clock=lambda: at
    )


def refusal(text: str, **settings: Any) -> str:
    with pytest.raises(InvalidSessionError) as raised:
        reading(text, **settings)
    assert PASSWORD not in shown(raised.value)
    return str(raised.value)


def facts(text: str) -> dict[str, str]:
    """Return the first part of the text for people: names and what stands beside them."""
    lines = text.partition("\n\n")[0].splitlines()
    return {line[:14].strip(): line[14:] for line in lines}


def cookie_of(claims: Any, **user: Any) -> str:
    """Return a seal around a token nobody has signed, as the cookie password lets one make."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return seal(
        {"accessToken": f"e30.{payload}.c2ln", "refreshToken": "r", "user": {**USER, **user}},
        PASSWORD,
    )


@pytest.fixture
def cookie(emulator: WorkOSEmulator) -> str:
    return sealed(emulator.sign_in("user_ada"))


def test_text_says_whose_the_session_is_and_until_when(cookie):
    seen = reading(cookie, START + 100)
    assert facts(as_text(seen)) == {
        "user": "user_ada",
        "email": "ada@example.com",
        "organization": "org_acme",
        "session": seen.claims["sid"],
        "signed in by": "Password",
        "issued": "2027-01-15 08:00:00 UTC (1 min 40 s ago)",
        "expires": "2027-01-15 08:05:00 UTC (in 3 min 20 s)",
        "token": "not expired",
        "signature": "not verified: that WorkOS issued the token has not been checked",
    }


def test_text_says_that_the_token_has_expired(cookie):
    seen = reading(cookie, START + 300 + 90_000)
    assert seen.is_expired is True
    assert facts(as_text(seen))["token"] == "expired"
    assert facts(as_text(seen))["expires"] == "2027-01-15 08:05:00 UTC (1 d 1 h ago)"
    assert reading(cookie, START + 300).is_expired is True
    assert facts(as_text(reading(cookie, START + 300)))["expires"].endswith("(0 s ago)")
    assert reading(cookie, START + 299).is_expired is False


def test_text_has_a_table_of_the_size_that_ends_with_the_total(cookie):
    table = as_text(reading(cookie)).partition("\n\n")[2].splitlines()
    assert table[0].split() == ["part", "bytes"]
    assert table[1].startswith("access token")
    assert table[-2].split() == ["total", str(len(cookie))]
    length = len(cookie) + len("wos-session")
    assert table[-1] == f"With its name: {length} bytes; a browser stores 4096 in one cookie"
    assert len({len(line) for line in table[:-1]}) == 1


def test_impersonator_is_named(emulator):
    impersonator = {"email": "eve@example.com", "reason": "a ticket"}
    seen = reading(sealed({**emulator.sign_in("user_ada"), "impersonator": impersonator}))
    assert facts(as_text(seen))["impersonator"] == "eve@example.com"
    assert json.loads(as_json(seen))["impersonator"] == "eve@example.com"


def test_claims_are_shown_only_where_they_are_asked_for(cookie):
    seen = reading(cookie)
    assert "data:export" not in as_text(seen) + as_json(seen)
    claims = json.loads(as_text(seen, show_claims=True).rpartition("\n\n")[2])
    assert claims["permissions"] == ["data:export"]
    assert json.loads(as_json(seen, show_claims=True))["claims"] == claims


def test_no_token_is_shown(emulator):
    answer = emulator.sign_in("user_ada")
    seen = reading(sealed(answer))
    for show_claims in (False, True):
        for text in (
            as_text(seen, show_claims=show_claims),
            as_json(seen, show_claims=show_claims),
        ):
            assert answer["refresh_token"] not in text
            for segment in answer["access_token"].split("."):
                assert segment not in text
    assert answer["refresh_token"] not in repr(seen)
    assert PASSWORD not in repr(SETTINGS)


def test_json_has_what_the_text_has(cookie):
    content = json.loads(as_json(reading(cookie, START + 400)))
    size = content.pop("size")
    assert content == {
        "user_id": "user_ada",
        "email": "ada@example.com",
        "organization_id": "org_acme",
        "session_id": reading(cookie).claims["sid"],
        "impersonator": None,
        "authentication_method": "Password",
        "issued_at": START,
        "expires_at": START + 300,
        "expired": True,
        "signature_verified": False,
        "notes": [],
    }
    assert size["total"] == len(cookie)
    assert size["parts"][0]["parts"][0].keys() == {"name", "size", "parts"}


@pytest.mark.parametrize(
    "template",
    [
        "{}",
        "  {}\r\n",
        '"{}"',
        "wos-session={}",
        "Cookie: wos-session={}",
        "cookie :a=b; wos-session={}; c=d",
        'x=y;wos-session="{}"',
        "Cookie: a=b\r\nCookie: wos-session={}\r\n",
        "Set-Cookie: wos-session={}; Path=/; HttpOnly; Secure; SameSite=Lax",
        "wos-session=; wos-session={}",
        "wos-session=rubbish; xwos-session=x; wos-session={}",
    ],
)
def test_cookie_is_found_however_it_was_copied(cookie, template):
    assert reading(template.format(cookie)).session.user_id == "user_ada"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_chunks_are_joined_in_order(cookie, order):
    chunks = [cookie[:500], cookie[500:1000], cookie[1000:]]
    line = "; ".join(f"wos-session.{number}={chunks[number]}" for number in order)
    seen = reading(f"Cookie: {line}")
    assert (seen.session.user_id, seen.size.total) == ("user_ada", len(cookie))


def test_chunk_left_over_from_a_longer_session_is_not_part_of_it(cookie):
    line = f"wos-session.0={cookie[:900]}; wos-session.1={cookie[900:]}; wos-session.2=rest"
    assert reading(line).size.total == len(cookie)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_chunks_that_are_not_all_there_are_no_session(cookie, missing):
    chunks = [cookie[:500], cookie[500:1000], cookie[1000:]]
    line = "; ".join(f"wos-session.{n}={c}" for n, c in enumerate(chunks) if n != missing)
    assert refusal(line).startswith("The cookie's chunks are incomplete or damaged")


def test_newest_of_two_cookies_is_the_one_shown(emulator, clock: Clock):
    older = sealed(emulator.sign_in("user_ada", "org_globex"))
    clock.now += 10
    newer = sealed(emulator.sign_in("user_ada", "org_acme"))
    for pair in ((older, newer), (newer, older)):
        line = "; ".join(f"wos-session={value}" for value in pair)
        assert reading(line).claims["org_id"] == "org_acme"
    chunks = f"wos-session={older}; wos-session.0={newer[:900]}; wos-session.1={newer[900:]}"
    assert reading(chunks).claims["org_id"] == "org_acme"


def test_cookies_of_two_users_are_nobodys(emulator):
    line = "; ".join(f"wos-session={sealed(emulator.sign_in(u))}" for u in ("user_ada", "user_bob"))
    assert "different users" in refusal(line)


def test_configured_name_is_the_one_looked_for(cookie):
    assert reading(f"a={cookie}", name="a").session.user_id == "user_ada"
    assert "no cookie a\\nb" not in refusal(f"wos-session={cookie}", name="a\nb")
    assert refusal(f"other={cookie}").startswith("There is no cookie wos-session (WORKOS_COOKIE_")


def test_older_password_opens_too(emulator):
    cookie = sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD)
    assert reading(cookie, password=[PASSWORD, OTHER_PASSWORD]).session.user_id == "user_ada"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (seal({"user": USER}, OTHER_PASSWORD), "The seal is not authentic: changed, or made with"),
        (seal({"user": USER}, PASSWORD)[:-9], "The seal is incomplete or damaged"),
        (seal({"user": USER}, PASSWORD)[1:], "This is not a seal"),
        (seal({"user": USER}, PASSWORD), "The seal holds no session"),
        (seal([1], PASSWORD), "The seal holds no session"),
        (seal({}, PASSWORD, ttl=1, clock=lambda: 0), "The seal has expired"),
        (begin_sign_in(PASSWORD, clock=lambda: 4e9)[1],
         "It is the state of a sign-in under way (wos-auth-verifier-"),
        ("gAAAAABnXr0=", "It was sealed by workos-python (Fernet)"),
        ("wos-session=gAAAAABnXr0=", "It was sealed by workos-python (Fernet)"),
        ("x" * 20_000, "The seal is too long"),
        ("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "This is not a seal"),
        ("wos-session=", "This is not a seal"),
        ("", "There is no cookie wos-session"),
        (";;;=", "There is no cookie wos-session"),
    ],
)  # fmt: skip
def test_text_that_is_no_session_is_refused_with_the_reason(text, words):
    message = refusal(text)
    assert message.startswith(words)
    assert "\n" not in message


@given(st.text() | st.text('Fe26.2*=;,"\n: wos-session01gA~'))
@example("\ud800")
@example("Cookie: wos-session=\udcff")
@example("wos-session.0=\x00")
@example("\u2028wos-session=\u00b2")
def test_any_text_is_refused_and_nothing_else_is_raised(text):
    refusal(text)


@pytest.mark.parametrize(
    ("claims", "note"),
    [
        ({"sub": "user_bob"}, "The access token is another user's: nobody is signed in by it"),
        ({}, "The access token is no JSON Web Token: nobody is signed in by it"),
        ([], "The access token is no JSON Web Token: nobody is signed in by it"),
    ],
)
def test_session_that_signs_nobody_in_is_shown_with_a_note(claims, note):
    seen = reading(cookie_of(claims))
    assert facts(as_text(seen))["note"] == note
    assert json.loads(as_json(seen))["notes"] == [note]


@pytest.mark.parametrize("odd", [None, True, "soon", -1, 10**30, 1e300, [], {}])
def test_dates_that_are_none_are_not_shown(odd):
    seen = reading(cookie_of({"sub": "user_ada", "exp": odd, "iat": odd}))
    said = facts(as_text(seen))
    assert {"issued", "expires"}.isdisjoint(said)
    assert said["token"] == "does not say when it expires"
    assert json.loads(as_json(seen))["expired"] is None


def test_text_of_others_does_nothing_to_a_terminal():
    claims = {"sub": "user_ada", "sid": "\x1b[2J", "org_id": ["a\nb"], "\x1b]0;x\x07": 1}
    text = as_text(reading(cookie_of(claims, email="a\r\nuser  root")), show_claims=True)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "user  root" not in text.splitlines()
    assert facts(text)["email"] == r"'a\r\nuser  root'"


def test_settings_come_from_the_environment():
    environ = {"WORKOS_COOKIE_PASSWORD": PASSWORD, "WORKOS_COOKIE_MAX_AGE": "for ever"}
    assert CookieSettings.from_env(environ) == SETTINGS
    named = CookieSettings.from_env({**environ, "WORKOS_COOKIE_NAME": "admin"})
    assert named.name == "admin"


@pytest.mark.parametrize(("password", "words"), [("", "is missing"), ("x" * 31, "is shorter than")])
def test_settings_without_a_usable_password_are_a_fault(password, words):
    with pytest.raises(ConfigurationError, match=words):
        CookieSettings.from_env({"WORKOS_COOKIE_PASSWORD": password})


def test_bare_text_is_one_value_and_headers_have_none_of_other_names():
    assert copied_cookies("abc", "wos-session").values == ("abc",)
    assert copied_cookies("a=b; c=d", "wos-session").values == ()
    assert copied_cookies("", "wos-session").values == ()
    assert copied_cookies("a=b", "\udcff").values == ()
