"""`authkit-asgi doctor`, as people and deployments run it."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys

import pytest
from examined import RANDOM

from authkit_asgi import cli

TIMEOUT_SECONDS = 60


@pytest.fixture
def surrounded(environ, monkeypatch):
    """The variables of `environ`, in this process."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


def test_command_prints_a_line_for_each_finding_and_the_sum(surrounded, api, capsys):
    assert cli.main(["doctor"]) == 0
    output, errors = capsys.readouterr()
    lines = output.splitlines()
    assert lines[0] == (
        "ok       settings            The settings of the environment are complete and fit together"
    )
    assert lines[1:3] == [
        "warning  settings.addresses  WORKOS_BASE_URL (api_base_url) is an address of this machine",
        "                             -> Right for the emulator; a deployment leaves it unset",
    ]
    assert "ok       api.key             WORKOS_API_KEY (api_key) is accepted" in lines
    assert lines[-2:] == ["", "no faults, 1 warning"]
    assert errors == ""
    assert surrounded["WORKOS_API_KEY"] not in output
    assert RANDOM not in output


def test_fault_makes_the_exit_status_one(surrounded, monkeypatch, capsys):
    monkeypatch.setenv("WORKOS_API_KEY", "sk_test_revoked")
    monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/callback")
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("\n\n1 fault, 2 warnings\n")


def test_json_has_the_same_for_programs(surrounded, capsys):
    assert cli.main(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    findings = content.pop("findings")
    assert content == {"version": 1, "ok": True, "faults": 0, "warnings": 1}
    assert all(
        each.keys() == {"check", "status", "message", "advice", "seconds"} for each in findings
    )
    assert [(each["check"], each["status"]) for each in findings] == [
        ("settings", "ok"),
        ("settings.addresses", "warning"),
        ("password.strength", "ok"),
        ("cookie.attributes", "ok"),
        ("api.reached", "ok"),
        ("api.key", "ok"),
        ("api.clock", "ok"),
        ("keys", "ok"),
        ("redis.reached", "skipped"),
    ]


def test_json_of_faults_says_that_it_is_not_ok(capsys):
    assert cli.main(["doctor", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["ok"] is False
    assert content["faults"] == len(
        [each for each in content["findings"] if each["status"] == "fault"]
    )


def test_redis_is_examined_where_it_is_given(surrounded, own_server, capsys):
    assert cli.main(["doctor", "--redis", own_server.url]) == 0
    assert "ok       redis.pubsub        What is published is heard\n" in capsys.readouterr().out
    assert cli.main(["doctor", "--redis", ""]) == 0
    assert "skipped  redis.reached       No Redis" in capsys.readouterr().out


def test_file_of_variables_is_read_beside_the_environment_which_wins(
    environ, tmp_path, monkeypatch, capsys
):
    file = tmp_path / ".env"
    lines = [f"{name}={value}\n" for name, value in environ.items()]
    file.write_text("".join(lines) + "WORKOS_COOKIE_NAME=of-the-file\n", encoding="utf-8")
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "")
    assert cli.main(["doctor", "--env-file", str(file)]) == 0
    output = capsys.readouterr().out
    assert f"The settings of the environment and {file} are complete" in output
    assert "of-the-file; Path=/" in output
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "of-the-environment")
    assert cli.main(["doctor", "--env-file", str(file)]) == 0
    assert "of-the-environment; Path=/" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"WORKOS_API_KEY=\xff\xfe"])
def test_file_that_cannot_be_read_is_an_error_of_usage(tmp_path, capsys, content):
    file = tmp_path / ".env"
    if content is not None:
        file.write_bytes(content)
    assert cli.main(["doctor", "--env-file", str(file)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == (f"authkit-asgi: {file} cannot be read: it has to be a text file in UTF-8\n")


def test_file_without_python_dotenv_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    real_import = builtins.__import__

    def without_dotenv(name, *rest, **more):
        if name == "dotenv":
            raise ModuleNotFoundError(name=name)
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_dotenv)
    assert cli.main(["doctor", "--env-file", str(tmp_path / ".env")]) == 2
    assert "pip install 'authkit-asgi[cli]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--app", "main"], ["--app", ":app"], ["--app", "main:app", "--env-file", ".env"]],
)
def test_arguments_of_doctor_that_make_no_sense_end_with_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["doctor", *arguments])
    assert stopped.value.code == 2
    assert "usage: authkit-asgi doctor" in capsys.readouterr().err


def test_text_of_a_setting_does_nothing_to_a_terminal(surrounded, monkeypatch, capsys):
    monkeypatch.setenv("WORKOS_BASE_URL", "https://no-such-host.invalid")
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "\x1b[2J")
    assert cli.main(["doctor", "--redis", "redis://ho\u202est\u00e9.invalid:1"]) == 1
    output = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in output)


def test_process_ends_with_its_status_and_without_warnings(environ, tmp_path):
    def run(**changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "authkit_asgi.cli", "doctor"],
            env={**environ, "PYTHONIOENCODING": "ascii", **changes},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    right, wrong = run(), run(WORKOS_API_KEY="")
    assert (right.returncode, right.stderr) == (0, "")
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "WORKOS_API_KEY (api_key) is missing" in wrong.stdout


def test_application_is_examined_with_its_own_settings(environ, tmp_path, monkeypatch, capsys):
    (tmp_path / "examined_main.py").write_text(
        "from starlette.applications import Starlette\n"
        "from authkit_asgi import AuthKitMiddleware\n"
        "app = Starlette()\n"
        "app.add_middleware(AuthKitMiddleware, "
        f"api_base_url={environ['WORKOS_BASE_URL']!r}, cookie_name='of-the-code')\n"
    )
    for name in environ.keys() - {"WORKOS_BASE_URL"}:
        monkeypatch.setenv(name, environ[name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert cli.main(["doctor", "--app", "examined_main:app"]) == 0
    output = capsys.readouterr().out
    assert "The settings of the application examined_main:app are complete" in output
    assert "of-the-code; Path=/" in output
