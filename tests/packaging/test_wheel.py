"""The wheel in an empty environment: with no extra, and with each."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from wheel_environment import Environment

ROOT = Path(__file__).parents[2]
SIGNED_IN = str(Path(__file__).with_name("signed_in.py"))
IMPORTED = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is not None)"


VERSIONS = """
import authkit_asgi, importlib.metadata
print(authkit_asgi.__version__, importlib.metadata.version("authkit-asgi"))
"""


def test_bare_wheel_signs_people_in(environment, wheel):
    installed = environment()
    package, metadata = installed.run("python", "-c", VERSIONS).split()
    assert package == metadata == wheel.name.split("-")[1]
    assert installed.run("python", SIGNED_IN) == "ada@example.com\n"
    for optional in ("fastapi", "redis", "uvicorn", "pytest"):
        installed.run("python", "-c", IMPORTED, optional)
    assert len(installed.run("authkit-asgi", "generate-password").strip()) >= 32


def test_extras_bring_what_they_are_for(environment):
    installed = environment("[cli,fastapi,redis]")
    installed.run("python", "-c", "import authkit_asgi.fastapi, authkit_asgi.redis")
    with emulator(installed) as address:
        client = "client_emulator"
        assert httpx.get(f"{address}/sso/jwks/{client}", trust_env=False).json()["keys"]


@contextlib.contextmanager
def emulator(installed: Environment) -> Iterator[str]:
    with subprocess.Popen(
        [installed.root / "bin/authkit-asgi", "emulate", "--port", "0"],
        cwd=installed.folder,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[3]
        finally:
            process.terminate()


def test_pytest_plugin_works_from_the_wheel(environment):
    installed = environment("[testing]")
    (installed.folder / "conftest.py").write_text('pytest_plugins = ["authkit_asgi.testing"]\n')
    (installed.folder / "test_it.py").write_text(
        "from authkit_asgi import AuthKitConfig\n\n\n"
        "def test_settings_are_those_of_the_emulator(authkit_emulator, authkit_env):\n"
        "    assert AuthKitConfig.from_env().client_id == authkit_emulator.client_id\n"
    )
    assert "1 passed" in installed.run("python", "-m", "pytest", "-p", "no:cacheprovider")


def test_wheel_holds_the_package_its_types_and_the_license_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "authkit_asgi/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    modules = {name for name in names if ".dist-info/" not in name} - {"authkit_asgi/py.typed"}
    assert modules == {str(path.relative_to(ROOT)) for path in ROOT.glob("authkit_asgi/**/*.py")}


def test_entry_points_are_those_of_the_project(wheel):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    archive = zipfile.ZipFile(wheel)
    (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    for name, target in project["scripts"].items():
        assert f"{name} = {target}" in archive.read(points).decode()
