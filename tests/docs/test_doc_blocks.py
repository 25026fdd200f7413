"""Each code block of each page is run, or what it names is looked up; a new page's, too."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, Page
from redis_server import free_port
from starlette.testclient import TestClient

from authkit_asgi.cli import _parser
from authkit_asgi.environment import read_environment

NAMES = [str(page.relative_to(ROOT)).removeprefix("docs/") for page in PAGES]
FILES = [(name, file) for name in NAMES for file in Page(name).files()]
MODULES = [(name, file) for name, file in FILES if not file.startswith(("test_", "conftest."))]
PROJECTS = sorted({name for name, file in FILES if file == "conftest.py"})
# What a page may have, each with something here or in a test of that page that looks at it.
LANGUAGES = {"python", "sh", "json", "javascript", "js", "nginx", "text"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def lines(language: str) -> list[tuple[str, str]]:
    """Return the lines of all blocks of a language, each with its page; comments are none."""
    return [
        (name, line)
        for name in NAMES
        for block in Page(name).blocks(language)
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_page_has_blocks_of_languages_that_are_looked_at(name: str) -> None:
    page = Page(name)
    assert {block.language for block in page.all_blocks} <= LANGUAGES
    fences = re.findall(r"^ *```", page.text, re.MULTILINE)
    assert len(fences) == 2 * len(page.all_blocks)


@pytest.mark.parametrize(("name", "file"), MODULES)
def test_example_runs_and_its_application_starts(
    name: str,
    file: str,
    authkit_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("WORKOS_WEBHOOK_SECRET", "whsec_1")
    monkeypatch.setenv("WORKOS_ISSUER", "http://issuer.invalid")
    monkeypatch.setenv("FERNET_KEY", "A" * 43 + "=")
    if "redis://" in Page(name).file(file):
        request.getfixturevalue("documented_redis")
    if 'prefix="/auth"' in Page(name).file(file):
        monkeypatch.setenv("WORKOS_REDIRECT_URI", "http://localhost:8000/auth/callback")
    module = Page(name).run(file)
    if (app := getattr(module, "app", None)) is not None:
        with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
            answer = client.get("/", headers={"accept": "application/json"})
            assert answer.status_code in {200, 401, 404}


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    options = ("-p", "no:cacheprovider", "-W", "error", "--rootdir", ".", "-q")
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=project,
        env={**os.environ, "WORKOS_API_KEY": "sk_live_real", "WORKOS_COOKIE_NAME": "other"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(params=PROJECTS)
def run_of_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """What pytest says of the files of a page."""
    page, port = Page(request.param), free_port()
    for file in page.files():
        text = page.file(file).replace(":8123", f":{port}").replace('"8123"', f'"{port}"')
        (tmp_path / file).write_text(text, encoding="utf-8")
    with start(tmp_path) as process:
        yield process.communicate(timeout=120)[0]


def test_tests_of_a_page_pass_in_a_project_of_its_files(run_of_project: str) -> None:
    assert re.search(r"^\d+ passed in ", run_of_project, re.MULTILINE), run_of_project
    assert "failed" not in run_of_project


def test_json_is_json() -> None:
    blocks = [block for name in NAMES for block in Page(name).blocks("json")]
    assert [block for block in blocks if not json.loads(block)] == []


def test_make_targets_are_those_of_the_makefile() -> None:
    told = [line.split()[1] for _, line in lines("sh") if line.startswith("make ")]
    told += [target for name in NAMES for target in re.findall(r"`make (\w+)", Page(name).text)]
    assert {"demo", "test"} <= set(told)
    assert [one for one in told if not re.search(rf"^{one}:", MAKEFILE, re.MULTILINE)] == []


def test_extras_are_those_of_the_package() -> None:
    installed = re.findall(r"authkit-asgi\[([\w,]+)\]", "\n".join(line for _, line in lines("sh")))
    extras = {extra for one in installed for extra in one.split(",")}
    assert extras <= set(PYPROJECT["project"]["optional-dependencies"])
    assert {"fastapi", "cli", "redis", "testing"} <= extras


def test_commands_and_their_options_are_there() -> None:
    told = [line for _, line in lines("sh")]
    told += [
        one for name in NAMES for one in re.findall(r"`(authkit-asgi [^`]+)`", Page(name).text)
    ]
    commands = [re.search(r"authkit-asgi ([^)<#]+)", line) for line in told]
    arguments = [one[1].split() for one in commands if one is not None]
    assert len(arguments) > 5
    for one in arguments:
        if "--help" not in one:
            assert isinstance(_parser().parse_args(one), argparse.Namespace)


def test_variables_are_those_that_are_read() -> None:
    told = {
        variable
        for name in NAMES
        for variable in re.findall(r"(?<!PUBLIC_)\bWORKOS_[A-Z_]+[A-Z]\b", Page(name).text)
    }
    source = (ROOT / "authkit_asgi/environment.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"(WORKOS_\w+)"', source))
    assert told - read == {"WORKOS_WEBHOOK_SECRET"}  # which applications read themselves
    assert read <= told
    assert read_environment({}) == ({}, [])
