"""`authkit-asgi inspect` reads cookies by the middleware's own code: Fernet, chunks, duplicates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, START, Clock, sealed
from outdated import LEGACY_KEY, OTHER_LEGACY_KEY, WRITERS, sealed_by_sdk

from authkit_asgi import cli
from authkit_asgi.errors import ConfigurationError, InvalidSessionError
from authkit_asgi.inspection import CookieSettings, Inspection, as_json, as_text, inspect_cookie

ALL = CookieSettings(password=(PASSWORD, OTHER_PASSWORD), legacy_keys=(LEGACY_KEY,))
SDKS = [name for name in WRITERS if "python" in name]
ANEW = "the middleware seals it anew with its next response"


def reading(text: str, settings: CookieSettings = ALL) -> Inspection:
    return inspect_cookie(text, settings, clock=lambda: START)


@pytest.mark.parametrize("writer", SDKS)
@pytest.mark.parametrize("template", ["{}", '"{}"', "wos-session={}", 'Cookie: wos-session="{}"'])
def test_cookie_of_the_sdk_is_opened_and_called_so(emulator, writer, template):
    answer = emulator.sign_in("user_ada")
    cookie = WRITERS[writer](answer)
    seen = reading(template.format(cookie))
    assert seen.session.refresh_token == answer["refresh_token"]
    assert seen.claims["org_id"] == "org_acme"
    note = f"It was sealed by workos-python (Fernet): {ANEW}"
    assert f"note          {note}\n" in as_text(seen)
    assert json.loads(as_json(seen))["notes"] == [note]
    assert seen.size.total == len(cookie) == sum(part.size for part in seen.size.parts)


def test_cookie_under_an_older_password_is_called_so(emulator):
    answer = emulator.sign_in("user_ada")
    older = reading(sealed(answer, OTHER_PASSWORD))
    assert older.notes == [f"It was sealed with an older password: {ANEW}"]
    assert reading(sealed(answer)).notes == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "It was sealed by workos-python (Fernet): WORKOS_LEGACY_FERNET_KEY opens it"),
        ((OTHER_LEGACY_KEY,), "The cookie is not sealed with this Fernet key"),
    ],
)
def test_cookie_of_the_sdk_without_its_key_is_refused_with_the_reason(emulator, keys, words):
    cookie = sealed_by_sdk(emulator.sign_in("user_ada"))
    with pytest.raises(InvalidSessionError) as raised:
        reading(cookie, CookieSettings(password=PASSWORD, legacy_keys=keys))
    assert str(raised.value) == words


def test_key_comes_from_the_environment_and_is_not_shown(emulator, monkeypatch, capsys):
    monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)
    monkeypatch.setenv("WORKOS_LEGACY_FERNET_KEY", f"{OTHER_LEGACY_KEY},{LEGACY_KEY}")
    assert cli.main(["inspect", sealed_by_sdk(emulator.sign_in("user_ada"))]) == 0
    output = capsys.readouterr().out
    assert "workos-python" in output
    assert LEGACY_KEY not in output + repr(ALL)


def test_key_that_is_none_is_a_fault():
    environ = {"WORKOS_COOKIE_PASSWORD": PASSWORD, "WORKOS_LEGACY_FERNET_KEY": "short"}
    with pytest.raises(ConfigurationError, match="WORKOS_LEGACY_FERNET_KEY"):
        CookieSettings.from_env(environ)


def cookies(*values: str) -> str:
    return "; ".join(f"wos-session={value}" for value in values)


@pytest.mark.parametrize("writer", SDKS)
def test_newest_token_is_shown_whoever_has_sealed_it(emulator, clock: Clock, writer):
    legacy = WRITERS[writer](emulator.sign_in("user_ada", "org_globex"))
    clock.now += 10
    ours = sealed(emulator.sign_in("user_ada", "org_acme"))
    for pair in ((legacy, ours), (ours, legacy)):
        assert reading(cookies(*pair)).claims["org_id"] == "org_acme"
    clock.now += 10
    legacy = WRITERS[writer](emulator.sign_in("user_ada", "org_globex"))
    for pair in ((legacy, ours), (ours, legacy)):
        assert reading(cookies(*pair)).claims["org_id"] == "org_globex"


def test_chunks_that_came_twice_are_each_tried_as_by_the_middleware(emulator, clock: Clock):
    older, newer = [], []
    for kept in (older, newer):
        clock.now += 10
        kept.append(sealed(emulator.sign_in("user_ada")))
    line = "; ".join(
        f"wos-session.{index}={part}"
        for (value,) in (older, newer)
        for index, part in enumerate((value[:900], value[900:]))
    )
    seen = reading(line)
    assert seen.issued_at == START + 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (cookies(*map(str, range(9))), "There are more cookies of the name than a browser has"),
        ("wos-session.0=Fe26.2*1*", "The cookie's chunks are incomplete or damaged"),
    ],
)
def test_what_the_middleware_does_not_open_is_not_opened(text: str, words: str):
    with pytest.raises(InvalidSessionError, match=words):
        reading(text)


def test_more_genuine_cookies_than_are_compared_are_nobodys(emulator):
    made: list[Any] = [sealed(emulator.sign_in("user_ada")) for _ in range(5)]
    assert reading(cookies(*made[:4])).session.user_id == "user_ada"
    with pytest.raises(InvalidSessionError, match="or too many: nobody is signed in by them"):
        reading(cookies(*made))
