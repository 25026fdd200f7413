"""Wheel and sdist in `dist`, and empty environments for the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from wheel_environment import Environment

DIST = Path(__file__).parents[2] / "dist"


@pytest.fixture(scope="session")
def wheel() -> Path:
    (wheel,) = DIST.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def sdist() -> Path:
    (sdist,) = DIST.glob("*.tar.gz")
    return sdist


@pytest.fixture(params=os.environ.get("DIST_PYTHONS", sys.executable).split())
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path: Path
) -> Callable[[str], Environment]:
    """A function that installs the wheel, with the extras that it is given."""

    def install(extras: str = "") -> Environment:
        root, folder = tmp_path / "environment", tmp_path / "folder"
        uv = [sys.executable, "-m", "uv", "--quiet", "--no-python-downloads"]
        subprocess.run([*uv, "venv", "--python", request.param, root], check=True)
        into = ["--python", root / "bin/python"]
        subprocess.run([*uv, "pip", "install", *into, f"{wheel}{extras}"], check=True)
        folder.mkdir()
        return Environment(root, folder)

    return install
