"""`authkit-asgi inspect` and `generate-password`, as people run them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, sealed

from authkit_asgi import AuthKitConfig, cli
from authkit_asgi.testing import WorkOSEmulator

TIMEOUT_SECONDS = 60


@pytest.fixture
def cookie(emulator: WorkOSEmulator) -> str:
    return sealed(emulator.sign_in("user_ada"))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cookie password is all there is: no API key, no client."""
    for name in [name for name in os.environ if name.startswith("WORKOS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", PASSWORD)


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put octets on standard input."""

    def put(octets: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8"))

    return put


def test_inspect_shows_the_cookie_it_is_given(cookie, capsys):
    assert cli.main(["inspect", cookie]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith("user          user_ada\nemail         ada@example.com\n")
    assert f"total  {len(cookie):>6}".split() in [line.split() for line in output.splitlines()]
    assert errors == ""


@pytest.mark.parametrize("arguments", [["inspect"], ["inspect", "-"]])
def test_inspect_reads_standard_input(cookie, give, capsys, arguments):
    give(f"Cookie: a=b; wos-session={cookie}\r\n".encode())
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.startswith("user          user_ada")


def test_inspect_prints_json_with_claims_where_they_are_asked_for(cookie, capsys):
    assert cli.main(["inspect", "--json", cookie]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["user_id"], content["expired"]) == ("user_ada", False)
    assert "claims" not in content
    assert cli.main(["inspect", "--json", "--show-claims", cookie]) == 0
    assert json.loads(capsys.readouterr().out)["claims"]["sub"] == "user_ada"
    assert cli.main(["inspect", "--show-claims", cookie]) == 0
    assert '"permissions": [' in capsys.readouterr().out


def test_inspect_takes_the_name_of_the_cookie_from_the_environment(cookie, capsys, monkeypatch):
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "admin")
    assert cli.main(["inspect", f"wos-session=x; admin={cookie}"]) == 0
    assert "user_ada" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no cookie was given"),
        (" \n", "no cookie was given"),
        ("a=b", "There is no cookie wos-session"),
        ("Fe26.2*1*cut", "The seal is incomplete"),
        ("rubbish", "This is not a seal"),
        ("wos-session=\udcff", "This is not a seal"),
    ],
)
def test_inspect_of_what_is_no_session_is_one_line_and_status_one(text, words, capsys):
    assert cli.main(["inspect", text]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"authkit-asgi: {words}")
    assert errors.count("\n") == 1


def test_inspect_under_another_password_says_so(cookie, capsys, monkeypatch):
    monkeypatch.setenv("WORKOS_COOKIE_PASSWORD", OTHER_PASSWORD)
    assert cli.main(["inspect", cookie]) == 1
    assert "made with another password" in capsys.readouterr().err


def test_inspect_without_a_password_names_the_variable(cookie, capsys, monkeypatch):
    monkeypatch.delenv("WORKOS_COOKIE_PASSWORD")
    assert cli.main(["inspect", cookie]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("authkit-asgi: WORKOS_COOKIE_PASSWORD (cookie_password) is missing")


@pytest.mark.parametrize(
    "octets", [b"", b"\xff\xfe\x00", b"wos-session=\xf0\x9f" * 99, b"x" * 10**6]
)
def test_inspect_of_any_octets_ends_with_a_line_and_no_traceback(give, capsys, octets):
    give(octets)
    assert cli.main(["inspect"]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("authkit-asgi: ")
    assert errors.count("\n") == 1


def test_inspect_with_standard_input_closed_says_that_there_is_no_cookie(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)  # as the interpreter has it after `<&-`
    assert cli.main(["inspect"]) == 1
    assert capsys.readouterr().err.startswith("authkit-asgi: no cookie was given")


def test_inspect_writes_what_the_terminal_cannot_show_as_an_escape(emulator):
    emulator.update_user("user_ada", email="ädä@example.com")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "authkit_asgi.cli", "inspect"],
        input=sealed(emulator.sign_in("user_ada")).encode(),
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"email         \xe4d\xe4@example.com" in done.stdout


def test_generated_password_is_one_that_the_settings_take(capsys):
    made = set()
    for _ in range(3):
        assert cli.main(["generate-password"]) == 0
        output = capsys.readouterr().out
        password = output.removesuffix("\n")
        assert len(password) == 43
        assert password.isascii()
        assert set("=;,\"' $\\`").isdisjoint(password)
        made.add(password)
        AuthKitConfig(
            client_id="client_1",
            api_key="sk_1",
            redirect_uri="http://localhost/callback",
            cookie_password=password,
        )
    assert len(made) == 3
