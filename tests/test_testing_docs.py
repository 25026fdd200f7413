"""What docs/testing.md says is true: its examples are a project whose tests pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
# What a developer's shell may hold has no say.
REAL_ACCOUNT = {
    "WORKOS_API_KEY": "sk_live_real",
    "WORKOS_COOKIE_NAME": "other",
    "WORKOS_ISSUER": "https://auth.example.com",
    "WORKOS_COOKIE_PASSWORD_PREVIOUS": "too short",
}


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def block(text: str, start: str) -> str:
    (found,) = (one for one in blocks(text) if one.startswith(f"# {start}"))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(block(DOCS, "main.py"))
    (tmp_path / "conftest.py").write_text(block(DOCS, "conftest.py"))
    (tmp_path / "test_main.py").write_text(block(DOCS, "test_main.py"))
    return tmp_path


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    options = ("-p", "no:cacheprovider", "-W", "error", "--rootdir", ".", "-q")
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=project,
        env={**os.environ, **REAL_ACCOUNT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    with process:
        said, _ = process.communicate(timeout=120)
        return process.returncode, said


def test_example_project_passes_and_so_does_a_second_run_beside_it(project: Path) -> None:
    runs = [start(project), start(project)]
    for status, said in map(outcome, runs):
        assert "6 passed" in said
        assert status == 0


@pytest.mark.parametrize(
    "name", ["outage", "needs", "goes_on", "strangers", "elsewhere", "sign_out"]
)
def test_each_example_test_passes_alone(project: Path, name: str) -> None:
    status, said = outcome(start(project, "-k", name))
    assert "1 passed" in said
    assert status == 0


def test_state_of_one_test_is_gone_in_the_next(project: Path) -> None:
    (project / "test_main.py").write_text("""
import pytest

@pytest.mark.parametrize("time", [1, 2])
def test_emulator_is_as_it_was_made(time, client, sign_in, break_workos, authkit_emulator):
    assert authkit_emulator.requests == ()
    with pytest.raises(KeyError):
        authkit_emulator.user("user_ada")
    assert authkit_emulator.access_token_lifetime == 300
    authkit_emulator.access_token_lifetime = 1000
    break_workos("authenticate")
    sign_in(client, user="user_ada")
    assert client.post("/export").status_code == 403

def test_nothing_is_left_in_the_environment():
    import os
    assert os.environ["WORKOS_API_KEY"] == "sk_live_real"
    assert "WORKOS_BASE_URL" not in os.environ
""")
    status, said = outcome(start(project))
    assert "3 passed" in said
    assert status == 0


def test_types_may_be_imported_beside_the_plugin_and_others_may_be_made(project: Path) -> None:
    (project / "conftest.py").write_text("""
import pytest
from authkit_asgi.testing import SignIn, WorkOSEmulator

pytest_plugins = ["authkit_asgi.testing"]

@pytest.fixture(scope="session")
def authkit_make_emulator():
    return WorkOSEmulator.demo
""")
    (project / "test_main.py").write_text("""
from fastapi.testclient import TestClient
from authkit_asgi.testing import SignIn
from main import app

def test_people_of_the_demo_are_there(sign_in: SignIn):
    with TestClient(app) as client:
        session = sign_in(client, "ada@example.com")
        assert session.user.last_name == "Lovelace"
        assert client.post("/export").status_code == 200
""")
    status, said = outcome(start(project))
    assert "1 passed" in said
    assert status == 0


def test_plugin_can_be_named_on_the_command_line(project: Path) -> None:
    tests = (project / "conftest.py").read_text().replace("pytest_plugins", "other_name")
    (project / "conftest.py").write_text(tests)
    status, said = outcome(start(project, "-p", "authkit_asgi.testing"))
    assert "6 passed" in said
    assert status == 0


def test_emulator_needs_no_pytest() -> None:
    program = """
import sys
sys.modules["pytest"] = None
import authkit_asgi.cli
from authkit_asgi.testing import SignIn, WorkOSEmulator
WorkOSEmulator.demo().sign_in("user_01DEMOADA00000000000000000")
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
